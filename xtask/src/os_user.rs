//! The unprivileged user that servers run as: PostgreSQL refuses root.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::output;

/// Another user to run programs as, or this one.
#[derive(Clone)]
pub(crate) struct OsUser {
    other: Option<Other>,
}

#[derive(Clone)]
struct Other {
    name: &'static str,
    uid: u32,
    gid: u32,
}

impl OsUser {
    /// This user; for root the first of pgkeep's own candidates that exists.
    pub(crate) fn find() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { other: None });
        }
        let id = |option: &str, name: &str| -> Result<u32> {
            Ok(output(Command::new("id").args([option, name]))?.trim().parse()?)
        };
        let candidates = ["pgkeep", "postgres", "nobody"].into_iter();
        let mut found = candidates.filter_map(|name| {
            Some(Other { name, uid: id("-u", name).ok()?, gid: id("-g", name).ok()? })
        });
        let other = found.next().context("PostgreSQL refuses root, and there is no other user")?;
        Ok(Self { other: Some(other) })
    }

    /// The name, if it is another user.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.other.as_ref().map(|other| other.name)
    }

    /// A program that will run as this user.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some(Other { uid, gid, .. }) = self.other {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/");
        command
    }

    /// A new folder that the user can write and others can pass.
    pub(crate) fn folder(&self) -> Result<tempfile::TempDir> {
        let folder = tempfile::Builder::new().prefix("pgkeep-xtask-").tempdir()?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        self.give(folder.path())?;
        Ok(folder)
    }

    fn give(&self, path: &Path) -> Result<()> {
        match self.other {
            Some(Other { uid, gid, .. }) => Ok(chown(path, Some(uid), Some(gid))?),
            None => Ok(()),
        }
    }
}
