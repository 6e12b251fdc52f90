//! `pgkeep psql`: becomes a psql that verifies whom it talks to.
//!
//! psql belongs to the person who typed the command, so root stays root: only while the state is
//! read does the process have the rights of the data directory's owner. Everything goes through
//! the environment, so that psql's own arguments are free; never a password, which psql asks for.

use std::convert::Infallible;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::sys::stat::Mode;

use crate::args::PsqlArgs;
use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::instances::{database, find};

pub(super) fn run(args: PsqlArgs, umask: Mode) -> anyhow::Result<Infallible> {
    let (data, owner) = DataDirectory::find(&args.data)?;
    let instance = owner.act_as(|| find(&data.state()?, &args.instance))?;
    let desired = &instance.desired;
    let mut psql = Command::new("psql");
    psql.args(args.arguments)
        .env("PGHOST", &desired.endpoint)
        .env("PGHOSTADDR", desired.address.to_string())
        .env("PGPORT", desired.port.to_string())
        .env("PGDATABASE", database(&instance))
        .env("PGUSER", &desired.master_username)
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", data.bundle_pem())
        // What a service file says would win over all of these.
        .env_remove("PGSERVICE");
    nix::sys::stat::umask(umask);
    let error = psql.exec();
    if error.kind() == io::ErrorKind::NotFound {
        return Err(hinted("there is no psql", "apt-get install postgresql-client"));
    }
    Err(anyhow::Error::new(error).context("cannot run psql"))
}
