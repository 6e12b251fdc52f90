//! From ten instances to two hundred: how what pgkeep takes grows with them, and what a hundred are
//! held to.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;

use super::api::Api;
use super::control_plane::{ControlPlane, Restart};
use super::create::newest_system_engine;
use super::growth::Growth;
use super::hundred::{self, HUNDRED};
use super::process::{IDLE, idle_ms_per_s, resident_mb};
use super::{median, report, rotation};
use crate::os_user::OsUser;
use crate::tools;

/// The sizes of the whole bench.
pub(super) const SIZES: &[usize] = &[10, HUNDRED, 200];
/// Requests in a turn: together they take long enough for the clock.
const REQUESTS: u32 = 10;

/// Names and units of the growing figures.
const MEASURED: [(&str, &str); 8] = [
    ("start, until the API answers", "ms"),
    ("start, until all servers are adopted", "ms"),
    ("DescribeDBInstances, one", "ms"),
    ("DescribeDBInstances, all", "ms"),
    ("memory of pgkeep serve", "MB"),
    ("processor time at idle", "ms/s"),
    ("one scrape of /metrics", "ms"),
    ("another authority for all", "ms"),
];

/// What is measured at one size.
pub(super) struct Figures {
    restart: Restart,
    one: Duration,
    all: Duration,
    pub(super) resident_mb: f64,
    pub(super) idle_ms_per_s: f64,
    pub(super) scrape: Duration,
    rotated: Duration,
}

/// Grows a control plane through these sizes.
pub(super) async fn run(
    pgkeep: &Path,
    repetitions: usize,
    sizes: &[usize],
) -> Result<report::Figures> {
    let python = tools::ensure_bench_python()?;
    let (major, bin) = newest_system_engine()?;
    eprintln!("== load: {sizes:?} instances of PostgreSQL {major} of {}", bin.display());
    let mut plane = ControlPlane::start(pgkeep, &OsUser::find()?, 2).await?;
    let mut identifiers = Vec::new();
    let mut growth = Growth::new("instances whose servers run", &MEASURED);
    let mut rows = Vec::new();
    for size in sizes {
        // Those that are there are rotated again, like the new ones.
        rotation::back(&plane, &identifiers).await?;
        let new: Vec<_> = (identifiers.len()..*size).map(|it| format!("bench-{it}")).collect();
        create_all(&plane, &major, &new).await?;
        identifiers.extend(new);
        let figures = measure(&mut plane, &identifiers, repetitions).await;
        let figures = figures.with_context(|| format!("{size} instances"))?;
        if *size == HUNDRED {
            rows = hundred::rows(&python, &plane, &identifiers, &figures, repetitions).await?;
        }
        growth.add(*size, figures.in_order());
    }
    Ok(report::Figures { rows, growths: vec![growth] })
}

/// Adds instances, and waits until all are available.
async fn create_all(plane: &ControlPlane, major: &str, identifiers: &[String]) -> Result<()> {
    for identifier in identifiers {
        plane.create(identifier, major, &[])?;
    }
    for identifier in identifiers {
        plane.until_available(identifier, Duration::from_millis(100)).await?;
    }
    plane.until_stocked().await
}

async fn measure(
    plane: &mut ControlPlane,
    identifiers: &[String],
    repetitions: usize,
) -> Result<Figures> {
    let size = identifiers.len();
    plane.end(Signal::KILL)?;
    let restart = plane.start_again(size).await.context("adoption")?;
    // The sessions of rdsadmin are opened, and a look reads what the adoption has left in the logs.
    tokio::time::sleep(IDLE).await;
    let idle_ms_per_s = idle_ms_per_s(plane.pid()).await?;
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        one.push(describe_one(plane, &identifiers[size / 2])?);
        all.push(describe_all(&plane.api, size)?);
    }
    let resident_mb = resident_mb(plane.pid())?;
    // Later, since each leaves lines in the servers' logs, which pgkeep then reads.
    let scrapes = (0..repetitions).map(|_| scrape(&plane.api, size)).collect::<Result<Vec<_>>>()?;
    let rotated = rotation::rotate(plane, identifiers, rotation::AUTHORITY).await;
    Ok(Figures {
        restart,
        one: median(one),
        all: median(all),
        resident_mb,
        idle_ms_per_s,
        scrape: median(scrapes),
        rotated: rotated.context("the rotation")?,
    })
}

impl Figures {
    /// In the order of [`MEASURED`].
    fn in_order(&self) -> Vec<f64> {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let Restart { answers, adopted } = self.restart;
        vec![
            ms(answers),
            ms(adopted),
            ms(self.one),
            ms(self.all),
            self.resident_mb,
            self.idle_ms_per_s,
            ms(self.scrape),
            ms(self.rotated),
        ]
    }
}

fn describe_one(plane: &ControlPlane, identifier: &str) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        plane.describe(identifier)?;
    }
    Ok(begun.elapsed() / REQUESTS)
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

/// How long a scrape takes, sessions of every server that runs included.
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
