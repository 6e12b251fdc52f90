//! One file a command.

mod bundle;
mod env;
mod serve;

use std::process::ExitCode;

use crate::args::Command;

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Serve(args) => serve::run(&args).map(done),
        Command::Env(args) => env::run(&args).map(done),
        Command::Bundle(args) => bundle::run(&args).map(done),
    }
}
