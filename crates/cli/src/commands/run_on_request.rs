//! `pgkeep run-on-request`: runs the command of `pgkeep rehearse`. Not for people.
//!
//! A process of its own, so that the command has the rights of the person who typed it while the
//! servers run without privileges, and so that it ends with pgkeep however pgkeep ends: the end of
//! the input is the end of the command and of all that it started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::args::RunOnRequestArgs;
use crate::output;
use crate::plane::runtime;

/// Ends a run, in the place of a request.
pub(super) const STOP: &str = "stop";
/// How much of what a run says is kept: the end of it.
const KEPT_BYTES: usize = 64 * 1024;
/// How long a run has to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait for the rest of the output where somebody else still holds it open.
const REST: Duration = Duration::from_secs(1);

/// All that a request may set or unset. Whoever asks has fewer rights than the command, and must
/// not say what it loads or runs.
const VARIABLES: [&str; 10] = [
    "DATABASE_URL",
    "PGDATABASE",
    "PGHOST",
    "PGHOSTADDR",
    "PGPASSWORD",
    "PGPORT",
    "PGSERVICE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGUSER",
];

/// Variables of a run, of those in [`VARIABLES`]; one without a value is unset.
pub(super) type Environment = BTreeMap<String, Option<String>>;

/// How a run ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Why it could not begin.
    pub(super) failure: Option<String>,
    pub(super) exit_code: Option<i32>,
    /// What killed it.
    pub(super) signal: Option<i32>,
    /// The end of its standard output and error, in the order of writing.
    pub(super) output: String,
}

type Requests = Lines<BufReader<pipe::Receiver>>;

pub(super) fn run(args: &RunOnRequestArgs, umask: Mode) -> anyhow::Result<()> {
    nix::sys::stat::umask(umask);
    runtime()?.block_on(serve(&args.program))
}

async fn serve(program: &[OsString]) -> anyhow::Result<()> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let requests = pipe::Receiver::from_owned_fd(stdin).context("the input is no pipe")?;
    let mut requests = BufReader::new(requests).lines();
    while let Some(line) = requests.next_line().await? {
        // Of a run that had ended by itself already.
        if line == STOP {
            continue;
        }
        let ended = match Running::start(program, &serde_json::from_str(&line)?) {
            Ok(running) => running.attend(&mut requests).await?,
            Err(error) => Ended {
                failure: Some(error.to_string()),
                exit_code: None,
                signal: None,
                output: String::new(),
            },
        };
        output::write(serde_json::to_string(&ended)? + "\n")?;
    }
    Ok(())
}

/// A run under way: a process, with a process group of its own.
struct Running {
    child: Child,
    group: Pid,
    kept: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

impl Running {
    fn start(program: &[OsString], environment: &Environment) -> io::Result<Self> {
        let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(name);
        command.args(arguments).process_group(0).stdin(Stdio::null());
        for (name, value) in environment {
            if !VARIABLES.contains(&name.as_str()) {
                return Err(io::Error::other(format!("{name} is not to be set by a request")));
            }
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let group = Pid::from_raw(pid.ok_or(io::ErrorKind::NotFound)?);
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let output = pipe::Receiver::from_owned_fd(reader.into())?;
        let reading = tokio::spawn(keep(output, Arc::clone(&kept)));
        Ok(Self { child, group, kept, reading })
    }

    /// Waits for its end, and brings it about when the next line, or the end of the lines, comes.
    async fn attend(mut self, requests: &mut Requests) -> io::Result<Ended> {
        let status = tokio::select! {
            status = self.child.wait() => status,
            _ = requests.next_line() => {
                let _ = killpg(self.group, Signal::SIGTERM);
                if timeout(GRACE, self.child.wait()).await.is_err() {
                    let _ = killpg(self.group, Signal::SIGKILL);
                }
                self.child.wait().await
            }
        };
        // What it left running has no server any more.
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = timeout(REST, self.reading).await;
        let status = status?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Ended {
            failure: None,
            exit_code: status.code(),
            signal: std::os::unix::process::ExitStatusExt::signal(&status),
            output: String::from_utf8_lossy(&kept).into_owned(),
        })
    }
}

/// Keeps the end of what comes in.
async fn keep(mut output: pipe::Receiver, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; KEPT_BYTES];
    while let Ok(read @ 1..) = output.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..read]);
        let surplus = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_sets_nothing_but_the_way_to_a_server() {
        let program = ["true".into()];
        let start = |name: &str, value: Option<&str>| {
            let value = value.map(str::to_owned);
            Running::start(&program, &Environment::from([(name.to_owned(), value)]))
        };
        for name in ["LD_PRELOAD", "PATH", "PGSSLKEY", "PGPASSFILE", ""] {
            assert!(start(name, Some("x")).is_err() && start(name, None).is_err(), "{name}");
        }
        let mut running = start("PGHOST", Some("localhost")).unwrap();
        assert!(running.child.wait().await.unwrap().success());
    }
}
