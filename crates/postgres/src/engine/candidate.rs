//! A folder that may hold an engine, and what its name promises.

use std::path::{Path, PathBuf};

use pgkeep_model::{EngineSource, EngineVersion};

use super::check::check;
use super::owner::check_owner;
use super::{Engine, EngineError};

/// A folder that may hold an engine.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) source: EngineSource,
    /// What the folder is called: `16`, or `linux-x64-16.14.0-beta.17`.
    name: String,
    pub(super) bin_dir: PathBuf,
    lib_dir: Option<PathBuf>,
}

impl Candidate {
    /// The folder of one major version of the distribution.
    pub(super) fn system(major: u16, place: &Path) -> Self {
        let source = EngineSource::System;
        Self { source, name: major.to_string(), bin_dir: place.join("bin"), lib_dir: None }
    }

    /// The folder of one package in the cache.
    pub(super) fn embedded(place: &Path) -> Self {
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (bin_dir, lib_dir) = (place.join("bin"), Some(place.join("lib")));
        Self { source: EngineSource::Embedded, name, bin_dir, lib_dir }
    }

    /// Whether the name promises this version.
    pub(super) fn fits(&self, version: EngineVersion) -> bool {
        match self.source {
            EngineSource::System => self.name == version.major.to_string(),
            EngineSource::Embedded => self.name.contains(&format!("-{version}.")),
        }
    }

    /// Checks that nobody else can have changed a download; the distribution's engines are root's.
    ///
    /// # Errors
    /// As [`check_owner`].
    pub(super) fn check_owner(&self) -> Result<(), EngineError> {
        match (self.source, self.bin_dir.parent()) {
            (EngineSource::Embedded, Some(place)) => check_owner(place),
            _ => Ok(()),
        }
    }

    /// The engine, if there is one that works and keeps the name's promise.
    ///
    /// # Errors
    /// As [`check`], or another version than the name says.
    pub(super) fn check(&self) -> Result<Engine, EngineError> {
        let engine = check(self.source, self.bin_dir.clone(), self.lib_dir.clone())?;
        if self.fits(engine.version) {
            return Ok(engine);
        }
        Err(EngineError::WrongVersion {
            program: self.bin_dir.join("postgres"),
            found: engine.version,
            expected: self.name.clone(),
        })
    }
}
