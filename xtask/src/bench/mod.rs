//! `cargo xtask bench`: pgkeep beside what people would use instead, on one machine in one run.
//!
//! Everything compared is measured by the same client, in turns, so that whatever else the machine
//! does falls on all of it. Only ratios carry over to another machine. What a bench starts belongs
//! to a guard, and ends with it: also after a failure, and after Ctrl-C.

mod api;
mod connections;
mod control_plane;
mod create;
mod growth;
mod hundred;
mod load;
mod moto;
mod parameters;
mod pgbench;
mod process;
mod reload;
mod report;
mod requests;
mod rotation;
mod rows;
mod scanners;
mod server;
mod session;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum as _;
use tokio::signal::unix::{SignalKind, signal};

use self::report::{Figures, Report};
use crate::workspace;

/// The options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The benches to run [default: all]
    bench: Vec<Bench>,
    /// How often each measurement is taken; medians are shown
    #[arg(long, value_name = "N", default_value_t = 9)]
    repetitions: usize,
    /// Write the figures to docs/figures.md
    #[arg(long, conflicts_with = "bench")]
    write: bool,
}

/// A bench by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Bench {
    /// From the request to create an instance to the first verified query
    Create,
    /// Changes and lists of parameters
    Parameters,
    /// Connections over TLS
    Connections,
    /// Requests, memory and processor time with a hundred instances; a part of `load`
    Hundred,
    /// How all that grows from ten instances to two hundred
    Load,
    /// Requests while the state file has ten thousand instances
    Rows,
    /// `pgkeep probe` beside other scanners
    Probe,
}

/// Builds pgkeep as it ships, runs the benches and shows the figures.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(options.repetitions > 0, "--repetitions must be at least 1");
    let pgkeep = build()?;
    let figures = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(
        until_interrupted(async {
            let mut figures = Figures::default();
            for bench in Bench::value_variants() {
                let all = options.bench.is_empty() && *bench != Bench::Hundred;
                if all || options.bench.contains(bench) {
                    let begun = Instant::now();
                    let measured = run_one(*bench, &pgkeep, options.repetitions).await;
                    figures.extend(measured.with_context(|| format!("the bench {bench:?}"))?);
                    eprintln!("in {} s", begun.elapsed().as_secs());
                }
            }
            Ok(figures)
        }),
    )?;
    let report = Report { figures, repetitions: options.repetitions };
    print!("\n{}", report.render_tables());
    if options.write {
        let path = workspace::root()?.join("docs/figures.md");
        std::fs::write(&path, report.render_page()?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    match report.figures.rows.iter().filter(|row| row.misses_target()).count() {
        0 => Ok(()),
        missed => bail!("{missed} of the targets not met"),
    }
}

async fn run_one(bench: Bench, pgkeep: &Path, repetitions: usize) -> Result<Figures> {
    Ok(match bench {
        Bench::Create => create::run(pgkeep, repetitions).await?.into(),
        Bench::Parameters => parameters::run(pgkeep, repetitions).await?.into(),
        Bench::Connections => connections::run(pgkeep, repetitions).await?.into(),
        Bench::Hundred => load::run(pgkeep, repetitions, &[hundred::HUNDRED]).await?,
        Bench::Load => load::run(pgkeep, repetitions, load::SIZES).await?,
        Bench::Rows => rows::run(pgkeep, repetitions).await?,
        Bench::Probe => scanners::run(pgkeep, repetitions).await?.into(),
    })
}

/// Drops the work at a signal, and with it the guards.
async fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

fn build() -> Result<PathBuf> {
    workspace::run(workspace::cargo()?.args(["build", "--release", "--package", "pgkeep"]))?;
    Ok(workspace::target_directory()?.join("release/pgkeep"))
}

/// Tries again every `pause` until there is an answer. The error after `limit` shows the last
/// one.
async fn until<T, F>(limit: Duration, pause: Duration, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(error) if tokio::time::Instant::now() >= deadline => {
                return Err(error.context(format!("still so after {} s", limit.as_secs())));
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
    }
}

/// The middle value.
fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}
