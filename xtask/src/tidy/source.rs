//! The files that rules look at, and what they say of them.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::output;

/// A text file of the project.
pub(super) struct File {
    /// Its path below the root of the project, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    pub(super) fn is_generated(&self) -> bool {
        self.path.starts_with("crates/query/src/generated/")
    }

    /// Whether the whole file is code of tests or of developers, which ships in nothing.
    pub(super) fn is_for_developers(&self) -> bool {
        let folders = ["xtask/", "crates/testkit/", "crates/torture/"];
        folders.iter().any(|folder| self.path.starts_with(folder))
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    /// The lines with their numbers, up to where the tests begin, which in this house come last.
    pub(super) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_for_developers() { 0 } else { usize::MAX };
        let lines = self.lines().take(end);
        lines.take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// What every file is held to.
pub(super) struct Rule {
    /// Its name in the table of exceptions.
    pub(super) name: &'static str,
    /// What to do about a finding.
    pub(super) advice: &'static str,
    /// The lines that break it.
    pub(super) find: fn(&File) -> Vec<usize>,
}

/// A place where a rule is broken, and what to do.
pub(super) struct Finding {
    at: String,
    advice: String,
}

impl Finding {
    pub(super) fn new(path: &str, line: usize, advice: &str) -> Self {
        Self { at: format!("{path}:{line}"), advice: advice.to_owned() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.advice)
    }
}

/// The text files that git has or would add.
pub(super) fn files(root: &Path) -> Result<Vec<File>> {
    let mut command = Command::new("git");
    command.current_dir(root).args(["ls-files", "-z", "--cached", "--others"]);
    let names = output(command.arg("--exclude-standard"))?;
    let mut files = Vec::new();
    for name in names.split_terminator('\0') {
        match std::fs::read(root.join(name)) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).ok();
                files.extend(text.map(|text| File { path: name.to_owned(), text }));
            }
            // Removed, but not yet from git.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
        }
    }
    Ok(files)
}
