//! Places where a test can stop the process, or make an effect fail.
//!
//! `PGKEEP_FAILPOINT=<effect>:<before|after>:<kill|fail>`; read only in builds with the feature
//! `failpoints`, which no release has.

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
