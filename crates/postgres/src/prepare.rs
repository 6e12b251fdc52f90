//! Data directories, initialised ahead of time.
//!
//! A prepared instance is a folder with everything that does not depend on the request: an
//! initialised data directory with the service's own roles and database. It is made under a
//! hidden name and renamed when complete, and taken by a rename into the instance's place, so a
//! kill leaves either a whole one or rubbish that the next start sweeps.
//!
//! Each comes from an `initdb` of its own, never from a copy: two instances with one system
//! identifier could replay each other's WAL.

use std::fs;
use std::path::{Path, PathBuf};

use crate::PostgresError;
use crate::bootstrap::{bootstrap, bootstrap_digest};
use crate::engine::Engine;
use crate::layout::{InstanceFiles, Layout, ensure_folder, names};
use crate::program::{self, Priority, command};
use crate::trash::throw_away;

/// Begins the names of folders that are not complete.
const INCOMPLETE: &str = ".making-";

/// How many prepared instances of an engine there are.
pub fn prepared(layout: &Layout, engine: &Engine) -> Result<usize, PostgresError> {
    Ok(complete(&shelf(layout, engine))?.len())
}

/// Adds a prepared instance; `unique` names it and must differ between calls.
pub async fn prepare(
    layout: &Layout,
    engine: &Engine,
    unique: &str,
    priority: Priority,
) -> Result<(), PostgresError> {
    let shelf = shelf(layout, engine);
    ensure_folder(&shelf)?;
    let making = shelf.join(format!("{INCOMPLETE}{unique}"));
    let made = make(&making, engine, priority).await.and_then(|()| {
        let done = shelf.join(unique);
        fs::rename(&making, &done).map_err(PostgresError::file("rename to", done))
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&making);
    }
    made
}

/// Puts a prepared instance into the instance's place, if there is one.
pub fn take_prepared(
    layout: &Layout,
    engine: &Engine,
    files: &InstanceFiles,
) -> Result<bool, PostgresError> {
    let shelf = shelf(layout, engine);
    for name in complete(&shelf)? {
        match fs::rename(shelf.join(name), files.folder()) {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(PostgresError::file("make", files.folder())(error)),
        }
    }
    Ok(false)
}

/// Throws away what a killed process left incomplete, and what was prepared of engines that are
/// gone or by another pgkeep.
pub fn sweep_pool(layout: &Layout, engines: &[Engine]) -> Result<(), PostgresError> {
    let kept: Vec<PathBuf> = engines.iter().map(|engine| shelf(layout, engine)).collect();
    for name in names(&layout.pool())? {
        let folder = layout.pool().join(name);
        if kept.contains(&folder) {
            for name in names(&folder)?.iter().filter(|name| name.starts_with(INCOMPLETE)) {
                throw_away(layout, &folder.join(name))?;
            }
        } else {
            throw_away(layout, &folder)?;
        }
    }
    Ok(())
}

/// A data directory fits the release that made it: `initdb` of another minor release writes the
/// same format, but its libraries' collation versions may differ. It fits this pgkeep's own SQL,
/// too.
fn shelf(layout: &Layout, engine: &Engine) -> PathBuf {
    let digest = bootstrap_digest();
    layout.pool().join(format!("{}-{}", engine.id(), digest.get(..12).unwrap_or_default()))
}

fn complete(shelf: &Path) -> Result<Vec<String>, PostgresError> {
    if !shelf.exists() {
        return Ok(Vec::new());
    }
    let mut names = names(shelf)?;
    names.retain(|name| !name.starts_with(INCOMPLETE));
    Ok(names)
}

async fn make(folder: &Path, engine: &Engine, priority: Priority) -> Result<(), PostgresError> {
    for part in ["log/error", "certificates"] {
        ensure_folder(&folder.join(part))?;
    }
    let data = folder.join("data");
    let mut initdb = command(engine, "initdb", priority);
    initdb.args(["--username=rdsadmin", "--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8"]);
    initdb.args(["--data-checksums", "--auth-local=peer", "--auth-host=scram-sha-256"]);
    initdb.arg("--pgdata").arg(&data);
    program::run("initdb", initdb).await?;
    bootstrap(engine, &data, priority).await
}
