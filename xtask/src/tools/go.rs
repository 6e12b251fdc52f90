//! A folder of Go's source packages of the distribution.
//!
//! They are only downloaded and unpacked: what else their dependencies would install or upgrade on
//! the machine no test needs.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{ensure_folder, system};

/// The `GOPATH` with the packages.
pub(super) fn ensure(folder: &Path, packages: &[&str], install: bool) -> Result<PathBuf> {
    ensure_folder(folder, packages, install, || system::unpack(packages, folder))?;
    Ok(folder.join("usr/share/gocode"))
}
