//! A small disk that a test can fill.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::run;

/// A small file system in memory. Only root can mount one where pgkeep, which as root becomes
/// another user, can reach it.
#[derive(Debug)]
pub struct Disk(TempDir);

impl Disk {
    /// Mounts one of a size as mount(8) has it: `160m`.
    #[track_caller]
    pub fn mount(size: &str) -> Self {
        let place = tempfile::Builder::new().prefix("pgkeep-disk-").tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=755"), "none"]);
        let outcome = run(mount.arg(place.path()), "");
        assert!(
            outcome.status.success(),
            "this test mounts a file system of its own, so it needs root: {outcome:?}"
        );
        Self(place)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes so many MiB, or until it is full. The room is free again when the file is removed.
    pub fn fill(&self, mib: usize) -> PathBuf {
        let path = self.path().join("filler");
        let chunk = vec![1_u8; 1 << 20];
        let mut file = File::create(&path).expect("a file");
        // A write that fails may have written a part.
        let _ = (0..mib).try_for_each(|_| file.write_all(&chunk));
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run(Command::new("umount").arg(self.path()), "");
    }
}
