//! The checkout that the tasks work on, and how they start other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The folder of the workspace's own Cargo.toml.
pub(crate) fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")
}

/// The cargo that runs this task, in the workspace.
///
/// What it told this process about the package `xtask` is taken away: a build script that watches
/// such a variable would run again at every change from `cargo xtask` to `cargo` and back.
pub(crate) fn cargo() -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()?);
    forget_package(&mut command);
    Ok(command)
}

/// Takes away what cargo told this process about the package `xtask`.
pub(crate) fn forget_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if of_package {
            command.env_remove(name);
        }
    }
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"].as_str().context("cargo names no target folder")?;
    Ok(PathBuf::from(folder))
}

/// What cargo says of the workspace's own packages.
pub(crate) fn metadata() -> Result<serde_json::Value> {
    let mut command = cargo()?;
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    Ok(serde_json::from_str(&output(&mut command)?)?)
}

/// Runs a program to its end, with the output of this process.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", render(command)))?;
    ensure!(status.success(), "`{}` failed: {status}", render(command));
    Ok(())
}

/// Runs a program to its end and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", render(command)))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}` failed:\n{}", render(command), stderr.trim_end());
    Ok(String::from_utf8(output.stdout)?)
}

/// The command as one would type it.
pub(crate) fn render(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
