//! `cargo xtask tidy`: the rules of the house that no compiler, linter or formatter checks.
//!
//! Rules are text searches and comparisons on the files that git knows, so that the whole takes
//! well under a second. A finding says what to do. What a rule must let pass stands with its
//! reason in [`exceptions`], where an entry that nothing needs any more is a finding itself.

mod edges;
mod exceptions;
mod limits;
mod security;
mod source;
mod texts;

use anyhow::{Result, bail};

use self::exceptions::Exceptions;
use self::source::{File, Finding, Rule};
use crate::workspace;

/// Checks everything and prints what it finds.
pub(crate) fn run() -> Result<()> {
    let files = source::files(workspace::root()?)?;
    let mut exceptions = Exceptions::default();
    let mut findings = limits::legal_files(&files);
    for file in &files {
        for rule in limits::RULES.iter().chain(texts::RULES) {
            findings.extend(check(rule, file, &mut exceptions));
        }
    }
    findings.extend(exceptions.unused());
    findings.extend(security::check(&files));
    findings.extend(edges::check(workspace::root()?)?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("tidy: {count} to mend"),
    }
}

fn check(rule: &Rule, file: &File, exceptions: &mut Exceptions) -> Vec<Finding> {
    let found = (rule.find)(file);
    if found.is_empty() || exceptions.allow(rule, file) {
        return Vec::new();
    }
    found.into_iter().map(|line| Finding::new(&file.path, line, rule.advice)).collect()
}
