//! What can be typed after `pgkeep probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::JsonArg;

/// What it does, for its help.
pub(super) const ABOUT: &str = "\
Say what the TLS of any PostgreSQL endpoint really does

Asks the endpoint, without an account on it: TLS versions, cipher suites, certificates, plaintext,
authentication; and says what is weak, what to do, what every sslmode and the drivers' defaults
will do there. At most 99 connections, 12 with --fast. A password is sent only if a role is named
and TARGET, PGPASSWORD or ~/.pgpass has one for it.

Exits with 1 when there is no connection or a policy is not met.";

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// HOST, HOST:PORT, a URL or a connection string of libpq's [default: `DATABASE_URL`]
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// Probe every target of a file, one a line, side by side
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    pub(crate) targets: Option<PathBuf>,
    /// The role to ask for [default: TARGET's, $PGUSER, else postgres]
    #[arg(long, value_name = "U")]
    pub(crate) user: Option<String>,
    /// The database to ask for [default: TARGET's, $PGDATABASE, else the role's name]
    #[arg(long, value_name = "D")]
    pub(crate) dbname: Option<String>,
    /// The roots that clients have, in PEM; `system` for those of this machine [default: TARGET's
    /// sslrootcert, else system]
    #[arg(long, value_name = "FILE", conflicts_with = "rds_bundle")]
    pub(crate) bundle: Option<PathBuf>,
    /// The service's bundle (global-bundle.pem), for endpoints of Amazon RDS
    #[arg(long, value_name = "FILE")]
    pub(crate) rds_bundle: Option<PathBuf>,
    /// Judge the certificate by another name than the one connected to
    #[arg(long, value_name = "N")]
    pub(crate) server_name: Option<String>,
    /// Fail unless a policy in TOML is met
    #[arg(long, value_name = "POLICY")]
    pub(crate) expect: Option<PathBuf>,
    /// Ask less, with 12 connections at most
    #[arg(long)]
    pub(crate) fast: bool,
    /// The most connections a second, to each target
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// How long a connection may take, in seconds
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) json: JsonArg,
    /// Print metrics for Prometheus instead of a table
    #[arg(long, conflicts_with = "json")]
    pub(crate) metrics: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0);
    let within = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    within.ok_or_else(|| "not a number of seconds above 0".to_owned())
}
