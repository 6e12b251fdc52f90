//! The files that an instance presents itself with, for tests that damage them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use pgkeep_testkit::{ControlPlane, Instance};

/// The link to the pair in use.
pub(crate) fn metadata(plane: &ControlPlane, instance: &Instance) -> PathBuf {
    plane.data_directory().join("instances").join(&instance.resource_id).join("rds-metadata")
}

/// Puts a copy in the place of a file, as one, so that nobody finds half of it.
pub(crate) fn overwrite(path: &Path, with: &Path) {
    let beside = path.with_added_extension("new");
    fs::copy(with, &beside).unwrap();
    let owner = fs::metadata(path.parent().unwrap()).unwrap();
    chown(&beside, Some(owner.uid()), Some(owner.gid())).unwrap();
    fs::rename(beside, path).unwrap();
}
