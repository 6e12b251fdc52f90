//! Real PostgreSQL servers: their programs, their folders, their processes.
//!
//! The only crate that starts processes. How an instance is run is the interface of this crate
//! (prepare, start, stop, reload, look), so that another way to run one can stand beside it; it
//! knows nothing of the API, the state file or the CA keys.

mod admin;
mod bootstrap;
mod certificate;
mod conf;
mod connections;
mod engine;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kept;
mod layout;
mod left;
mod logs;
mod password;
mod postmaster;
mod prepare;
mod program;
mod ready;
mod roles;
mod sessions;
mod text;
mod trash;
pub mod view;

pub use admin::{Access, Admin};
pub use bootstrap::bootstrap_digest;
pub use certificate::{
    KeyPair, PairMark, chain_in_use, check_in_use, pair_mark, read_key_pair,
    remove_other_key_pairs, use_key_pair, write_key_pair,
};
pub use conf::{AuthenticationMethod, Rendered, Settings, digest, render, write_configuration};
pub use connections::{LogMark, LogReading, log_mark, read_connections};
pub use engine::{
    Engine, EngineCatalogue, EngineChoice, EngineError, EngineSettings, Engines, OpensslVersion,
    Progress, RefusedEngine,
};
pub use error::PostgresError;
pub use kept::KeptSession;
pub use layout::{InstanceFiles, Layout};
pub use left::{end_orphans, recovers};
pub use logs::{
    LogFile, LogPortion, log_files, log_portion, remove_old_logs, tail_start, why_tls_not_reloaded,
};
pub use password::verifier;
pub use postmaster::{Postmaster, Postmasters, Shutdown, Started};
pub use prepare::{prepare, prepared, sweep_pool, take_prepared};
pub use program::Priority;
pub use roles::Roles;
pub use sessions::{Session, SessionTls};
pub use trash::{discard, empty_trash};
