//! `cargo xtask test`: the whole check, the same for a newcomer and for CI.
//!
//! Steps run in an order that fails early and ends with the tests, whose summary is then the last
//! thing on the screen. Deliberately absent: security advisories, whose database is outside every
//! package registry, so that a check of them would depend on more than the checkout.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::tools::Tools;
use crate::workspace;
use crate::{codegen, fuzz, package, tidy, torture};

/// Lets tests stop the program at a named place; what ships is built without.
const FAILPOINTS: [&str; 2] = ["--features", "pgkeep/failpoints"];

/// The options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Install nothing; fail by name where something is missing
    #[arg(long)]
    no_install: bool,
    /// Only run the tests that match; anything `cargo nextest run` takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    filter: Vec<String>,
}

/// Runs the steps until one fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let begun = Instant::now();
    let tools = step("tools", || Tools::ensure(!options.no_install))?;
    warn_of_terraform(&tools);
    if options.filter.is_empty() {
        check_sources(&tools)?;
    }
    step("build", build)?;
    if options.filter.is_empty() {
        step("package", || package::check(&program()?))?;
        step("torture", || torture::run_short(&workspace::target_directory()?.join("debug")))?;
    }
    step("nextest", || workspace::run(nextest(&tools)?.args(&options.filter)))?;
    eprintln!("\nall that was run passed in {:.0} s", begun.elapsed().as_secs_f32());
    warn_of_terraform(&tools);
    Ok(())
}

fn warn_of_terraform(tools: &Tools) {
    if let Some(why) = tools.lacks_terraform() {
        eprintln!("\nNOT RUN: the test of Terraform, e2e_terraform: {why}");
    }
}

/// Everything but the tests that need the program.
fn check_sources(tools: &Tools) -> Result<()> {
    step("fmt", || cargo(&["fmt", "--all", "--check"]))?;
    step("codegen", || codegen::run(&codegen::Options::check()))?;
    step("tidy", tidy::run)?;
    step("unused dependencies", || workspace::run(tool(tools, "cargo-shear")?.args(["shear"])))?;
    step("deny", || {
        let checks = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
        workspace::run(tool(tools, "cargo-deny")?.args(["--log-level", "error"]).args(checks))
    })?;
    step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
    })?;
    step("doc", || {
        let mut command = workspace::cargo()?;
        workspace::run(
            command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    step("doc tests", || cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    step("fuzz", || fuzz::run(&fuzz::Options::short()))
}

fn build() -> Result<()> {
    let mut build = workspace::cargo()?;
    build.arg("build");
    for package in ["pgkeep", "pgkeep-drivers", "pgkeep-torture"] {
        build.args(["--package", package]);
    }
    workspace::run(build.args(FAILPOINTS))
}

/// `cargo nextest run` with the tools that the tests drive. It builds with the same features as
/// [`build`], so that a program built anew on the way is the same program.
fn nextest(tools: &Tools) -> Result<Command> {
    let mut command = tool(tools, "cargo-nextest")?;
    command.args(["nextest", "run", "--workspace"]).args(FAILPOINTS);
    if tools.lacks_terraform().is_some() {
        command.args(["--profile", "without-terraform"]);
    }
    command.envs(tools.environment()).env("PGKEEP_BIN", program()?);
    Ok(command)
}

/// The program as [`build`] leaves it.
fn program() -> Result<PathBuf> {
    Ok(workspace::target_directory()?.join("debug/pgkeep"))
}

fn cargo(arguments: &[&str]) -> Result<()> {
    workspace::run(workspace::cargo()?.args(arguments))
}

/// One of cargo's tools, as cargo itself would start it.
fn tool(tools: &Tools, name: &str) -> Result<Command> {
    let mut command = Command::new(tools.program(name));
    command.current_dir(workspace::root()?);
    workspace::forget_package(&mut command);
    Ok(command)
}

/// Runs a step under its heading, with its time.
fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("\n== {name}");
    let begun = Instant::now();
    let done = work().with_context(|| format!("step {name:?} failed"))?;
    eprintln!("== {name}: {:.1} s", begun.elapsed().as_secs_f32());
    Ok(done)
}
