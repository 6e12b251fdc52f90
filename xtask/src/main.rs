//! Tasks of the project's developers, run as `cargo xtask TASK`.
//!
//! This file only dispatches: a task is a module with an `Options` and a `run`.

mod bench;
mod codegen;
mod fuzz;
mod os_user;
mod package;
mod test;
mod tidy;
mod tools;
mod torture;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of pgkeep's developers")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure pgkeep beside its alternatives
    Bench(bench::Options),
    /// Generate the shapes of the RDS API from the service's model
    Codegen(codegen::Options),
    /// Give every parser of what comes from outside what no one would send
    Fuzz(fuzz::Options),
    /// Make a Debian package, and say what is in it
    Package(package::Options),
    /// Install what the checks need, then run all of them
    Test(test::Options),
    /// Check the rules of the house that no other tool checks
    Tidy,
    /// Let clients ask for one thing after the other while everything goes wrong
    Torture(torture::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Bench(options) => bench::run(&options),
        Task::Codegen(options) => codegen::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Package(options) => package::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Tidy => tidy::run(),
        Task::Torture(options) => torture::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
