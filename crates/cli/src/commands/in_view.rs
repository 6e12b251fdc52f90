//! `pgkeep in-view`: what a postmaster is before it is one. Not for people.

use std::convert::Infallible;
use std::env::temp_dir;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use pgkeep_postgres::view::{IN_VIEW, RDSDBDATA, enter};

use crate::args::InViewArgs;

/// Takes the view, then becomes the program.
pub(super) fn run(args: InViewArgs) -> anyhow::Result<Infallible> {
    enter(&args.root, &args.folder).with_context(|| {
        format!("the kernel gives this user no file system with {RDSDBDATA} of its own")
    })?;
    let mut program = args.program.into_iter();
    let name = program.next().context("no program")?;
    let error = Command::new(&name).args(program).exec();
    Err(error).with_context(|| format!("cannot run {}", name.display()))
}

/// Whether this user may have such views: tried with a folder that is there.
pub(crate) fn is_allowed() -> bool {
    let mut command = Command::new("/proc/self/exe");
    command.arg(IN_VIEW).args([temp_dir(), temp_dir()]).arg("/bin/true");
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
