//! Running the programs of others, which are clients or judges of what pgkeep does.

use std::env;
use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, ExitStatus, Stdio};

/// What a program left.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output, without the last line end.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Outcome {
    /// The output of a program that must succeed.
    #[track_caller]
    pub fn success(self) -> String {
        assert!(self.status.success(), "{self:?}");
        self.stdout
    }

    /// The error output of a program that must fail.
    #[track_caller]
    pub fn failure(self) -> String {
        assert!(!self.status.success(), "succeeded where it must fail: {self:?}");
        self.stderr
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.status, self.stdout, self.stderr)
    }
}

/// A program under the path that `variable` holds, else under `name`.
pub fn program(variable: &str, name: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| name.into()))
}

/// Runs a program to its end. One that this machine does not have fails the test by its name.
#[track_caller]
pub fn run(command: &mut Command, input: &str) -> Outcome {
    let name = command.get_program().display().to_string();
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match pipes.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("this test needs the program {name}, which is not on this machine")
        }
        Err(error) => panic!("{name} does not run: {error}"),
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that ends without reading leaves a broken pipe, which its status then explains.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("its output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stdout = text(&output.stdout).trim_end_matches('\n').to_owned();
    Outcome { status: output.status, stdout, stderr: text(&output.stderr) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_reaches_it_and_output_comes_back() {
        assert_eq!(run(&mut Command::new("cat"), "a\nb\n").success(), "a\nb");
        assert_eq!(run(Command::new("cat").arg("/absent"), "").failure().lines().count(), 1);
    }

    #[test]
    #[should_panic(expected = "needs the program pgkeep-absent")]
    fn an_absent_program_is_named() {
        run(&mut program("PGKEEP_ABSENT", "pgkeep-absent"), "");
    }
}
