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
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use crate::PostgresError;
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

/// Throws away what a killed process left incomplete, and what engines that are gone left prepared.
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
/// same format, but its libraries' collation versions may differ.
fn shelf(layout: &Layout, engine: &Engine) -> PathBuf {
    layout.pool().join(engine.id())
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

/// Runs the service's own SQL in single-user mode, where every release allows `CREATE DATABASE`
/// and the templates' own, and no socket is open yet. What the templates have, every database
/// that is made later has.
async fn bootstrap(engine: &Engine, data: &Path, priority: Priority) -> Result<(), PostgresError> {
    const DATABASE: &str = include_str!("sql/database.sql");
    const BOTH: &str = concat!(include_str!("sql/database.sql"), include_str!("sql/cluster.sql"));
    for (database, sql) in [("template0", DATABASE), ("template1", DATABASE), ("postgres", BOTH)] {
        single_user(engine, data, priority, database, sql).await?;
    }
    Ok(())
}

async fn single_user(
    engine: &Engine,
    data: &Path,
    priority: Priority,
    database: &str,
    sql: &str,
) -> Result<(), PostgresError> {
    let mut postgres = command(engine, "postgres", priority);
    postgres.args(["--single", "-j", "-D"]).arg(data);
    postgres.args(["-c", "exit_on_error=on", database]);
    postgres.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let run = async {
        let mut child = postgres.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(sql.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let program = "postgres --single";
    let output = run.await.map_err(|source| PostgresError::Run { program, source })?;
    program::judge(program, &output)
}
