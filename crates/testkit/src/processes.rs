//! The process table, as far as a folder is concerned: who works in it, runs from it or was told
//! of it.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal};

/// The processes whose working directory, program or arguments lie under a folder.
pub fn processes_under(folder: &Path) -> Vec<i32> {
    let numbers = fs::read_dir("/proc").expect("/proc is mounted").filter_map(|entry| {
        entry.ok().and_then(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
    });
    numbers.filter(|pid| concerns(*pid, folder)).collect()
}

/// The processes that work in a folder itself: a postmaster and its children in a data directory.
pub(crate) fn working_in(folder: &Path) -> Vec<i32> {
    let works = |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|it| it == folder);
    processes_under(folder).into_iter().filter(works).collect()
}

/// A process as people know it; empty once it has ended.
pub(crate) fn command_line(pid: i32) -> String {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&arguments).replace('\0', " ")
}

/// A process that does nothing until this goes, as one on a machine that is too busy.
#[derive(Debug)]
pub struct Paused(i32);

impl Paused {
    /// Sends it SIGSTOP.
    pub fn process(pid: i32) -> Self {
        signal(pid, Signal::STOP);
        Self(pid)
    }

    /// One that stopped itself.
    pub(crate) fn by_itself(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may have any character in it. A `Self` that goes sends SIGCONT.
        stat.rsplit_once(") ")?.1.starts_with('T').then(|| Self(pid))
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        signal(self.0, Signal::CONT);
    }
}

/// Sends a process SIGKILL; one that has ended is left in peace.
pub fn kill_process(pid: i32) {
    signal(pid, Signal::KILL);
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    let _ = Pid::from_raw(pid).map(|pid| rustix::process::kill_process(pid, signal));
}

/// A process that ends while it is looked at, or that is a stranger's, concerns nobody.
fn concerns(pid: i32, folder: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let under = |link: &str| {
        fs::read_link(process.join(link)).is_ok_and(|target| target.starts_with(folder))
    };
    let told = || command_line(pid).contains(&folder.display().to_string());
    under("cwd") || under("exe") || told()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn who_works_in_a_folder_is_found_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut cat = Command::new("cat");
        let mut child =
            cat.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id().cast_signed();
        assert_eq!(processes_under(folder.path()), [pid]);
        assert_eq!(working_in(folder.path()), [pid]);
        kill_process(pid);
        child.wait().unwrap();
        assert_eq!(processes_under(folder.path()), [0_i32; 0]);
    }
}
