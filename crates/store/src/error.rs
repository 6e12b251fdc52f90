//! What can go wrong with the state file.

/// An operation on the state file failed; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` said no.
    #[error("the state file could not be used")]
    Sqlite(#[source] rusqlite::Error),
    /// The disk is full.
    #[error("there is no room left on the disk for the state file")]
    Full(#[source] rusqlite::Error),
    /// A row holds what this version cannot read.
    #[error("a row of the state file could not be read or written as JSON")]
    Json(#[from] serde_json::Error),
    /// A timestamp is out of range.
    #[error("a time in the state file is out of range")]
    Time(#[from] time::error::ComponentRange),
    /// A row holds a name that cannot be one.
    #[error("a name in the state file is not valid")]
    Name(#[from] pgkeep_model::InvalidParameter),
    /// The file was written by a newer pgkeep.
    #[error(
        "the state file has version {found}, this pgkeep reads up to {known}; \
         use the newer pgkeep that wrote it"
    )]
    Newer {
        /// The file's `user_version`.
        found: usize,
        /// The newest version known here.
        known: usize,
    },
    /// Another instance has the identifier.
    #[error("a DB instance named {0} exists")]
    IdentifierTaken(String),
    /// Another instance listens there.
    #[error("another DB instance has the address {0}")]
    AddressTaken(String),
    /// An instance was to use a group that there is not.
    #[error("there is no DB parameter group {0}")]
    NoParameterGroup(String),
    /// The caller refused the change it was making.
    #[error("the change was taken back")]
    RolledBack,
    /// The installation was made with another setting.
    #[error("this data directory was made with {setting} {kept:?}, not {asked:?}")]
    InstallationDiffers {
        /// The command-line option.
        setting: &'static str,
        /// The recorded value.
        kept: String,
        /// The value asked for.
        asked: String,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full(error),
            _ => Self::Sqlite(error),
        }
    }
}
