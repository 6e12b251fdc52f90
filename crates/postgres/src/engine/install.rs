//! Puts a pinned package into the cache, whole or not at all.
//!
//! Layout of `<cache>/engines`: one folder for each engine, named after its package; `.lock`; and
//! `.partial-*`, where an engine is made. A folder gets its engine's name by one rename, after
//! everything in it is on the disk. Only the holder of the lock makes engines, so every
//! `.partial-*` that it finds was left by a process that died.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::EngineError;
use super::download::{Progress, download};
use super::owner::check_owner;
use super::pin::Pin;
use super::registry::Registry;
use super::unpack::{ensure_traversable, unpack};

/// What the names of unfinished work begin with; engines' names never begin with a dot.
const PARTIAL: &str = ".partial-";

/// Installs an engine unless it is there, and says where it is.
///
/// A second caller, in this process or another, waits for the first and finds its engine.
///
/// # Errors
/// The cache is not ours; the registry, the download, the package or the disk. Nothing is left
/// then.
pub(super) fn ensure_installed(
    engines_dir: &Path,
    pin: &Pin,
    registry: impl FnOnce() -> Result<Registry, EngineError>,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, EngineError> {
    ensure_traversable(engines_dir)?;
    check_owner(engines_dir)?;
    let place = engines_dir.join(pin.id());
    if place.is_dir() {
        return Ok(place);
    }
    let _lock = lock(&engines_dir.join(".lock"))?;
    if place.is_dir() {
        return Ok(place);
    }
    sweep(engines_dir)?;
    let partial = tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempdir_in(engines_dir)
        .map_err(EngineError::io("create a folder in", engines_dir))?;
    let tarball = partial.path().join("package.tgz");
    let tree = partial.path().join("tree");
    download(registry()?.open(pin)?, pin, &tarball, progress)?;
    ensure_traversable(&tree)?;
    unpack(&tarball, &tree)?;
    write_to_disk(&tree)?;
    fs::rename(&tree, &place).map_err(EngineError::io("create", &place))?;
    let dir = File::open(engines_dir).map_err(EngineError::io("open", engines_dir))?;
    dir.sync_all().map_err(EngineError::io("write to disk", engines_dir))?;
    Ok(place)
}

/// Waits for the cache's lock, which ends with the file that is returned or with the process.
fn lock(path: &Path) -> Result<File, EngineError> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(EngineError::io("open", path))?;
    file.lock().map_err(EngineError::io("lock", path))?;
    Ok(file)
}

/// Removes what dead processes left. The lock must be held.
fn sweep(engines_dir: &Path) -> Result<(), EngineError> {
    let failed = || EngineError::io("read", engines_dir);
    for entry in fs::read_dir(engines_dir).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if entry.file_name().as_encoded_bytes().starts_with(PARTIAL.as_bytes()) {
            fs::remove_dir_all(entry.path()).map_err(EngineError::io("remove", entry.path()))?;
        }
    }
    Ok(())
}

/// Waits until everything below a folder is on the disk: one call for the file system instead of
/// a thousand, one for each file.
fn write_to_disk(tree: &Path) -> Result<(), EngineError> {
    let dir = File::open(tree).map_err(EngineError::io("open", tree))?;
    rustix::fs::syncfs(&dir).map_err(|error| EngineError::io("write to disk", tree)(error.into()))
}

#[cfg(test)]
mod tests;
