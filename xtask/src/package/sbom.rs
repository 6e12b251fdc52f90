//! What the program is made of, as a `CycloneDX` 1.5 document: every crate that is linked into
//! it, with its version and licence, as cargo resolves them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::workspace;

/// Renders the document.
pub(super) fn render() -> Result<String> {
    let mut command = workspace::cargo()?;
    command.args(["tree", "--package", "pgkeep", "--edges", "normal", "--prefix", "none"]);
    let tree = workspace::output(command.args(["--format", "{p}|{l}"]))?;
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let components = lines.into_iter().map(component).collect::<Result<Vec<_>>>()?;
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "name": "pgkeep",
            "version": env!("CARGO_PKG_VERSION"),
        }},
        "components": components,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// `rustls v0.23.35|Apache-2.0 OR ISC OR MIT`; our own crates have a path behind the version.
fn component(line: &str) -> Result<Value> {
    let (package, licence) = line.split_once('|').context("cargo tree has no licence")?;
    let mut words = package.split(' ');
    let name = words.next().context("cargo tree has no name")?;
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    let version = version.context("cargo tree has no version")?;
    Ok(json!({
        "type": "library",
        "name": name,
        "version": version,
        "purl": format!("pkg:cargo/{name}@{version}"),
        "licenses": [{ "expression": licence.replace('/', " OR ") }],
    }))
}
