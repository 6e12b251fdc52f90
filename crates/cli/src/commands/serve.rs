//! `pgkeep serve`: the control plane in the foreground.

use std::io::{IsTerminal as _, stderr};

use anyhow::Context as _;
use nix::sys::prctl::set_dumpable;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::args::ServeArgs;
use crate::output;
use crate::plane::{Plane, runtime, told_to_stop};
use crate::startup::prepare;

const LOG_VARIABLE: &str = "PGKEEP_LOG";

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    start_log("info")?;
    // Keys are in memory: nobody but root may attach to it, read it or have a core of it. Giving
    // root up has the same effect (`PR_SET_DUMPABLE`), and programs that are started end it.
    set_dumpable(false).context("cannot close its memory to others")?;
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
        .finish()
        .with(filter_fn(is_no_secret))
        .init();
    Ok(())
}

/// Whether something may be logged if the filter wants it: below `info` the HTTP client shows heads
/// of requests, and with them the credentials of a registry. No directive of a filter undoes this,
/// be it for a narrower target or for a span.
fn is_no_secret(about: &Metadata<'_>) -> bool {
    *about.level() <= Level::INFO || !about.target().starts_with("ureq")
}

#[cfg(test)]
mod tests {
    use tracing::enabled;
    use tracing::subscriber::with_default;
    use tracing_subscriber::registry;

    use super::*;

    #[test]
    fn heads_of_requests_are_not_logged() {
        with_default(registry().with(filter_fn(is_no_secret)), || {
            assert!(enabled!(target: "pgkeep_postgres::engine", Level::TRACE));
            assert!(enabled!(target: "ureq_proto::util", Level::INFO));
            assert!(!enabled!(target: "ureq_proto::util", Level::TRACE));
            assert!(!enabled!(target: "ureq::run", Level::DEBUG));
        });
    }
}
