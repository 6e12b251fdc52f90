//! What can go wrong between the state and the world.

/// An effect, or the opening of a control plane, failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The state file.
    #[error("the state could not be read or written")]
    Store(#[from] pgkeep_store::StoreError),
    /// A server or its folder.
    #[error(transparent)]
    Postgres(#[from] pgkeep_postgres::PostgresError),
    /// An engine.
    #[error(transparent)]
    Engine(#[from] pgkeep_postgres::EngineError),
    /// An authority or a certificate.
    #[error(transparent)]
    Pki(#[from] pgkeep_pki::PkiError),
    /// What the endpoint serves is not what was wanted.
    #[error("the endpoint {endpoint} does not serve what it should")]
    Proof {
        /// The host name.
        endpoint: String,
        /// What differs.
        source: Box<pgkeep_probe::ProofError>,
    },
    /// An instance that had data has no data directory.
    #[error("the data directory {} is gone; put it back, or delete the DB instance", .0.display())]
    DataDirectoryGone(std::path::PathBuf),
    /// The hosts file.
    #[error("the endpoint's name could not be written to {}", path.display())]
    Hosts {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A parameter's value is none for this instance.
    #[error(transparent)]
    Parameter(#[from] pgkeep_model::InvalidParameter),
    /// The data holds something that the model does not know.
    #[error("{0}")]
    Model(String),
    /// Work was interrupted by the end of the process.
    #[error("interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
    /// A test asked for it.
    #[error("failed on request of a test")]
    Failpoint,
}
