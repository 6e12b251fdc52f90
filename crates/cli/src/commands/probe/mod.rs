//! `pgkeep probe`: what the TLS of any PostgreSQL endpoint really does.

mod metrics;
mod one;
mod show;
mod target;
mod trust;

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::ProgressBar;
use pgkeep_probe::report::{Policy, Report};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::args::ProbeArgs;
use crate::failure::{render_chain, wrong_use};
use crate::{output, plane, table};

use one::{Question, probe};
use target::Target;

/// Targets that are asked at a time.
const SIDE_BY_SIDE: usize = 16;

/// A target and what came of it.
#[derive(Serialize)]
struct Probed {
    target: String,
    error: Option<String>,
    report: Option<Report>,
}

pub(super) fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let targets = targets(args)?;
    let policy = args.expect.as_ref().map(|path| {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let policy = Policy::from_toml(&text).map_err(|error| {
            let what = format!("{}: {}", path.display(), render_chain(&error));
            wrong_use(what, "docs/probe.md lists what a policy can say")
        })?;
        anyhow::Ok(policy)
    });
    let question = Arc::new(Question::new(args, policy.transpose()?)?);
    let all = plane::runtime()?.block_on(probe_all(targets, &question));
    if args.metrics {
        output::write(metrics::render(&all)?)?;
    } else if args.json.json && args.targets.is_none() {
        match all.first().map(|probed| &probed.report) {
            Some(Some(report)) => table::print_json(report)?,
            _ => table::print_json(&all.first())?,
        }
    } else if args.json.json {
        table::print_json(&all)?;
    } else {
        let text = all.iter().map(|probed| match (&probed.report, &probed.error) {
            (Some(report), _) => show::render_report(&probed.target, report),
            (None, error) => format!("{}: {}\n", probed.target, error.clone().unwrap_or_default()),
        });
        output::write(text.collect::<Vec<_>>().join("\n"))?;
    }
    Ok(if all.iter().all(Probed::is_well) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Probed {
    /// Whether it was reached, and meets the policy if there is one.
    fn is_well(&self) -> bool {
        self.report.as_ref().is_some_and(|report| {
            report.is_reached() && report.violations.as_ref().is_none_or(Vec::is_empty)
        })
    }
}

fn targets(args: &ProbeArgs) -> anyhow::Result<Vec<Target>> {
    if let Some(path) = &args.targets {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let targets: Vec<_> = lines.map(Target::parse).collect::<anyhow::Result<_>>()?;
        if targets.is_empty() {
            let what = format!("{} names no target", path.display());
            return Err(wrong_use(what, "write one a line, such as db.example.com:5432"));
        }
        return Ok(targets);
    }
    let given = args.target.clone().or_else(|| std::env::var("DATABASE_URL").ok());
    let given = given.filter(|given| !given.trim().is_empty()).ok_or_else(|| {
        wrong_use("nothing to probe", "name a target: pgkeep probe db.example.com:5432")
    })?;
    Ok(vec![Target::parse(&given)?])
}

async fn probe_all(targets: Vec<Target>, question: &Arc<Question>) -> Vec<Probed> {
    let bar = if targets.len() > 1 && stderr().is_terminal() {
        ProgressBar::new(u64::try_from(targets.len()).unwrap_or_default())
    } else {
        ProgressBar::hidden()
    };
    let room = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut running = JoinSet::new();
    for (place, target) in targets.into_iter().enumerate() {
        let (question, room, bar) = (Arc::clone(question), Arc::clone(&room), bar.clone());
        running.spawn(async move {
            // The semaphore is never closed.
            let _permit = room.acquire_owned().await;
            let answer = probe(&target, &question).await;
            bar.inc(1);
            let (report, error) = match answer {
                Ok(report) => (Some(report), None),
                Err(error) => (None, Some(render_chain(error.as_ref()))),
            };
            (place, Probed { target: target.name(), error, report })
        });
    }
    let mut all = running.join_all().await;
    bar.finish_and_clear();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, probed)| probed).collect()
}
