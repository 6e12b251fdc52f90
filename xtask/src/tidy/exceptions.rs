//! Where a rule does not hold, and why.

use std::collections::BTreeSet;

use super::source::{File, Finding, Rule};

struct Exception {
    rule: &'static str,
    path: &'static str,
    /// Read by people only.
    #[expect(dead_code, reason = "an exception without a reason does not compile")]
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "processes",
        path: "crates/cli/src/commands/psql.rs",
        reason: "becomes psql: nothing is started that pgkeep would have to look after",
    },
    Exception {
        rule: "processes",
        path: "crates/cli/src/machine.rs",
        reason: "becomes itself, with a setting that is read at the start",
    },
    Exception {
        rule: "processes",
        path: "crates/cli/src/commands/run_on_request.rs",
        reason: "runs what the user gave, and ends it; no server",
    },
    Exception {
        rule: "processes",
        path: "crates/cli/src/commands/rehearse/runner.rs",
        reason: "runs itself, for what the user gave, with the user's own rights",
    },
    Exception {
        rule: "unfinished",
        path: "xtask/src/tidy/texts.rs",
        reason: "lists the marks that it looks for",
    },
    Exception {
        rule: "machine",
        path: "xtask/src/tidy/texts.rs",
        reason: "lists the folders that it looks for",
    },
];

/// The table, and what of it was needed.
#[derive(Default)]
pub(super) struct Exceptions {
    used: BTreeSet<usize>,
}

impl Exceptions {
    /// Whether the rule does not hold for the file.
    pub(super) fn allow(&mut self, rule: &Rule, file: &File) -> bool {
        let found =
            EXCEPTIONS.iter().position(|one| one.rule == rule.name && one.path == file.path);
        self.used.extend(found);
        found.is_some()
    }

    /// The entries that no file needs.
    pub(super) fn unused(&self) -> impl Iterator<Item = Finding> {
        let unused = EXCEPTIONS.iter().enumerate().filter(|(index, _)| !self.used.contains(index));
        unused.map(|(_, one)| {
            let advice = format!("needs no exception to {:?} any more: take it out", one.rule);
            Finding::new(one.path, 1, &advice)
        })
    }
}
