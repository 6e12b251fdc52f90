//! The command of a rehearsal, run by `pgkeep run-on-request`, a process that keeps the rights of
//! the person who typed it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::stat::Mode;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout_at};

use crate::commands::run_on_request::{Ended, Environment, STOP};

/// Starts the process that runs `program` on request. Only before privileges are given up.
pub(super) fn start(program: &[OsString], umask: Mode) -> anyhow::Result<Child> {
    let own = nix::sys::stat::umask(umask);
    let mut command = Command::new("/proc/self/exe");
    command.arg("run-on-request").arg("--").args(program);
    // Ctrl-C is for pgkeep, which then ends the command.
    command.arg0("pgkeep").process_group(0);
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    nix::sys::stat::umask(own);
    started.context("cannot run itself")
}

/// Runs a command, as often as it is asked to, once at a time.
pub(super) struct Runner {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    limit: Duration,
    deadline: Instant,
}

/// How a run ended, and how long it took.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) ended: Ended,
    /// It was ended, since it had taken too long.
    pub(super) timed_out: bool,
    pub(super) seconds: f64,
}

impl Runner {
    /// Talks to what [`start`] started; a run may take up to `limit`.
    pub(super) fn of(mut child: Child, limit: Duration) -> anyhow::Result<Self> {
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, answers) = pipes.context("a child without pipes")?;
        Ok(Self {
            child,
            requests: ChildStdin::from_std(requests)?,
            answers: BufReader::new(ChildStdout::from_std(answers)?).lines(),
            limit,
            deadline: Instant::now(),
        })
    }

    /// Begins a run.
    pub(super) async fn begin(&mut self, environment: &Environment) -> anyhow::Result<()> {
        self.deadline = Instant::now() + self.limit;
        self.send(&serde_json::to_string(environment)?).await
    }

    /// Waits for the end of the run, or ends it at its limit. Nothing is lost if this is not
    /// waited for, and called again.
    pub(super) async fn ended(&mut self) -> anyhow::Result<Run> {
        let answered = timeout_at(self.deadline, self.answers.next_line()).await;
        let timed_out = answered.is_err();
        let line = if let Ok(line) = answered {
            line
        } else {
            self.send(STOP).await?;
            self.answers.next_line().await
        };
        let line = line.context("cannot tell how the command ended")?;
        let line = line.context("what runs the command has ended")?;
        let ended: Ended = serde_json::from_str(&line)?;
        if let Some(failure) = &ended.failure {
            bail!("cannot run the command: {failure}");
        }
        let begun = self.deadline - self.limit;
        Ok(Run { ended, timed_out, seconds: begun.elapsed().as_secs_f64() })
    }

    async fn send(&mut self, line: &str) -> anyhow::Result<()> {
        let sent = self.requests.write_all(format!("{line}\n").as_bytes()).await;
        sent.context("what runs the command has ended")
    }

    /// Ends the command, if it runs, and waits until it is gone.
    pub(super) async fn close(self) {
        let Self { mut child, requests, mut answers, .. } = self;
        drop(requests);
        while let Ok(Some(_)) = answers.next_line().await {}
        let _ = child.wait();
    }
}
