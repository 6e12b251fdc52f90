//! What pgkeep knows about DB instances, engines and authorities, as values and pure functions.
//!
//! This crate does no I/O, reads no clock and draws no random numbers: what depends on the world
//! or on time takes it as a parameter, so that every decision can be tested as a table.

mod ca;
mod class;
mod client;
mod clock;
mod engine;
mod event;
mod expiry;
mod instance;
mod kept;
mod names;
mod parameter_group;
pub mod parameters;
pub mod validate;
mod window;

pub use ca::{CA_POLICIES, CaPolicy, DEFAULT_CA, KeyAlgorithm, ca_policy};
pub use class::{InstanceClass, instance_class, instance_classes};
pub use client::{Client, ClientWatch, Gap, ReadTo, Sightings, Tally};
pub use clock::Clock;
pub use engine::{EngineSource, EngineVersion, EngineVersionError, MAJORS};
pub use event::{EVENT_RETENTION_DAYS, Event, EventCategory, EventSource};
pub use expiry::{EXPIRY_WARNING_DAYS, due_expiry_warning};
pub use instance::{
    Applied, CertificateRecord, CertificateRefusal, DbInstance, Desired, ExpiryWarning,
    InstanceStatus, PasswordVerifier, Pending,
};
pub use kept::Kept;
pub use names::{
    AccountId, DbInstanceIdentifier, DbParameterGroupName, DbiResourceId, DomainName, RegionName,
    account_hash, endpoint_name,
};
pub use parameter_group::{ApplyMethod, DbParameterGroup, EffectiveParameters, GroupParameter};
pub use validate::{
    Arn, ArnResource, ErrorCode as ParameterErrorCode, InvalidParameter, StorageType,
};
pub use window::{BackupWindow, MaintenanceWindow, Window, decide_windows};
