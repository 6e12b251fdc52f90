//! Places where a test can stop the process, make an effect fail, or shorten a wait.
//!
//! `PGKEEP_FAILPOINT=<effect>:<before|after>:<kill|fail>`; read only in builds with the feature
//! `failpoints`, which no release has.

use std::time::Duration;

/// On which side of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing was done yet.
    Before,
    /// All was done, nothing was recorded.
    After,
}

/// Ends the process or returns `true` (fail) when a test asked for it here.
#[cfg(feature = "failpoints")]
pub(crate) fn reached(effect: &str, moment: Moment) -> bool {
    use std::sync::atomic::{AtomicBool, Ordering};
    static FAILED: AtomicBool = AtomicBool::new(false);
    let moment = match moment {
        Moment::Before => "before",
        Moment::After => "after",
    };
    let Ok(wish) = std::env::var("PGKEEP_FAILPOINT") else { return false };
    if wish == format!("{effect}:{moment}:kill") {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
    wish == format!("{effect}:{moment}:fail") && !FAILED.swap(true, Ordering::SeqCst)
}

/// Nothing, in builds for use.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn reached(_effect: &str, _moment: Moment) -> bool {
    false
}

/// How long to wait: as usual, or as many milliseconds as a test wishes that waits for it.
#[cfg(feature = "failpoints")]
pub(crate) fn pause(variable: &str, usual: Duration) -> Duration {
    let wish = std::env::var(variable).ok().and_then(|wish| wish.parse().ok());
    wish.map_or(usual, Duration::from_millis)
}

/// As usual, in builds for use.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn pause(_variable: &str, usual: Duration) -> Duration {
    usual
}
