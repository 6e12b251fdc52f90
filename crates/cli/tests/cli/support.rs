//! A place for a data directory, and the binary that is tested, run against it.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A folder that goes away, with nothing of the machine's own settings.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // As root the tested process becomes another user, who must get in.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("hosts"), "127.0.0.1 localhost\n").unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join("data")
    }

    /// A command on this place's data directory.
    pub(crate) fn pgkeep(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgkeep"));
        command.args(arguments).current_dir(self.0.path()).env("PGKEEP_DATA_DIR", self.data());
        command
    }

    /// `serve` or `quickstart`, on a free port, with a hosts file and a cache of its own.
    pub(crate) fn plane(&self, arguments: &[&str]) -> Command {
        let mut command = self.pgkeep(arguments);
        command.args(["--listen", "127.0.0.1:0", "--cache-dir"]).arg(self.path("cache"));
        command.arg("--hosts-file").arg(self.path("hosts"));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(&self.pgkeep(arguments).output().unwrap())
    }
}

impl Drop for Place {
    /// No test may leave a server behind, not even one that failed.
    fn drop(&mut self) {
        let left = processes_with(self.0.path());
        for pid in &left {
            let _ = kill(*pid, Signal::SIGQUIT);
        }
        if !std::thread::panicking() {
            assert!(left.is_empty(), "left running: {left:?}");
        }
    }
}

/// The servers whose command line names a folder.
fn processes_with(folder: &Path) -> Vec<Pid> {
    let folder = folder.to_string_lossy().into_owned();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains(&folder) && words.contains("config_file=")
    })
    .map(Pid::from_raw)
    .collect()
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Finished {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}

/// A command in the foreground, told to stop when this is dropped.
pub(crate) struct Foreground {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Foreground {
    /// Starts it, and reads what it says up to a line that contains `ready`.
    pub(crate) fn start(mut command: Command, ready: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains(ready) {
            let read = out.read_line(&mut said).unwrap();
            assert!(read > 0, "ended after {said:?}: {:?}", child.wait());
        }
        (Self { child, out }, said)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop; its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.stop();
        }
    }
}
