//! A virtual environment with PyPI packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::ensure_folder;
use crate::workspace::run;

/// A virtual environment.
pub(super) struct Environment {
    bin: PathBuf,
}

impl Environment {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

pub(super) fn ensure(folder: &Path, packages: &[&str], install: bool) -> Result<Environment> {
    let environment = Environment { bin: folder.join("bin") };
    ensure_folder(folder, packages, install, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(environment.program("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(packages))
        .context("set PIP_INDEX_URL where PyPI is reached through a mirror")
    })?;
    Ok(environment)
}
