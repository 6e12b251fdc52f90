//! Running the programs of an engine.

use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use crate::PostgresError;
use crate::engine::Engine;
use crate::layout::InstanceFiles;
use crate::view::IN_VIEW;

/// Whether to leave the processor to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits.
    Normal,
    /// Work ahead of need.
    Background,
}

/// A program of an engine, in the engine's clean environment; it ends with its caller.
pub(crate) fn command(engine: &Engine, name: &str, priority: Priority) -> Command {
    let program = engine.program(name);
    let command = match priority {
        Priority::Normal => Command::new(program),
        Priority::Background => {
            let mut nice = Command::new("nice");
            nice.args(["-n", "15"]).arg(program);
            nice
        }
    };
    in_environment(command, engine)
}

/// A program of an engine with the instance's own view of the file system: this program takes the
/// view and becomes that one.
pub(crate) fn command_in_view(engine: &Engine, name: &str, files: &InstanceFiles) -> Command {
    // What runs, even when its file has been replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.arg(IN_VIEW).args([files.view(), files.folder()]).arg(engine.program(name));
    in_environment(command, engine)
}

fn in_environment(mut command: Command, engine: &Engine) -> Command {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
    if let Some(folder) = &engine.lib_dir {
        command.env("LD_LIBRARY_PATH", folder);
    }
    command.stdin(Stdio::null()).kill_on_drop(true).current_dir("/");
    command
}

/// Runs a program to its end.
///
/// What it started itself ends with it when the caller gives up: `initdb` runs servers of its own,
/// which would outlive it.
pub(crate) async fn run(program: &'static str, mut command: Command) -> Result<(), PostgresError> {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let run = async {
        let child = command.spawn()?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let output = child.wait_with_output().await;
        group.disband();
        output
    };
    let output = run.await.map_err(|source| PostgresError::Run { program, source })?;
    judge(program, &output)
}

/// A program that leads a process group, all of which is killed with this.
struct Group(Option<Pid>);

impl Group {
    /// Its leader has ended and been waited for, so the number may soon be a stranger's.
    fn disband(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Turns a program's failure into an error that carries its own words.
pub(crate) fn judge(program: &'static str, output: &Output) -> Result<(), PostgresError> {
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let message = failure_line(&words).unwrap_or_else(|| output.status.to_string());
    Err(PostgresError::Failed { program, message })
}

/// The line of a log that says why a program ended: the first FATAL or PANIC, which those after it
/// follow from, else the last line.
pub(crate) fn failure_line(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let severe =
        |line: &&&str| ["FATAL:", "PANIC:", "error:"].iter().any(|word| line.contains(word));
    lines.iter().find(severe).or(lines.last()).map(|line| (*line).to_owned())
}
