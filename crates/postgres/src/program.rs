//! Running the programs of an engine.

use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::PostgresError;
use crate::engine::Engine;

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
    let mut command = match priority {
        Priority::Normal => Command::new(program),
        Priority::Background => {
            let mut nice = Command::new("nice");
            nice.args(["-n", "15"]).arg(program);
            nice
        }
    };
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
    if let Some(folder) = &engine.lib_dir {
        command.env("LD_LIBRARY_PATH", folder);
    }
    command.stdin(Stdio::null()).kill_on_drop(true).current_dir("/");
    command
}

/// Runs a program to its end.
pub(crate) async fn run(program: &'static str, mut command: Command) -> Result<(), PostgresError> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().await.map_err(|source| PostgresError::Run { program, source })?;
    judge(program, &output)
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

/// The line of a log that says why a program ended: the last FATAL or PANIC with what was said
/// before it, else the last line.
pub(crate) fn failure_line(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let severe =
        |line: &&&str| ["FATAL:", "PANIC:", "error:"].iter().any(|word| line.contains(word));
    lines.iter().rev().find(severe).or(lines.last()).map(|line| (*line).to_owned())
}
