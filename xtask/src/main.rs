//! Tasks of the project's developers, run as `cargo xtask TASK`.
//!
//! This file only dispatches: a task is a module with an `Options` and a `run`.

mod codegen;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of pgkeep's developers")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Generate the shapes of the RDS API from the service's model
    Codegen(codegen::Options),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Codegen(options) => codegen::run(&options),
    }
}
