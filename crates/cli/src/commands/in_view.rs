//! `pgkeep in-view`: what a postmaster is before it is one. Not for people.

use std::convert::Infallible;

use anyhow::Context as _;
use pgkeep_postgres::view::become_in_view;

use crate::args::InViewArgs;

pub(super) fn run(args: &InViewArgs) -> anyhow::Result<Infallible> {
    let (program, arguments) = args.program.split_first().context("no program")?;
    let error = become_in_view(&args.root, &args.folder, program, arguments);
    Err(error).with_context(|| {
        format!("cannot run {} with a view of the file system of its own", program.display())
    })
}
