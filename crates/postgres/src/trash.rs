//! Removing folders: renamed away at once, emptied after.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::PostgresError;
use crate::layout::{InstanceFiles, Layout, names};

/// Removes an instance's folders. They are taken away first, so that nothing of the instance can
/// be started any more, even if what they hold cannot be removed.
///
/// # Errors
/// What cannot be removed; it is tried again by calling this again.
pub fn discard(layout: &Layout, files: &InstanceFiles) -> Result<(), PostgresError> {
    if let Some(name) = files.folder().file_name() {
        let away = layout.trash().join(name);
        match move_away(files.folder(), &away) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(PostgresError::file("remove", files.folder())(error));
            }
            _ => remove(&away)?,
        }
    }
    remove(files.socket())
}

/// Takes a folder away at once, even from a program that still writes there; [`empty_trash`]
/// removes it.
pub(crate) fn throw_away(layout: &Layout, folder: &Path) -> Result<(), PostgresError> {
    let away = layout.trash().join(hex::encode(rand::random::<[u8; 16]>()));
    move_away(folder, &away).map_err(PostgresError::file("remove", folder))
}

/// Deletes what was taken away by a process that was killed before it came to removing it.
///
/// # Errors
/// The first of what cannot be removed; all else is. It is tried again by calling this again: an
/// `initdb` that outlived its pgkeep may write into a folder while it is removed.
pub fn empty_trash(layout: &Layout) -> Result<(), PostgresError> {
    let all = names(&layout.trash())?.into_iter();
    let removed: Vec<_> = all.map(|name| remove(&layout.trash().join(name))).collect();
    removed.into_iter().collect()
}

/// A folder that leaves its parent has to be writable itself.
fn move_away(folder: &Path, away: &Path) -> io::Result<()> {
    match fs::rename(folder, away) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
            fs::rename(folder, away)
        }
        moved => moved,
    }
}

/// Deletes a folder, also one that somebody made read-only: nobody wants it any more.
fn remove(folder: &Path) -> Result<(), PostgresError> {
    let removed = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(folder).and_then(|()| fs::remove_dir_all(folder))
        }
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(PostgresError::file("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Lets the owner change a folder and those in it; links are not followed.
fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}
