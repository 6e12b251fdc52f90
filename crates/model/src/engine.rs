//! Versions of PostgreSQL, and where a server's programs come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The major versions that pgkeep runs.
pub const MAJORS: std::ops::RangeInclusive<u16> = 10..=18;

/// A release of PostgreSQL: `16.14`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EngineVersion {
    /// The major version, `16` in `16.14`.
    pub major: u16,
    /// The minor version, `14` in `16.14`.
    pub minor: u16,
}

/// A text that is no release of PostgreSQL.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a PostgreSQL version such as 16.14")]
pub struct EngineVersionError(String);

impl fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for EngineVersion {
    type Err = EngineVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('.').and_then(|(major, minor)| {
            Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
        });
        parsed.ok_or_else(|| EngineVersionError(text.to_owned()))
    }
}

impl From<EngineVersion> for String {
    fn from(version: EngineVersion) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for EngineVersion {
    type Error = EngineVersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Where the programs of an engine come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineSource {
    /// A package of the distribution, under `/usr/lib/postgresql/<major>`; updated with it.
    System,
    /// A pinned package that pgkeep downloads into its own cache.
    Embedded,
}
