//! Files that a test writes and then holds to.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Fails unless a checked-in file is what a test has rendered; `PGKEEP_UPDATE=1` writes it anew.
#[track_caller]
pub fn assert_golden(path: &Path, rendered: &str) {
    let checked_in = fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PGKEEP_UPDATE").is_some() {
        fs::write(path, rendered).expect("the file can be written");
    } else if rendered != checked_in {
        let name = path.file_name().unwrap_or_default().display();
        panic!("{name} is not what the test sees:\n{}", diff(&checked_in, rendered));
    }
}

/// The lines from the first to the last difference, those of the old text first.
fn diff(old: &str, new: &str) -> String {
    let (mut old, mut new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    while old.last() == new.last() && old.pop().is_some() {
        new.pop();
    }
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let mut text = format!("from line {} on\n", same + 1);
    for (mark, lines) in [("-", &old), ("+", &new)] {
        for line in lines.iter().skip(same) {
            let _ = writeln!(text, "{mark}{line}");
        }
    }
    text + "PGKEEP_UPDATE=1 writes it anew."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_by_its_lines() {
        let shown = diff("a\nb\nc\nd\n", "a\nB\nd\n");
        assert!(shown.starts_with("from line 2 on\n-b\n-c\n+B\nPGKEEP"), "{shown}");
        assert!(diff("a\na\n", "a\n").starts_with("from line 1 on\n-a\nPGKEEP"));
        assert!(diff("", "a\n").starts_with("from line 1 on\n+a\nPGKEEP"));
    }
}
