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

/// How far tests have the clock go ahead: by days, and by the seconds in a file, which change while
/// the process runs.
#[cfg(feature = "failpoints")]
fn ahead() -> time::Duration {
    use std::env::var;
    let days = var("PGKEEP_CLOCK_DAYS").ok().and_then(|days| days.parse().ok());
    let file = var("PGKEEP_CLOCK_FILE").ok().and_then(|path| std::fs::read_to_string(path).ok());
    let seconds = file.and_then(|seconds| seconds.trim().parse().ok());
    time::Duration::days(days.unwrap_or(0)) + time::Duration::seconds(seconds.unwrap_or(0))
}

#[cfg(not(feature = "failpoints"))]
fn ahead() -> time::Duration {
    time::Duration::ZERO
}
