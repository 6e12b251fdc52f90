//! Removing an instance's folder: renamed away at once, emptied after.

use std::fs;
use std::io::ErrorKind;

use crate::PostgresError;
use crate::layout::{InstanceFiles, Layout, names};

/// Takes an instance's folders away; nothing of it can be started any more.
pub fn discard(layout: &Layout, files: &InstanceFiles) -> Result<(), PostgresError> {
    if let Some(name) = files.folder().file_name() {
        let away = layout.trash().join(name);
        match fs::rename(files.folder(), &away) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(PostgresError::file("remove", files.folder())(error));
            }
            _ => {}
        }
    }
    match fs::remove_dir_all(files.socket()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(PostgresError::file("remove", files.socket())(error))
        }
        _ => Ok(()),
    }
}

/// Deletes what was discarded, also by a process that was killed before it came to that.
pub fn empty_trash(layout: &Layout) -> Result<(), PostgresError> {
    for name in names(&layout.trash())? {
        let folder = layout.trash().join(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(PostgresError::file("remove", folder)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
