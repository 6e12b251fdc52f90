//! Events: what `DescribeEvents` tells of an instance's life.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// `SourceType` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventSource {
    /// A DB instance.
    DbInstance,
    /// A DB parameter group.
    DbParameterGroup,
}

impl EventSource {
    /// Every source.
    pub const ALL: [Self; 2] = [Self::DbInstance, Self::DbParameterGroup];

    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DbInstance => "db-instance",
            Self::DbParameterGroup => "db-parameter-group",
        }
    }
}

/// `EventCategories`, of which each event here has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the service's own")]
pub enum EventCategory {
    Availability,
    ConfigurationChange,
    Creation,
    Deletion,
    Failure,
    Maintenance,
    Notification,
    Recovery,
}

impl EventCategory {
    /// Every category.
    pub const ALL: [Self; 8] = [
        Self::Availability,
        Self::ConfigurationChange,
        Self::Creation,
        Self::Deletion,
        Self::Failure,
        Self::Maintenance,
        Self::Notification,
        Self::Recovery,
    ];

    /// The words in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::ConfigurationChange => "configuration change",
            Self::Creation => "creation",
            Self::Deletion => "deletion",
            Self::Failure => "failure",
            Self::Maintenance => "maintenance",
            Self::Notification => "notification",
            Self::Recovery => "recovery",
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What kind of thing it happened to.
    pub source: EventSource,
    /// The identifier of that thing at the time.
    pub source_identifier: String,
    /// Its ARN.
    pub source_arn: String,
    /// The category.
    pub category: EventCategory,
    /// The text; no secrets.
    pub message: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// How long events are kept, in days; the service's own time.
pub const EVENT_RETENTION_DAYS: i64 = 14;
