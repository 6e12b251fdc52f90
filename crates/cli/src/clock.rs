//! The system's clock.

use pgkeep_model::Clock;
use time::OffsetDateTime;

/// The real time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the real time comes in")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
