//! Postmasters: started apart from pgkeep, watched through a pidfd, adopted after a restart.
//!
//! A pidfd names one process for ever, so neither a signal nor an exit can be taken for those of
//! a stranger that got the same number. Whether a server runs is never read from `postmaster.pid`
//! alone: that file only says which process to look at.

use std::collections::HashMap;
use std::fs::{self, Metadata, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgkeep_model::DbiResourceId;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use crate::engine::Engine;
use crate::layout::{InstanceFiles, ensure_folder, names};
use crate::program::{self, Priority};
use crate::view::RDSDBDATA;
use crate::{PostgresError, left};

/// How long a fast shutdown may take before it becomes an immediate one: PostgreSQL writes a
/// checkpoint first, which on a slow disk with large buffers takes minutes.
const FAST_SHUTDOWN_S: u64 = 120;
/// How long an immediate shutdown may take before the process is killed; PostgreSQL gives its
/// children 5 s (`SIGKILL_CHILDREN_AFTER_SECS`).
const IMMEDIATE_SHUTDOWN_S: u64 = 20;

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Clients are disconnected, a checkpoint is written.
    Fast,
    /// At once; the next start recovers.
    Immediate,
}

/// One running postmaster.
#[derive(Debug, Clone)]
pub struct Postmaster {
    pid: Pid,
    handle: Arc<OwnedFd>,
    ended: watch::Receiver<bool>,
}

/// A postmaster that was just started.
#[derive(Debug)]
pub struct Started {
    /// The postmaster.
    pub postmaster: Postmaster,
    /// The `postmaster.pid` that was there before, of a server that did not end in order.
    pub(crate) left: Option<String>,
}

/// The postmasters of all instances.
#[derive(Debug, Default)]
pub struct Postmasters {
    running: Mutex<HashMap<DbiResourceId, Postmaster>>,
}

impl Postmasters {
    /// The instance's postmaster, if it runs; one that an earlier pgkeep started is adopted.
    pub fn running(
        &self,
        id: &DbiResourceId,
        files: &InstanceFiles,
    ) -> Result<Option<Postmaster>, PostgresError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(postmaster) = running.get(id) {
            if postmaster.runs() {
                return Ok(Some(postmaster.clone()));
            }
            running.remove(id);
        }
        let adopted = adopt(files)?;
        if let Some(postmaster) = &adopted {
            running.insert(id.clone(), postmaster.clone());
        }
        Ok(adopted)
    }

    /// Starts the instance's server and returns when it has begun; [`Started::accepts`] tells when
    /// it accepts connections. With `with_view` it sees its folder as `/rdsdbdata`: this program
    /// must then know the hidden command `in-view`.
    pub fn start(
        &self,
        id: &DbiResourceId,
        files: &InstanceFiles,
        engine: &Engine,
        with_view: bool,
    ) -> Result<Started, PostgresError> {
        ensure_folder(files.socket())?;
        for name in names(files.socket())? {
            let path = files.socket().join(name);
            if path.extension().is_some_and(|extension| extension == "lock") {
                left::disown(&path)?;
            }
        }
        let left = left::disown(&files.postmaster_pid())?;
        let postmaster = spawn(files, engine, with_view)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id.clone(), postmaster.clone());
        Ok(Started { postmaster, left })
    }
}

impl Postmaster {
    /// The process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Whether it has not ended.
    pub fn runs(&self) -> bool {
        !*self.ended.borrow() && pidfd_send_signal(&*self.handle, Signal::CHILD).is_ok()
    }

    /// Whether it sees the instance's folder as [`RDSDBDATA`].
    pub fn has_view(&self, files: &InstanceFiles) -> bool {
        let seen = Path::new("/proc").join(self.pid().to_string()).join("root");
        is_same_folder(&seen.join(RDSDBDATA.trim_start_matches('/')).join("data"), &files.data())
    }

