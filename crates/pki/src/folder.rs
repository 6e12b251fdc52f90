//! A folder of secrets that appears on disk whole or not at all, whenever the process is killed.
//!
//! It is filled beside its place, under a hidden name, and renamed; each step is synced before the
//! next. What a killed run left under the hidden name is removed by the next. Deliberately absent:
//! changing a folder in place. What follows in an authority gets a folder beside the first, which
//! appears in the same way.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::{PkiError, Result};

/// Makes a folder of mode 0700 and its parents; one that exists stays as it is.
pub(crate) fn ensure_private(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(PkiError::file("make the folder", folder))?;
    let parent = folder.canonicalize().map_err(PkiError::file("find", folder))?;
    parent.parent().map_or(Ok(()), sync)
}

/// Holds the folder for this process until the answer is dropped, and waits for whoever has it.
pub(crate) fn lock(folder: &Path) -> Result<File> {
    let handle = File::open(folder).map_err(PkiError::file("open", folder))?;
    handle.lock().map_err(PkiError::file("lock", folder))?;
    Ok(handle)
}

/// Writes `<parent>/<name>` with these files, mode 0600, as one.
pub(crate) fn write_whole(parent: &Path, name: &str, files: &[(&str, String)]) -> Result<()> {
    let (hidden, place) = (parent.join(format!(".{name}.new")), parent.join(name));
    remove_leftover(&hidden)?;
    step(&hidden)?;
    DirBuilder::new().mode(0o700).create(&hidden).map_err(PkiError::file("make", &hidden))?;
    for (name, content) in files {
        write_new(&hidden.join(name), content)?;
    }
    sync(&hidden)?;
    step(&place)?;
    fs::rename(&hidden, &place).map_err(PkiError::file("put into place", &place))?;
    sync(parent)
}

/// Writes a file of mode 0600 that is there as it was or as it is to be.
pub(crate) fn write_file(path: &Path, content: &str) -> Result<()> {
    let hidden = path.with_added_extension("new");
    write_new(&hidden, content)?;
    step(path)?;
    fs::rename(&hidden, path).map_err(PkiError::file("put into place", path))?;
    path.parent().map_or(Ok(()), sync)
}

/// Writes a file of mode 0600, over what a killed run left in its place.
fn write_new(path: &Path, content: &str) -> Result<()> {
    step(path)?;
    let mut new = OpenOptions::new();
    let file = new.write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.map_err(PkiError::file("write", path))?;
    step(path)?;
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(PkiError::file("write", path))
}

/// Removes `<parent>/<name>` as one: a killed run leaves what the next [`write_whole`] removes.
pub(crate) fn remove(parent: &Path, name: &str) -> Result<()> {
    let (hidden, place) = (parent.join(format!(".{name}.new")), parent.join(name));
    remove_leftover(&hidden)?;
    step(&place)?;
    fs::rename(&place, &hidden).map_err(PkiError::file("remove", &place))?;
    sync(parent)?;
    remove_leftover(&hidden)
}

fn remove_leftover(hidden: &Path) -> Result<()> {
    step(hidden)?;
    match fs::remove_dir_all(hidden) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(PkiError::file("remove the leftover", hidden)(error))
        }
        _ => Ok(()),
    }
}

/// The names of what is in a folder, in their order.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(PkiError::file("read", folder))?;
    let names = entries.into_iter().filter_map(|it| it.file_name().into_string().ok());
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(PkiError::file("read", path))
}

/// Reads a secret, and refuses one that others had access to.
pub(crate) fn read_private(path: &Path) -> Result<String> {
    let metadata = fs::metadata(path).map_err(PkiError::file("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PkiError::unfit(path, format!("is open to others: mode {mode:04o}, not 0600")));
    }
    read(path)
}

fn sync(folder: &Path) -> Result<()> {
    step(folder)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(PkiError::file("sync", folder))
}

/// Before each change of the disk: where a test of `kills` ends a run.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "a test ends a run here")]
fn step(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
use crate::kills::step;
