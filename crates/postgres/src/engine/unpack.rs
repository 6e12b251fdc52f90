//! Unpacks an engine's package, and nothing but an engine.
//!
//! The archive's hash has matched a pin before, yet it is read as if it were hostile: only regular
//! files and folders, only below `package/native`, each once, bounded in number and total size.
//! npm packages cannot hold symbolic links, so the package lists its own in `pg-symlinks.json`;
//! each must lead from a new name to a regular file of the package.

use std::collections::HashSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::{Archive, Entry, EntryType};

use super::EngineError;

/// The most entries of a package; the real ones have about 1100.
const ENTRIES_MAX: usize = 10_000;
/// The most bytes that a package unpacks to; the largest real one has 89 million.
const TOTAL_MAX_BYTES: u64 = 256 << 20;
/// The most bytes of the list of links; the real ones have 4000.
const LINKS_MAX_BYTES: u64 = 1 << 20;

/// The folder of the package that holds the engine.
const ROOT: &str = "package/native";
/// The list of links below [`ROOT`].
const LINKS: &str = "pg-symlinks.json";

/// A link as the package lists it, both paths from the package's root.
#[derive(Debug, Deserialize)]
struct Link {
    /// The regular file that the link leads to.
    source: String,
    /// The link itself.
    target: String,
}

/// Unpacks the engine in a gzipped tarball into an empty folder.
///
/// # Errors
/// A refused entry, a broken archive, a file operation. The folder is then of no use.
pub(super) fn unpack(tarball: &Path, folder: &Path) -> Result<(), EngineError> {
    let file = fs::File::open(tarball).map_err(EngineError::io("unpack", tarball))?;
    unpack_tar(GzDecoder::new(file), tarball, folder)
}

/// Unpacks what a tarball holds.
pub(crate) fn unpack_tar(tar: impl Read, tarball: &Path, folder: &Path) -> Result<(), EngineError> {
    let broken = || EngineError::io("unpack", tarball);
    // The bound holds for the headers too, which the archive reader keeps in memory.
    let mut archive = Archive::new(tar.take(2 * TOTAL_MAX_BYTES));
    let mut seen = HashSet::new();
    let mut total = 0_u64;
    let mut links = Vec::new();
    for entry in archive.entries().map_err(broken())? {
        let mut entry = entry.map_err(broken())?;
        let Some(path) = accept(&entry, &mut seen)? else {
            continue;
        };
        total = total.saturating_add(entry.size());
        if total > TOTAL_MAX_BYTES {
            return Err(refused(&path, "the package unpacks to too much"));
        }
        if path == Path::new(LINKS) {
            links = read_links(&mut entry)?;
        } else {
            write_entry(&mut entry, &path, folder)?;
        }
    }
    links.iter().try_for_each(|link| make_link(link, folder))
}

/// Makes a folder and its missing parents, each open for all to read and enter whatever the umask:
/// the programs of an engine are no secret, and unprivileged users run them.
pub(super) fn ensure_traversable(folder: &Path) -> Result<(), EngineError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        ensure_traversable(parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        result => result.map_err(EngineError::io("create", folder))?,
    }
    fs::set_permissions(folder, Permissions::from_mode(0o755))
        .map_err(EngineError::io("open up", folder))
}

/// Judges an entry by its header; its path below [`ROOT`] where it belongs to the engine.
fn accept<R: Read>(
    entry: &Entry<'_, R>,
    seen: &mut HashSet<PathBuf>,
) -> Result<Option<PathBuf>, EngineError> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(None);
    }
    let path = entry.path().map_err(EngineError::io("read", "an entry's name"))?.into_owned();
    if !matches!(kind, EntryType::Regular | EntryType::Directory) {
        return Err(refused(&path, "neither a file nor a folder"));
    }
    if !is_plain(&path) {
        return Err(refused(&path, "its path may lead out of the package"));
    }
    if seen.len() == ENTRIES_MAX {
        return Err(refused(&path, "the package has too many entries"));
    }
    if !seen.insert(path.clone()) {
        return Err(refused(&path, "it is there twice"));
    }
    let inner = path.strip_prefix(ROOT).ok().filter(|inner| !inner.as_os_str().is_empty());
    Ok(inner.map(Path::to_owned))
}

fn write_entry<R: Read>(
    entry: &mut Entry<'_, R>,
    path: &Path,
    folder: &Path,
) -> Result<(), EngineError> {
    let target = folder.join(path);
    if entry.header().entry_type() == EntryType::Directory {
        return ensure_traversable(&target);
    }
    if let Some(parent) = target.parent() {
        ensure_traversable(parent)?;
    }
    let failed = || EngineError::io("write", &target);
    let mode = entry.header().mode().map_err(failed())?;
    let executable = mode & 0o111 != 0 || path.starts_with("bin");
    let permissions = Permissions::from_mode(if executable { 0o755 } else { 0o644 });
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(0o600).open(&target).map_err(failed())?;
    let written = io::copy(entry, &mut file).map_err(failed())?;
    if written != entry.size() {
        return Err(refused(path, "it ends early"));
    }
    file.set_permissions(permissions).map_err(failed())
}

fn read_links<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<Link>, EngineError> {
    let links = serde_json::from_reader(entry.take(LINKS_MAX_BYTES));
    links.map_err(|error| EngineError::io("read", LINKS)(error.into()))
}

/// Makes one link, relative so that the engine's folder can be moved.
fn make_link(link: &Link, folder: &Path) -> Result<(), EngineError> {
    let inner = |path| Path::new(path).strip_prefix("native").ok().filter(|path| is_plain(path));
    let leads_out = || refused(Path::new(&link.target), "the link may lead out of the package");
    let source = inner(&link.source).ok_or_else(leads_out)?;
    let target = inner(&link.target).ok_or_else(leads_out)?;
    // No link leads to a link or a folder, so no parent of a later one is a link either.
    if !folder.join(source).symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Err(refused(Path::new(&link.target), "the link leads to no file"));
    }
    let depth = target.components().count() - 1;
    let up = std::iter::repeat_n(Component::ParentDir.as_os_str(), depth).collect::<PathBuf>();
    let same_folder = source.parent() == target.parent();
    let to = match source.file_name() {
        Some(name) if same_folder => PathBuf::from(name),
        _ => up.join(source),
    };
    let target = folder.join(target);
    symlink(to, &target).map_err(EngineError::io("link", target))
}

/// Whether a path consists of names only: not absolute, no `.` or `..`, not empty.
fn is_plain(path: &Path) -> bool {
    let mut components = path.components().peekable();
    components.peek().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
}

fn refused(entry: &Path, reason: &'static str) -> EngineError {
    EngineError::RefusedEntry { entry: entry.display().to_string(), reason }
}

#[cfg(test)]
mod tests;
