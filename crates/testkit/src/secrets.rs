//! What was told to pgkeep in confidence, looked for where others could find it.

use std::fs;
use std::process::Command;

use crate::{ControlPlane, processes_under, run};

impl ControlPlane {
    /// Holds that a secret is neither in the log, nor in a file of the data directory, nor told to
    /// a process. Only as it is written is it found; letters alone are written in one way.
    #[track_caller]
    pub fn assert_nowhere(&self, secret: &str) {
        assert!(!self.log().contains(secret), "the log has {secret}");
        self.assert_untold(secret);
        let grep = ["--recursive", "--files-with-matches", "--fixed-strings", secret];
        let found = run(Command::new("grep").args(grep).arg(self.data_directory()), "");
        // Its status also tells of files that went meanwhile.
        assert_eq!(found.stdout, "", "{found:?}");
    }

    /// Holds that a secret is in no process's arguments and in none's environment.
    #[track_caller]
    pub fn assert_untold(&self, secret: &str) {
        for pid in processes_under(self.data_directory()) {
            for name in ["cmdline", "environ"] {
                let text = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
                assert!(!String::from_utf8_lossy(&text).contains(secret), "{name} of {pid}");
            }
        }
    }
}
