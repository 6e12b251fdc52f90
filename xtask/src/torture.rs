//! `cargo xtask torture`: builds pgkeep with failpoints, for its clock, and tortures it with
//! `pgkeep-torture`, whose options these are.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::workspace;

/// The options of `cargo xtask torture`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What `pgkeep-torture` takes: `--seed`, `--minutes`, `--operations`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

/// Builds both, and runs the torture.
pub(crate) fn run(options: &Options) -> Result<()> {
    let packages = ["build", "--package", "pgkeep", "--package", "pgkeep-torture"];
    let features = ["--features", "pgkeep/failpoints"];
    workspace::run(workspace::cargo()?.args(packages).args(features))?;
    let folder = workspace::target_directory()?.join("debug");
    workspace::run(command(&folder).args(&options.options))
}

/// The torture that is a step of the whole check: short, and always with the same seed.
pub(crate) fn run_short(folder: &Path) -> Result<()> {
    workspace::run(command(folder).args(["--seed", "7", "--minutes", "0.5"]))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(folder.join("pgkeep-torture"));
    command.env("PGKEEP_BIN", folder.join("pgkeep"));
    command
}
