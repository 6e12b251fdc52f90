//! pgkeep postgres.

mod engine;

pub use engine::{
    Engine, EngineCatalogue, EngineChoice, EngineError, EngineSettings, Engines, OpensslVersion,
    Progress, RefusedEngine,
};
