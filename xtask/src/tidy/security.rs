//! Each test that SECURITY.md names for what it promises is there.

use super::source::{File, Finding};

const PAGE: &str = "SECURITY.md";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return vec![Finding::new(PAGE, 1, "missing: it says who can do what")];
    };
    let is_there = |name: &str| {
        let function = format!("fn {name}(");
        let has_it = |file: &File| file.is_rust() && file.text.contains(&function);
        files.iter().any(|file| file.path.ends_with(&format!("/{name}")) || has_it(file))
    };
    let promises = page.lines().take_while(|(_, line)| *line != "## Bounds");
    let mut findings = Vec::new();
    for (number, line) in promises.filter(|(_, line)| line.starts_with("| ")) {
        let tests = line.trim_end_matches(" |").rsplit_once(" | ").map_or("", |(_, tests)| tests);
        for name in tests.split('`').skip(1).step_by(2).filter(|name| !is_there(name)) {
            let advice = format!("there is no test `{name}`: name the one that holds this");
            findings.push(Finding::new(PAGE, number, &advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_test_is_named() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let page =
            "| cannot `a` | `held`, `b.trycmd` |\n| not | `gone` |\n## Bounds\n| x | `y` |\n";
        let files = [file(PAGE, page), file("a/c.rs", "fn held() {}\n"), file("a/b.trycmd", "\n")];
        let findings: Vec<_> = check(&files).iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("SECURITY.md:2: there is no test `gone`"));
    }
}
