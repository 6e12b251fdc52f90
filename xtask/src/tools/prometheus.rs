//! Prometheus, which reads the metrics in the tests: the distribution's, unpacked into the cache.
//!
//! Installed as a package it would run as a service on the machine, so only its program is taken.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::ensure_folder;
use super::system::{self, find_on_path};

const PROGRAM: &str = "prometheus";

/// The program: the machine's own, else the one in `folder`.
pub(super) fn ensure(folder: &Path, install: bool) -> Result<PathBuf> {
    if let Some(own) = find_on_path(PROGRAM) {
        return Ok(own);
    }
    ensure_folder(folder, &[PROGRAM], install, || system::unpack(&[PROGRAM], folder))?;
    Ok(folder.join("usr/bin").join(PROGRAM))
}
