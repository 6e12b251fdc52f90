//! Real PostgreSQL servers: their programs, their folders, their processes.
//!
//! The only crate that starts processes. How an instance is run is the interface of this crate
//! (prepare, start, stop, reload, look), so that another way to run one can stand beside it; it
//! knows nothing of the API, the state file or the CA keys.

mod admin;
mod certificate;
mod conf;
mod connections;
mod engine;
mod error;
mod kept;
mod layout;
mod logs;
mod password;
mod postmaster;
mod prepare;
mod program;
mod ready;
mod sessions;
mod trash;
pub mod view;

pub use admin::{Access, Admin};
pub use certificate::{KeyPairFiles, chain_in_use, install_key_pair, serial_in_use, use_key_pair};
pub use conf::{AuthenticationMethod, Rendered, Settings, digest, render, write_configuration};
pub use connections::{LogMark, LogReading, log_mark, read_connections};
pub use engine::{
    Engine, EngineCatalogue, EngineChoice, EngineError, EngineSettings, Engines, OpensslVersion,
    Progress, RefusedEngine,
};
pub use error::PostgresError;
pub use kept::{KeptSession, ServerTrust};
pub use layout::{InstanceFiles, Layout};
pub use logs::{LogFile, LogPortion, log_files, log_portion, tail_start};
pub use password::verifier;
pub use postmaster::{Postmaster, Postmasters, Shutdown, Started};
pub use prepare::{prepare, prepared, sweep_pool, take_prepared};
pub use program::Priority;
pub use sessions::{Session, SessionTls};
pub use trash::{discard, empty_trash};
