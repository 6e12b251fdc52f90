//! From ten instances to two hundred: how what pgkeep takes grows with them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use super::control_plane::{ControlPlane, Restart};
use super::create::newest_system_engine;
use super::growth::Growth;
use super::hundred::{create_all, describe_all, scrape};
use super::process::{IDLE, idle_ms_per_s, resident_mb};
use super::{median, rotation};
use crate::os_user::OsUser;

const SIZES: [usize; 3] = [10, 50, 200];
/// That of new instances.
const DEFAULT_AUTHORITY: &str = "rds-ca-rsa2048-g1";
/// Requests for one instance in a turn: together they take long enough for the clock.
const REQUESTS: u32 = 50;

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Growth> {
    let (major, bin) = newest_system_engine()?;
    eprintln!("== load: {SIZES:?} instances of PostgreSQL {major} of {}", bin.display());
    let mut plane = ControlPlane::start(pgkeep, &OsUser::find()?, 2).await?;
    let mut identifiers = Vec::new();
    let mut growth = Growth::new(
        "instances whose servers run",
        &[
            ("start, until the API answers", "ms"),
            ("start, until all servers are adopted", "ms"),
            ("DescribeDBInstances, one", "ms"),
            ("DescribeDBInstances, all", "ms"),
            ("memory of pgkeep serve", "MB"),
            ("processor time at idle", "ms/s"),
            ("one scrape of /metrics", "ms"),
            ("another authority for all", "ms"),
        ],
    );
    for size in SIZES {
        if !identifiers.is_empty() {
            // Those that are there are rotated again, like the new ones.
            rotation::rotate(&plane, &identifiers, DEFAULT_AUTHORITY).await.context("back")?;
        }
        let new: Vec<_> = (identifiers.len()..size).map(|it| format!("bench-{it}")).collect();
        create_all(&plane, &major, &new).await?;
        identifiers.extend(new);
        let figures = measure(&mut plane, &identifiers, repetitions).await;
        growth.add(size, figures.with_context(|| format!("{size} instances"))?);
    }
    Ok(growth)
}

/// The figures at one size, in the order of the table.
async fn measure(
    plane: &mut ControlPlane,
    identifiers: &[String],
    repetitions: usize,
) -> Result<Vec<f64>> {
    let size = identifiers.len();
    plane.end(Signal::KILL)?;
    let Restart { answers, adopted } = plane.start_again(size).await.context("adoption")?;
    let at_rest = Instant::now();
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        one.push(describe_one(plane, &identifiers[size / 2])?);
        all.push(describe_all(&plane.api, size)?);
    }
    let resident = resident_mb(plane.pid())?;
    // The first look reads what the adoption has left in the logs.
    tokio::time::sleep(IDLE.saturating_sub(at_rest.elapsed())).await;
    let idle = idle_ms_per_s(plane.pid()).await?;
    let scrapes = (0..repetitions).map(|_| scrape(&plane.api, size)).collect::<Result<Vec<_>>>()?;
    let rotated = rotation::rotate(plane, identifiers, rotation::AUTHORITY).await;
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    Ok(vec![
        ms(answers),
        ms(adopted),
        ms(median(one)),
        ms(median(all)),
        resident,
        idle,
        ms(median(scrapes)),
        ms(rotated.context("the rotation")?),
    ])
}

fn describe_one(plane: &ControlPlane, identifier: &str) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        plane.describe(identifier)?;
    }
    Ok(begun.elapsed() / REQUESTS)
}
