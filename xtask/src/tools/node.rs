//! A folder of npm packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::ensure_folder;
use crate::workspace::run;

/// The `node_modules` with the packages; none of their install scripts ran.
pub(super) fn ensure(folder: &Path, packages: &[&str], install: bool) -> Result<PathBuf> {
    ensure_folder(folder, packages, install, || {
        run(Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
            .args(["--no-package-lock", "--prefix"])
            .arg(folder)
            .args(packages))
        .context("npm's own configuration says which registry it asks")
    })?;
    Ok(folder.join("node_modules"))
}
