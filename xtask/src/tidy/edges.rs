//! Which crate may depend on which: compared with a list that a review sees change.
//!
//! Dependencies point one way, from the program to the model; `xtask/edges.txt` has every edge
//! between two crates of the workspace. A few outside crates belong to one of ours each, which
//! hides them: a second user would be a second place that knows their rules.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::source::Finding;
use crate::workspace;

const LIST: &str = "xtask/edges.txt";

/// Outside crates, and the only ones that ship with them.
const OWNED: &[(&str, &[&str])] = &[
    ("axum", &["pgkeep-server"]),
    ("prometheus-client", &["pgkeep", "pgkeep-server"]),
    ("rand", &["pgkeep", "pgkeep-pki", "pgkeep-postgres", "pgkeep-server", "pgkeep-workflow"]),
    ("rcgen", &["pgkeep-pki"]),
    ("rusqlite", &["pgkeep-store"]),
];

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let packages: Vec<Package> = serde_json::from_value(workspace::metadata()?["packages"].take())?;
    let list = std::fs::read_to_string(root.join(LIST)).context("cannot read xtask/edges.txt")?;
    let mut findings = compare(&list, &edges(&packages));
    findings.extend(packages.iter().flat_map(not_owned));
    Ok(findings)
}

/// The edges between crates of the workspace: `from -> to`, marked where only tests use it.
fn edges(packages: &[Package]) -> BTreeSet<String> {
    let mut edges = BTreeSet::new();
    for package in packages {
        for dependency in package.dependencies.iter().filter(|it| it.path.is_some()) {
            let kind = dependency.kind.as_deref().map(|kind| format!(" ({kind})"));
            let kind = kind.unwrap_or_default();
            edges.insert(format!("{} -> {}{kind}", package.name, dependency.name));
        }
    }
    edges
}

fn compare(list: &str, edges: &BTreeSet<String>) -> Vec<Finding> {
    let lines = || list.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let unlisted = edges.iter().filter(|edge| lines().all(|(_, line)| line != *edge));
    let stale = lines().filter(|(_, line)| !edges.contains(*line));
    let mut findings: Vec<_> = stale
        .map(|(index, line)| {
            let advice = format!("no such dependency any more: take out `{line}`");
            Finding::new(LIST, index + 1, &advice)
        })
        .collect();
    findings.extend(unlisted.map(|edge| {
        let advice = format!("add `{edge}` if the crates are meant to depend so, else undo it");
        Finding::new(LIST, 1, &advice)
    }));
    findings
}

fn not_owned(package: &Package) -> impl Iterator<Item = Finding> {
    let shipped = package.dependencies.iter().filter(|it| it.kind.is_none());
    shipped.filter_map(|dependency| {
        let (name, owners) = OWNED.iter().find(|(name, _)| *name == dependency.name)?;
        if owners.contains(&package.name.as_str()) {
            return None;
        }
        let advice =
            format!("{} depends on {name}, which only {} may", package.name, owners.join(", "));
        Some(Finding::new("Cargo.toml", 1, &advice))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_and_truth_must_be_the_same() {
        let edges = BTreeSet::from(["a -> b".to_owned(), "a -> c (dev)".to_owned()]);
        assert!(compare("# head\na -> b\na -> c (dev)\n", &edges).is_empty());
        let findings: Vec<_> =
            compare("a -> b\nb -> a\n", &edges).iter().map(ToString::to_string).collect();
        assert!(findings[0].starts_with("xtask/edges.txt:2: no such"), "{findings:?}");
        assert!(findings[1].contains("add `a -> c (dev)`"), "{findings:?}");
        assert_eq!(findings.len(), 2);
    }
}
