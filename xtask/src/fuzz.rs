//! `cargo xtask fuzz`: runs the targets of `crates/fuzz` for a time each, and says what they did.
//!
//! libFuzzer needs code that reports which branches it takes. The compiler's own flags give that
//! on a stable toolchain; they are for the whole tree, which therefore has a profile and a folder
//! of its own. What is found is kept in `target/fuzz/corpus` for the next run; inputs worth keeping
//! for all are in `crates/fuzz/seeds`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// What LLVM puts into the program for libFuzzer.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Seconds for each target
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only these targets
    #[arg(long = "target")]
    targets: Vec<String>,
}

impl Options {
    /// Every target for long enough to meet its seeds and some thousand others.
    pub(crate) fn short() -> Self {
        Self { seconds: 5, targets: Vec::new() }
    }
}

/// What a target did.
struct Outcome {
    target: String,
    executions: u64,
    coverage: u64,
    ran: Duration,
    crash: Option<String>,
}

/// Builds the targets and runs them, as many at once as there are processors.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = build()?;
    let known = workspace::output(&mut Command::new(&program))?;
    let known: Vec<_> = known.lines().map(str::to_owned).collect();
    if let Some(unknown) = options.targets.iter().find(|target| !known.contains(target)) {
        bail!("no target is called {unknown}; there are {}", known.join(", "));
    }
    let is_wanted = |it: &String| options.targets.is_empty() || options.targets.contains(it);
    let waiting = Mutex::new(known.into_iter().filter(is_wanted).collect::<Vec<_>>());
    let outcomes = Mutex::new(Vec::new());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let outcome = fuzz(&program, &target, options.seconds);
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push(outcome);
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().map_err(|_| anyhow::anyhow!("a run was cut off"))?;
    report(outcomes.into_iter().collect::<Result<Vec<_>>>()?)
}

/// Build scripts and macros run here, so they must go without the flags: that is what naming the
/// machine's own platform as the target does.
fn build() -> Result<PathBuf> {
    let about = workspace::output(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not name its platform")?;
    let mut command = workspace::cargo()?;
    command.args(["build", "--package", "pgkeep-fuzz", "--profile", "fuzz", "--target", host]);
    workspace::run(command.env("RUSTFLAGS", COVERAGE))?;
    Ok(workspace::target_directory()?.join(host).join("fuzz/pgkeep-fuzz"))
}

fn fuzz(program: &Path, target: &str, seconds: u64) -> Result<Outcome> {
    let folder = workspace::target_directory()?.join("fuzz");
    let (corpus, artifacts) = (folder.join("corpus").join(target), folder.join("artifacts"));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let seeds = workspace::root()?.join("crates/fuzz/seeds").join(target);
    ensure!(seeds.is_dir(), "{} has no seeds in {}", target, seeds.display());
    let begun = Instant::now();
    let output = Command::new(program)
        .env("PGKEEP_FUZZ_TARGET", target)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/{target}-", artifacts.display()))
        .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048", "-max_len=16384"])
        .args([&corpus, &seeds])
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let number = |name: &str| {
        let found = said.lines().rev().find_map(|line| line.split_once(name));
        found.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
    };
    let crash = (!output.status.success()).then(|| {
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    });
    Ok(Outcome {
        target: target.to_owned(),
        executions: number("number_of_executed_units:").unwrap_or(0),
        coverage: number(" cov: ").unwrap_or(0),
        ran: begun.elapsed(),
        crash,
    })
}

fn report(mut outcomes: Vec<Outcome>) -> Result<()> {
    outcomes.sort_by(|a, b| a.target.cmp(&b.target));
    println!("{:<18} {:>12} {:>10} {:>9}  crashes", "target", "executions", "a second", "branches");
    for Outcome { target, executions, coverage, ran, crash } in &outcomes {
        let rate = executions / ran.as_secs().max(1);
        let crashes = u8::from(crash.is_some());
        println!("{target:<18} {executions:>12} {rate:>10} {coverage:>9}  {crashes}");
    }
    for outcome in &outcomes {
        if let Some(crash) = &outcome.crash {
            eprintln!("\n== {}\n{crash}", outcome.target);
        }
        let ran = outcome.executions > 0 || outcome.crash.is_some();
        ensure!(ran, "{} executed nothing", outcome.target);
    }
    let crashed = outcomes.iter().filter(|outcome| outcome.crash.is_some()).count();
    ensure!(crashed == 0, "{crashed} of {} targets crashed", outcomes.len());
    Ok(())
}
