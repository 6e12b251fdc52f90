//! Checks that need not be made again.
//!
//! Looking an engine up happens all the time, and running its programs takes milliseconds; so a
//! success holds until the server's file or its OpenSSL is replaced. Failures are not kept: what
//! a check missed may have been installed since.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::candidate::Candidate;
use super::{Engine, EngineError};

/// Which files they are and when each last changed: inode, seconds, nanoseconds.
type Stamps = [Option<(u64, i64, i64)>; 2];

/// The engines with the stamps of the files that were judged.
type Kept = HashMap<PathBuf, (Engine, Stamps)>;

/// The engines that passed their checks, by the folder of their programs.
#[derive(Debug, Default)]
pub(super) struct Checked(Mutex<Kept>);

impl Checked {
    /// The candidate's engine, from its last check where that still holds.
    ///
    /// # Errors
    /// As [`Candidate::check_owner`], which is asked each time, and [`Candidate::check`].
    pub(super) fn check(&self, candidate: &Candidate) -> Result<Engine, EngineError> {
        candidate.check_owner()?;
        if let Some((engine, stamps)) = self.kept().get(&candidate.bin_dir)
            && *stamps == stamps_of(engine)
        {
            return Ok(engine.clone());
        }
        let engine = candidate.check()?;
        let stamps = stamps_of(&engine);
        self.kept().insert(candidate.bin_dir.clone(), (engine.clone(), stamps));
        Ok(engine)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamps_of(engine: &Engine) -> Stamps {
    let stamp = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.ino(), found.ctime(), found.ctime_nsec()))
    };
    [stamp(&engine.program("postgres")), stamp(&engine.openssl.library)]
}
