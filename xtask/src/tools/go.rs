//! A folder of Go's source packages of the distribution.
//!
//! They are only downloaded and unpacked: what else their dependencies would install or upgrade on
//! the machine no test needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::ensure_folder;
use crate::workspace::run;

/// The `GOPATH` with the packages.
pub(super) fn ensure(folder: &Path, packages: &[&str], install: bool) -> Result<PathBuf> {
    ensure_folder(folder, packages, install, || {
        run(Command::new("apt-get").args(["download", "-qq"]).args(packages).current_dir(folder))
            .context("apt must know the packages: sudo apt-get update")?;
        for entry in folder.read_dir()? {
            let package = entry?.path();
            if package.extension().is_some_and(|extension| extension == "deb") {
                run(Command::new("dpkg").arg("--extract").args([&*package, folder]))?;
                std::fs::remove_file(&package)?;
            }
        }
        Ok(())
    })?;
    Ok(folder.join("usr/share/gocode"))
}
