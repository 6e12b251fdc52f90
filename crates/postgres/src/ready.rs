//! When a server that was just started accepts connections, and why one that ended does not.
//!
//! Told by the line of `postmaster.pid` that PostgreSQL keeps for this (from 10 on) and `pg_ctl`
//! reads too. A connection that comes too early would cost the starting server a process each.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use crate::layout::InstanceFiles;
use crate::logs::{LAST_WORDS_INTERVAL, LAST_WORDS_POLLS, words_of_run};
use crate::postmaster::{Postmaster, Started};
use crate::{PostgresError, program};

/// How often the line is read.
const POLL_INTERVAL: Duration = Duration::from_millis(1);
/// Which line it is: `LOCK_FILE_LINE_PM_STATUS` of `miscadmin.h`.
const STATUS_LINE: usize = 8;

impl Started {
    /// One that was found running.
    pub fn adopted(postmaster: Postmaster) -> Self {
        Self { postmaster, left: None }
    }

    /// Waits until the server accepts connections, or has ended.
    pub async fn accepts(
        &self,
        files: &InstanceFiles,
        address: SocketAddr,
        limit: Duration,
    ) -> Result<(), PostgresError> {
        let accepting = async {
            while !self.is_ready(files) {
                sleep(POLL_INTERVAL).await;
            }
        };
        tokio::select! {
            () = accepting => Ok(()),
            () = self.postmaster.ended() => {
                Err(why_it_ended(files, address, self.postmaster.pid()).await)
            }
            () = sleep(limit) => {
                let seconds = limit.as_secs();
                Err(PostgresError::TimedOut { what: "accept connections", seconds })
            }
        }
    }

    /// A file that an earlier server left says nothing of this one, even if both have one number.
    fn is_ready(&self, files: &InstanceFiles) -> bool {
        let file = fs::read_to_string(files.postmaster_pid()).ok();
        file != self.left && file.is_some_and(|file| says_ready(&file, self.postmaster.pid()))
    }
}

fn says_ready(postmaster_pid: &str, pid: i32) -> bool {
    let mut lines = postmaster_pid.lines().map(str::trim);
    lines.next() == Some(&*pid.to_string()) && lines.nth(STATUS_LINE - 2) == Some("ready")
}

async fn why_it_ended(files: &InstanceFiles, address: SocketAddr, pid: i32) -> PostgresError {
    let log = last_words(files, pid).await;
    let bind = log.lines().find(|line| line.contains("could not bind"));
    if let Some(line) = bind {
        return PostgresError::AddressInUse { address, message: line.trim().to_owned() };
    }
    let message = program::failure_line(&log).unwrap_or_else(|| "it said nothing".to_owned());
    PostgresError::NotStarted { message }
}

/// What a server said before it ended. From when its collector runs it says so through that, a
/// process of its own, which writes the last words a moment after the server is gone.
async fn last_words(files: &InstanceFiles, pid: i32) -> String {
    let mut log = String::new();
    for _ in 0..LAST_WORDS_POLLS {
        log = fs::read_to_string(files.startup_log()).unwrap_or_default();
        log.push_str(&words_of_run(files, pid));
        if ["FATAL:", "PANIC:"].iter().any(|word| log.contains(word)) {
            break;
        }
        sleep(LAST_WORDS_INTERVAL).await;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_line_counts() {
        let file = |pid: &str, status: &str| {
            format!("{pid}\n/data\n1795420800\n5432\n/run\n127.77.0.1\n  1234  5\n{status}\n")
        };
        assert!(says_ready(&file("42", "ready   "), 42));
        assert!(!says_ready(&file("42", "starting"), 42));
        assert!(!says_ready(&file("43", "ready   "), 42));
        assert!(!says_ready("42\n", 42), "it is not written to the end yet");
    }
}
