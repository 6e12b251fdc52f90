//! What can be typed after `pgkeep rehearse`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::{DataDirArgs, EngineArgs, JsonArg};

/// What it does, for its help.
pub(super) const ABOUT: &str = "\
Try a command against throw-away copies of a DB instance, each with another TLS

For each scenario a copy of the instance's set-up is made: the same engine version, values
of the parameter group as after a reboot, authority, master user and, if the instance runs,
roles. COMMAND is run against it with PGHOST, PGHOSTADDR, PGPORT, PGUSER, PGDATABASE,
PGPASSWORD, PGSSLROOTCERT and a DATABASE_URL that leaves the choice of sslmode to COMMAND.
Every role that may log in has that password. No row of a table is copied.

A client that verifies whom it talks to must pass, but where it says fail:

  rotate-same-ca       a new certificate by the same authority, while COMMAND runs
  rotate-to-rsa4096    a new certificate by rds-ca-rsa4096-g1, while COMMAND runs
  rotate-to-ecc384     a new certificate by rds-ca-ecc384-g1, while COMMAND runs
  next-root            a certificate under the next root, which PGSSLROOTCERT has already
  expired-certificate  fail: the certificate has ended
  expired-root         fail: the root in PGSSLROOTCERT has ended, and all under it
  wrong-host           fail: the certificate is for another host
  force-ssl            rds.force_ssl=1
  tls13-only           TLS 1.3 and nothing below
  tls12-only           TLS 1.2 and nothing above
  old-bundle           fail: a certificate under the next root, which PGSSLROOTCERT lacks

In rotate-* COMMAND runs twice. The certificate is changed once the first run has connected
(after 10 s at the latest): one that lasts runs across the change, a short one before it.

Without a SCENARIO all are rehearsed that the engine version can have. A command that fails
for another reason looks right where it must fail: rehearse one that must pass with it.
Exits with 1 when COMMAND passed where it must fail, or failed where it must pass.";

#[derive(Debug, Args)]
#[command(override_usage = "pgkeep rehearse [OPTIONS] [SCENARIO]... <ID> -- <COMMAND>...")]
pub(crate) struct RehearseArgs {
    /// Scenarios, and last the DB instance identifier
    #[arg(required = true, hide = true, value_name = "ID")]
    pub(crate) names: Vec<String>,
    /// What to run; its standard input is empty
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    /// SQL to run in each copy first, with psql as the master user: a schema
    #[arg(long, value_name = "FILE.sql")]
    pub(crate) schema: Option<PathBuf>,
    /// How long a run of COMMAND may take; then it is ended, and has failed
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) timeout: u64,
    /// Write the outcome as JUnit XML too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    #[command(flatten)]
    pub(crate) engines: EngineArgs,
    #[command(flatten)]
    pub(crate) json: JsonArg,
}