    /// Waits until it has ended.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        let _ = ended.wait_for(|ended| *ended).await;
    }

    pub(crate) fn reload(&self) -> Result<(), PostgresError> {
        self.signal(Signal::HUP)
    }

    /// Stops it, harder when it takes too long.
    pub async fn stop(&self, shutdown: Shutdown) -> Result<(), PostgresError> {
        if shutdown == Shutdown::Fast {
            self.signal(Signal::INT)?;
            if self.ends_fast().await {
                return Ok(());
            }
        }
        self.signal(Signal::QUIT)?;
        if self.ends_within(IMMEDIATE_SHUTDOWN_S).await {
            return Ok(());
        }
        self.kill().await
    }

    /// Waits for the end of a fast shutdown, but not that of a crash recovery. PostgreSQL 15 and
    /// later never ends when it is asked to after the crash of a child and before it replays the
    /// log: its checkpointer, which runs by then, is not told (`PostmasterStateMachine`). Nothing
    /// was written since the crash, so that an immediate shutdown loses nothing.
    async fn ends_fast(&self) -> bool {
        for _ in 0..FAST_SHUTDOWN_S {
            if self.ends_within(1).await {
                return true;
            }
            if self.recovers_from_crash() {
                return false;
            }
        }
        false
    }

    fn recovers_from_crash(&self) -> bool {
        let folder = Path::new("/proc").join(self.pid().to_string()).join("cwd");
        left::database_state(&folder) == Some(left::IN_CRASH_RECOVERY)
    }

    async fn ends_within(&self, seconds: u64) -> bool {
        tokio::time::timeout(Duration::from_secs(seconds), self.ended()).await.is_ok()
    }

    pub(crate) async fn kill(&self) -> Result<(), PostgresError> {
        self.signal(Signal::KILL)?;
        if self.ends_within(IMMEDIATE_SHUTDOWN_S).await {
            return Ok(());
        }
        Err(PostgresError::TimedOut { what: "end after SIGKILL", seconds: IMMEDIATE_SHUTDOWN_S })
    }

    fn signal(&self, signal: Signal) -> Result<(), PostgresError> {
        match pidfd_send_signal(&*self.handle, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(not_run(error)),
        }
    }
}

fn spawn(
    files: &InstanceFiles,
    engine: &Engine,
    with_view: bool,
) -> Result<Postmaster, PostgresError> {
    let log = files.startup_log();
    let output = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&log)
        .map_err(PostgresError::file("write", &log))?;
    let errors = output.try_clone().map_err(PostgresError::file("write", &log))?;
    let mut command = if with_view {
        program::command_in_view(engine, "postgres", files)
    } else {
        program::command(engine, "postgres", Priority::Normal)
    };
    command
        .arg("-D")
        .arg(files.data())
        .arg("-c")
        .arg(format!("config_file={}", files.postgresql_conf().display()))
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .kill_on_drop(false);
    let mut child = command.spawn().map_err(not_run)?;
    let raw = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = raw.ok_or_else(|| not_run(std::io::Error::other("no process id")))?;
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(not_run)?;
    let postmaster = watch_process(pid, handle)?;
    tokio::spawn(async move { child.wait().await });
    Ok(postmaster)
}

/// Finds the postmaster of a data directory: the process that `postmaster.pid` names, if it is a
/// `postgres` that works in that directory.
fn adopt(files: &InstanceFiles) -> Result<Option<Postmaster>, PostgresError> {
    let Ok(content) = fs::read_to_string(files.postmaster_pid()) else { return Ok(None) };
    let number = content.lines().next().and_then(|line| line.trim().parse().ok());
    let Some(pid) = number.filter(|pid| *pid > 0).and_then(Pid::from_raw) else { return Ok(None) };
    Ok(watch_server(pid, &files.data())?.filter(Postmaster::runs))
}

/// A process, if it is a `postgres` that works in a data directory.
pub(crate) fn watch_server(pid: Pid, data: &Path) -> Result<Option<Postmaster>, PostgresError> {
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        // Nobody's number, or that of a thread (`ENOENT` on Linux 6.18, `EINVAL` earlier).
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => return Ok(None),
        Err(error) => return Err(not_run(error)),
    };
    // Looked at only after the pidfd is open, so that what is seen is the process it names.
    works_in(pid, data).then(|| watch_process(pid, handle)).transpose()
}

pub(crate) fn works_in(pid: Pid, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
    let program = fs::read_link(process.join("exe"));
    let is_postgres = program.is_ok_and(|path| path.to_string_lossy().contains("postgres"));
    is_postgres && is_same_folder(&process.join("cwd"), data)
}

/// Whether two paths lead to one folder, whatever the view of the file system.
fn is_same_folder(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).map(|about: Metadata| (about.dev(), about.ino())).ok();
    let one = identity(one);
    one.is_some() && one == identity(other)
}

fn watch_process(pid: Pid, handle: OwnedFd) -> Result<Postmaster, PostgresError> {
    let handle = Arc::new(handle);
    let (sender, ended) = watch::channel(false);
    #[expect(deprecated, reason = "the descriptor is owned, and open while it is registered")]
    let watched = AsyncFd::new(Arc::clone(&handle)).map_err(not_run)?;
    tokio::spawn(async move {
        // A pidfd is readable once its process has ended.
        let _ = watched.readable().await;
        let _ = sender.send(true);
    });
    Ok(Postmaster { pid, handle, ended })
}

fn not_run(source: impl Into<std::io::Error>) -> PostgresError {
    PostgresError::Run { program: "postgres", source: source.into() }
}
