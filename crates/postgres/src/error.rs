//! What can go wrong with a server or its folder.

use std::path::PathBuf;

/// An operation on an instance's server or folder failed.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// A file or folder could not be used.
    #[error("could not {operation} {}", path.display())]
    File {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A program could not be started or waited for.
    #[error("could not run {program}")]
    Run {
        /// The program.
        program: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A program ended with an error.
    #[error("{program} failed: {message}")]
    Failed {
        /// The program.
        program: &'static str,
        /// Its own last words.
        message: String,
    },
    /// The server ended while it started.
    #[error("PostgreSQL did not start: {message}")]
    NotStarted {
        /// The server's own line.
        message: String,
    },
    /// Another server listens where this one is to.
    #[error("the address {address} is taken by another server: {message}")]
    AddressInUse {
        /// Where.
        address: std::net::SocketAddr,
        /// The server's own line.
        message: String,
    },
    /// The server did not do something in time.
    #[error("PostgreSQL did not {what} within {seconds} s")]
    TimedOut {
        /// What it was to do.
        what: &'static str,
        /// How long it was given.
        seconds: u64,
    },
    /// A statement of the administrator's failed.
    #[error("PostgreSQL refused to {what}")]
    Sql {
        /// What the statement is for.
        what: &'static str,
        /// Its answer.
        source: tokio_postgres::Error,
    },
    /// The server did not take a line of its configuration.
    #[error("PostgreSQL did not take the setting {name}: {message}")]
    Setting {
        /// The setting, or the file.
        name: String,
        /// The server's own words.
        message: String,
    },
    /// The roots of servers' certificates cannot be used.
    #[error("the roots of servers' certificates cannot be used")]
    Roots(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No server runs for the instance.
    #[error("no server runs for this instance")]
    NotRunning,
    /// A name that leaves the instance's log folder.
    #[error("{0:?} is no log file of this instance")]
    NoSuchLog(String),
}

impl PostgresError {
    pub(crate) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { operation, path, source }
    }
}
