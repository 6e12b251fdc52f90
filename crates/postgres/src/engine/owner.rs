//! Whose a folder of the cache is: what others put there must not run with pgkeep's rights.
//!
//! The folder of engines and each engine's own are judged, and nothing above: whoever may replace
//! them there can only bring something that is refused for its owner.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

use super::EngineError;

/// The bits of a mode that let the group and others write.
const OTHERS_WRITE: u32 = 0o022;

/// Checks that nobody but root and the user of this process can change what is in a folder.
///
/// # Errors
/// Somebody else can, or that cannot be told.
pub(super) fn check_owner(folder: &Path) -> Result<(), EngineError> {
    if is_ours(folder).map_err(EngineError::io("look at", folder))? {
        Ok(())
    } else {
        Err(EngineError::OfOthers(folder.to_owned()))
    }
}

/// A link must be ours as well, since its owner says where it leads.
fn is_ours(folder: &Path) -> io::Result<bool> {
    let me = geteuid().as_raw();
    let trusted = |about: &Metadata| about.uid() == 0 || about.uid() == me;
    let (name, inside) = (fs::symlink_metadata(folder)?, fs::metadata(folder)?);
    Ok(trusted(&name) && trusted(&inside) && inside.mode() & OTHERS_WRITE == 0)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

    use super::*;

    #[test]
    fn a_folder_that_others_can_change_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, link) = (dir.path().join("engines"), dir.path().join("link"));
        fs::create_dir(&folder).unwrap();
        symlink(&folder, &link).unwrap();
        for (mode, is_trusted) in [(0o755, true), (0o700, true), (0o775, false), (0o757, false)] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            assert_eq!(check_owner(&folder).is_ok(), is_trusted, "{mode:o}");
            assert_eq!(check_owner(&link).is_ok(), is_trusted, "{mode:o}");
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        // Only root can give something away.
        if geteuid().is_root() {
            lchown(&link, Some(1), None).unwrap();
            assert!(matches!(check_owner(&link), Err(EngineError::OfOthers(_))));
            chown(&folder, Some(1), None).unwrap();
            assert!(matches!(check_owner(&folder), Err(EngineError::OfOthers(_))));
        }
    }
}
