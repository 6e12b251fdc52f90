//! Rules on the form of a file: its length, its lines, how it begins.

use super::source::{File, Finding, Rule};

const MAX_LINES: usize = 400;
const MAX_COLUMNS: usize = 100;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "length",
        advice: "over 400 lines: find the second topic and give it a file of its own",
        find: too_long,
    },
    Rule { name: "columns", advice: "over 100 columns: break the line", find: too_wide },
    Rule {
        name: "opening",
        advice: "begin with `//!`: the problem, the invariant, what deliberately is not here",
        find: without_opening,
    },
];

/// The licence of the project, and the notice that the one of its model asks for.
pub(super) fn legal_files(files: &[File]) -> Vec<Finding> {
    let missing = |name: &&&str| !files.iter().any(|file| file.path == **name);
    ["LICENSE", "NOTICE"]
        .iter()
        .filter(missing)
        .map(|name| Finding::new(name, 1, "missing: the licences of the project ask for it"))
        .collect()
}

fn too_long(file: &File) -> Vec<usize> {
    let lines = file.text.lines().count();
    let is_too_long = file.is_rust() && !file.is_generated() && lines > MAX_LINES;
    if is_too_long { vec![lines] } else { Vec::new() }
}

fn too_wide(file: &File) -> Vec<usize> {
    if !file.is_rust() || file.is_generated() {
        return Vec::new();
    }
    let wide = file.lines().filter(|(_, line)| line.chars().count() > MAX_COLUMNS);
    wide.map(|(number, _)| number).collect()
}

fn without_opening(file: &File) -> Vec<usize> {
    let is_opened = !file.is_rust() || file.text.starts_with("//! ");
    if is_opened { Vec::new() } else { vec![1] }
}
