//! A hundred instances: what a request, pgkeep itself, and a rotation of all cost then.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::api::Api;
use super::control_plane::ControlPlane;
use super::create::newest_system_engine;
use super::median;
use super::moto::Moto;
use super::process::{IDLE, idle_ms_per_s, resident_mb};
use super::report::Row;
use super::rotation;
use crate::os_user::OsUser;
use crate::tools;

const INSTANCES: usize = 100;
/// Requests in a turn: together they take long enough for the clock.
const REQUESTS: u32 = 10;

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Vec<Row>> {
    let python = tools::ensure_bench_python()?;
    eprintln!("== hundred: starting {INSTANCES} instances");
    let identifiers: Vec<_> = (0..INSTANCES).map(|number| format!("bench-{number}")).collect();
    let plane = start_all(pgkeep, &identifiers).await?;
    let moto = Moto::start(&python, INSTANCES)?;
    let (mut ours, mut other) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        ours.push(describe_all(&plane.api, INSTANCES)?);
        other.push(describe_all(&moto.api, INSTANCES)?);
    }
    drop(moto);
    let resident = resident_mb(plane.pid())?;
    // The first look reads what the requests and proofs have left in the logs.
    tokio::time::sleep(IDLE).await;
    let idle_ms_per_s = idle_ms_per_s(plane.pid()).await?;
    // Last, since each leaves lines in the servers' logs, which pgkeep then reads.
    let scrapes =
        (0..repetitions).map(|_| scrape(&plane.api, INSTANCES)).collect::<Result<Vec<_>>>()?;
    let rotated = rotation::measure(&plane, &identifiers).await.context("the rotation")?;
    Ok(vec![
        Row::faster(
            "DescribeDBInstances, 100 instances",
            median(ours),
            ("moto", median(other)),
            Some(50.0),
        ),
        Row::bounded("memory of pgkeep serve, 100 instances", resident, 40.0, "MB"),
        Row::bounded("processor time at idle, 100 instances", idle_ms_per_s, 0.5, "ms/s"),
        // Prometheus waits 10 s unless told otherwise.
        Row::bounded(
            "one scrape of /metrics, 100 instances",
            median(scrapes).as_secs_f64() * 1000.0,
            2000.0,
            "ms",
        ),
        rotated,
    ])
}

async fn start_all(pgkeep: &Path, identifiers: &[String]) -> Result<ControlPlane> {
    let (major, _) = newest_system_engine()?;
    let plane = ControlPlane::start(pgkeep, &OsUser::find()?, 2).await?;
    create_all(&plane, &major, identifiers).await?;
    Ok(plane)
}

/// Adds instances, and waits until all are available.
pub(super) async fn create_all(
    plane: &ControlPlane,
    major: &str,
    identifiers: &[String],
) -> Result<()> {
    for identifier in identifiers {
        plane.create(identifier, major, &[])?;
    }
    for identifier in identifiers {
        plane.until_available(identifier, Duration::from_millis(100)).await?;
    }
    plane.until_stocked().await
}

/// How long all pages of the list of instances take. What came is checked apart from that time.
pub(super) fn describe_all(api: &Api, instances: usize) -> Result<Duration> {
    let mut took = Duration::ZERO;
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        let pages = api.pages("DescribeDBInstances", &[("MaxRecords", "100")])?;
        took += begun.elapsed();
        let counts = pages.iter().map(|page| page.matches("<DBInstanceIdentifier>").count());
        let count: usize = counts.sum();
        ensure!(count == instances, "{count} instances instead of {instances}");
    }
    Ok(took / REQUESTS)
}

/// How long a scrape takes, sessions of every server included.
pub(super) fn scrape(api: &Api, servers: usize) -> Result<Duration> {
    let begun = Instant::now();
    let metrics = api.fetch("/metrics")?;
    let took = begun.elapsed();
    let answered = metrics
        .lines()
        .filter(|line| line.starts_with("pgkeep_sessions_scrape_error{") && line.ends_with("} 0"));
    let count = answered.count();
    ensure!(count == servers, "{count} servers answered instead of {servers}");
    Ok(took)
}
