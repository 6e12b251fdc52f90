//! From the request for an instance to the first verified query, beside PostgreSQL by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::control_plane::ControlPlane;
use super::median;
use super::report::Row;
use super::server::Workbench;
use crate::os_user::OsUser;

/// How often the status is asked for: an answer takes a small part of it, so that asking neither
/// delays the end nor takes a processor from the work.
const PAUSE: Duration = Duration::from_millis(2);
const IDENTIFIER: &str = "bench";

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Vec<Row>> {
    let user = OsUser::find()?;
    let (major, bin) = newest_system_engine()?;
    eprintln!("== create: PostgreSQL {major} of {}, {repetitions} times", bin.display());
    let workbench = Workbench::new(&user, &bin)?;
    let warm_plane = ControlPlane::start(pgkeep, &user, 2).await?;
    let cold_plane = ControlPlane::start(pgkeep, &user, 0).await?;
    let (mut warm, mut cold, mut by_hand, mut bare) = (vec![], vec![], vec![], vec![]);
    // The first round is not counted: it finds the programs' files on the disk, later ones in
    // memory.
    for round in 0..=repetitions {
        let samples = (
            create(&warm_plane, &major).await.context("warm")?,
            start_by_hand(&workbench).await.context("initdb + pg_ctl start")?,
            create(&cold_plane, &major).await.context("cold")?,
            start_bare(&workbench).await.context("bare start")?,
        );
        eprintln!(
            "warm {:.0?}, by hand {:.0?}, cold {:.0?}, bare {:.0?}",
            samples.0, samples.1, samples.2, samples.3
        );
        if round > 0 {
            warm.push(samples.0);
            by_hand.push(samples.1);
            cold.push(samples.2);
            bare.push(samples.3);
        }
    }
    let (warm, cold) = (median(warm), median(cold));
    let by_hand = ("initdb + pg_ctl start", median(by_hand));
    let bare = ("bare start", median(bare));
    Ok(vec![
        Row::slower("create to verified query, warm", warm, bare, Some(2.0)),
        Row::slower("create to verified query, warm", warm, by_hand, Some(1.0)),
        Row::slower("create to verified query, cold", cold, by_hand, None),
    ])
}

async fn create(plane: &ControlPlane, engine_version: &str) -> Result<Duration> {
    let begun = Instant::now();
    plane.create(IDENTIFIER, engine_version, &[])?;
    plane.until_available(IDENTIFIER, PAUSE).await?;
    plane.endpoint(IDENTIFIER)?.query(&plane.tls).await?;
    let took = begun.elapsed();
    plane.delete(IDENTIFIER).await?;
    Ok(took)
}

async fn start_by_hand(workbench: &Workbench) -> Result<Duration> {
    let begun = Instant::now();
    let server = workbench.init()?;
    server.start_with_pg_ctl().await?;
    Ok(begun.elapsed())
}

async fn start_bare(workbench: &Workbench) -> Result<Duration> {
    let mut server = workbench.init()?;
    let begun = Instant::now();
    server.start_bare().await?;
    Ok(begun.elapsed())
}

/// The distribution's newest engine: its major version and its programs.
pub(super) fn newest_system_engine() -> Result<(String, PathBuf)> {
    let folder = Path::new("/usr/lib/postgresql");
    let majors = fs::read_dir(folder).context("there is no PostgreSQL of the distribution")?;
    let newest = majors
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u16>().ok())
        .filter(|major| folder.join(format!("{major}/bin/postgres")).exists())
        .max();
    let major = newest.context("there is no PostgreSQL of the distribution")?.to_string();
    let bin = folder.join(&major).join("bin");
    Ok((major, bin))
}
