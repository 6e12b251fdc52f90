//! The system's clock.

use pgkeep_model::Clock;
use time::OffsetDateTime;

/// The real time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the real time comes in")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + ahead()
    }
}

/// How far tests have the clock go ahead.
#[cfg(feature = "failpoints")]
fn ahead() -> time::Duration {
    let days = std::env::var("PGKEEP_CLOCK_DAYS").ok().and_then(|days| days.parse().ok());
    time::Duration::days(days.unwrap_or(0))
}

#[cfg(not(feature = "failpoints"))]
fn ahead() -> time::Duration {
    time::Duration::ZERO
}
