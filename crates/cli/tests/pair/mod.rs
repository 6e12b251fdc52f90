//! The files that an instance presents itself with, for tests that damage them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use pgkeep_testkit::{ControlPlane, Instance, openssl};

/// The link to the pair in use.
pub(crate) fn metadata(plane: &ControlPlane, instance: &Instance) -> PathBuf {
    plane.data_directory().join("instances").join(&instance.resource_id).join("rds-metadata")
}

/// Puts a key that is no certificate's in the place of the one in use, made by `openssl genpkey`
/// with these options.
#[allow(dead_code, reason = "not every test that damages files needs one")]
pub(crate) fn put_stranger_key(plane: &ControlPlane, instance: &Instance, options: &[&str]) {
    let stranger = plane.desk().join("stranger.pem");
    let key = openssl(&[&["genpkey"], options].concat(), "").success() + "\n";
    fs::write(&stranger, key).unwrap();
    fs::set_permissions(&stranger, Permissions::from_mode(0o600)).unwrap();
    overwrite(&metadata(plane, instance).join("server-key.pem"), &stranger);
}

/// Puts a copy in the place of a file, as one, so that nobody finds half of it.
pub(crate) fn overwrite(path: &Path, with: &Path) {
    let beside = path.with_added_extension("new");
    fs::copy(with, &beside).unwrap();
    let owner = fs::metadata(path.parent().unwrap()).unwrap();
    chown(&beside, Some(owner.uid()), Some(owner.gid())).unwrap();
    fs::rename(beside, path).unwrap();
}
