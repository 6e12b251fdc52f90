//! `pgkeep serve`: the control plane in the foreground.

use std::io::{IsTerminal as _, stderr};

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::args::ServeArgs;
use crate::output;
use crate::plane::{Plane, runtime, told_to_stop};
use crate::startup::prepare;

const LOG_VARIABLE: &str = "PGKEEP_LOG";

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    start_log("info")?;
    let prepared = prepare(args)?;
    let plane = Plane::open(prepared, args)?;
    runtime()?.block_on(async {
        let shutdown = told_to_stop()?;
        output::write(format!("pgkeep serves the RDS API on http://{}\n", plane.address))?;
        plane.serve(shutdown).await
    })
}

/// Sends the log to the standard error, from the level on that `PGKEEP_LOG` or `default` names.
pub(super) fn start_log(default: &str) -> anyhow::Result<()> {
    let named = std::env::var(LOG_VARIABLE).ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(named.as_deref().unwrap_or(default))
        .with_context(|| format!("{LOG_VARIABLE} is not a filter such as info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
    Ok(())
}
