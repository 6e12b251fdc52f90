//! Prometheus, which reads the metrics in the tests: the distribution's, unpacked into the cache.
//!
//! Installed as a package it would run as a service on the machine, so only its program is taken.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::ensure_folder;
use super::system::{self, find_on_path};
use crate::workspace::run;

const PROGRAM: &str = "prometheus";

/// The program: the machine's own, else the one in `folder`.
pub(super) fn ensure(folder: &Path, install: bool) -> Result<PathBuf> {
    if let Some(own) = find_on_path(PROGRAM) {
        return Ok(own);
    }
    ensure_folder(folder, &[PROGRAM], install, || {
        let package = system::download(PROGRAM, folder)?;
        run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(folder))
    })?;
    Ok(folder.join("usr/bin").join(PROGRAM))
}
