//! `cargo xtask codegen`: writes `crates/query/src/generated` from the model of the RDS API.
//!
//! The model and what is generated from it are both checked in: a build needs neither botocore
//! nor this task, and a review sees what a change of the model or of a generator does. `--check`
//! keeps the two from drifting apart. Those generators are pure; only this file touches the disk.
//! `cargo xtask codegen parameters` is apart, since it needs the engines.

mod errors;
mod list;
mod model;
mod names;
mod operations;
mod parameters;
mod shapes;
mod types;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use self::model::Model;
use crate::workspace;

const MODEL: &str = "crates/query/model/rds-2014-10-31.json";
const GENERATED: &str = "crates/query/src/generated";

/// The options of `cargo xtask codegen`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// First replace the checked-in model by this `service-2.json` or `.json.gz` of a botocore
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    model: Option<PathBuf>,
    /// Write nothing; fail where a checked-in file is not what would be written
    #[arg(long)]
    check: bool,
}

/// What is generated from something else than the model.
#[derive(clap::Subcommand)]
enum Other {
    /// Ask every engine for its parameters
    Parameters(parameters::Options),
}

impl Options {
    /// Those of `cargo xtask codegen --check`.
    pub(crate) fn check() -> Self {
        Self { other: None, model: None, check: true }
    }
}

/// Generates everything, or compares.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(Other::Parameters(options)) = &options.other {
        return parameters::run(options);
    }
    let root = workspace::root()?;
    let source = options.model.clone().unwrap_or_else(|| root.join(MODEL));
    let text = model::render_stripped(&read_model(&source)?)?;
    let model: Model = serde_json::from_str(&text)?;
    let mut files = vec![(MODEL.to_owned(), text)];
    for (name, code) in [
        ("errors.rs", errors::render(&model)),
        ("operations.rs", operations::render(&model)?),
        ("inputs.rs", shapes::render_inputs(&model)?),
        ("outputs.rs", shapes::render_outputs(&model)?),
    ] {
        files.push((format!("{GENERATED}/{name}"), format_rust(root, &code)?));
    }
    for (name, text) in files {
        let path = root.join(&name);
        let current = fs::read_to_string(&path).is_ok_and(|old| old == text);
        if options.check {
            ensure!(current, "{name} is stale: run `cargo xtask codegen` and commit the result");
        } else if !current {
            fs::write(&path, text).with_context(|| format!("cannot write {name}"))?;
        }
    }
    Ok(())
}

/// The text of a model, unpacked where it is gzip (as botocore ships it).
fn read_model(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(String::from_utf8(bytes)?);
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text)?;
    Ok(text)
}

/// The code as `cargo fmt` leaves it, so that formatting never makes a generated file stale.
fn format_rust(root: &Path, code: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run rustfmt")?;
    let mut stdin = rustfmt.stdin.take().context("rustfmt has no input")?;
    // rustfmt reads all of its input before it writes, so this cannot block on a full pipe.
    stdin.write_all(code.as_bytes())?;
    drop(stdin);
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt refused the generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}
