//! The clock, as a parameter.

use time::OffsetDateTime;

/// Tells the time. The binary passes the system's clock, a test one that it moves.
pub trait Clock: Send + Sync {
    /// The present moment in UTC.
    fn now(&self) -> OffsetDateTime;
}
