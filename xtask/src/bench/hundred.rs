//! A hundred instances: what a request, pgkeep itself, and a rotation of all cost then.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::api::Api;
use super::control_plane::ControlPlane;
use super::create::newest_system_engine;
use super::median;
use super::moto::Moto;
use super::report::Row;
use super::rotation;
use crate::os_user::OsUser;
use crate::tools;

const INSTANCES: usize = 100;
/// The period in which pgkeep looks at the logs of all servers.
const IDLE: Duration = Duration::from_mins(1);
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
        ours.push(describe_all(&plane.api)?);
        other.push(describe_all(&moto.api)?);
    }
    drop(moto);
    let resident = resident_mb(plane.pid())?;
    // The first look reads what the requests and proofs have left in the logs.
    tokio::time::sleep(IDLE).await;
    let before = processor_time(plane.pid())?;
    tokio::time::sleep(IDLE).await;
    let busy = processor_time(plane.pid())?.saturating_sub(before);
    let idle_ms_per_s = busy.as_secs_f64() * 1000.0 / IDLE.as_secs_f64();
    // Last, since each leaves lines in the servers' logs, which pgkeep then reads.
    let scrapes = (0..repetitions).map(|_| scrape(&plane.api)).collect::<Result<Vec<_>>>()?;
    let rotated = rotation::measure(&plane, &identifiers).await.context("the rotation")?;
    Ok(vec![
        Row::faster(
            "DescribeDBInstances, 100 instances",
            median(ours),
            ("moto", median(other)),
            Some(50.0),
        ),
        Row::bounded("memory of pgkeep serve, 100 instances", resident, 40.0, "MB"),
        // The clock of these times counts hundredths of a second: one of them at most.
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
    for identifier in identifiers {
        plane.create(identifier, &major, &[])?;
    }
    for identifier in identifiers {
        plane.until_available(identifier, Duration::from_millis(100)).await?;
    }
    plane.until_stocked().await?;
    Ok(plane)
}

/// How long one request for all instances takes. What came is checked apart from that time.
fn describe_all(api: &Api) -> Result<Duration> {
    let mut took = Duration::ZERO;
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        let xml = api.call("DescribeDBInstances", &[("MaxRecords", "100")])?;
        took += begun.elapsed();
        let count = xml.matches("<DBInstanceIdentifier>").count();
        ensure!(count == INSTANCES, "{count} instances instead of {INSTANCES}");
    }
    Ok(took / REQUESTS)
}

/// How long a scrape takes, sessions of every server included.
fn scrape(api: &Api) -> Result<Duration> {
    let begun = Instant::now();
    let metrics = api.fetch("/metrics")?;
    let took = begun.elapsed();
    let answered = metrics
        .lines()
        .filter(|line| line.starts_with("pgkeep_sessions_scrape_error{") && line.ends_with("} 0"));
    let count = answered.count();
    ensure!(count == INSTANCES, "{count} servers answered instead of {INSTANCES}");
    Ok(took)
}

/// `VmRSS` of proc(5), in MB of a million bytes.
#[expect(clippy::cast_precision_loss, reason = "a process has far less than 2^52 KiB")]
fn resident_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.context("no VmRSS")?.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib as f64 * 1024.0 / 1e6)
}

/// User and system time of a process, from the fields 14 and 15 of `/proc/<pid>/stat` (proc(5)).
fn processor_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field, the name in brackets, may have spaces itself.
    let (_, rest) = stat.rsplit_once(')').context("/proc/<pid>/stat has another form")?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || anyhow::Ok(fields.next().context("too few fields")?.parse::<u64>()?);
    let ticks = ticks()? + ticks()?;
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}
