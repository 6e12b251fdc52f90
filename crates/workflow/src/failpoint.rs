//! Places where a test can stop the process, make an effect fail, or shorten a wait.
//!
//! `PGKEEP_FAILPOINT=<effect>:<before|after>:<kill|fail|stop>`; read only in builds with the
//! feature `failpoints`, which no release has. `stop` is SIGSTOP: the test does something to the
//! world and sends SIGCONT.

use std::time::Duration;

/// On which side of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing was done yet.
    Before,
    /// All was done, nothing was recorded.
    After,
}

/// Ends or stops the process, or returns `true` (fail), when a test asked for it here; stops and
/// fails once.
#[cfg(feature = "failpoints")]
pub(crate) fn reached(effect: &str, moment: Moment) -> bool {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Signal, getpid, kill_process};
    static DONE: AtomicBool = AtomicBool::new(false);
    let moment = match moment {
        Moment::Before => "before",
        Moment::After => "after",
    };
    let wish = std::env::var("PGKEEP_FAILPOINT").unwrap_or_default();
    let signal = match wish.strip_prefix(&format!("{effect}:{moment}:")) {
        Some("kill") => Signal::KILL,
        Some(_) if DONE.swap(true, Ordering::SeqCst) => return false,
        Some("stop") => Signal::STOP,
        Some("fail") => return true,
        _ => return false,
    };
    let _ = kill_process(getpid(), signal);
    false
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
