//! Each test that SECURITY.md names for what it promises is there.

use super::source::{File, Finding};

const PAGE: &str = "SECURITY.md";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return vec![Finding::new(PAGE, 1, "missing: it says who can do what")];
    };
    let is_there = |name: &str| {
        let is_transcript =
            |file: &File| name.ends_with(".trycmd") && file.path.ends_with(&format!("/{name}"));
        files.iter().any(|file| is_transcript(file) || has_test(file, name))
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

/// Whether a function of that name is one that a test runner calls: by an attribute, or by
/// `for_each_major!`. Others may have no caller any more.
fn has_test(file: &File, name: &str) -> bool {
    if !file.is_rust() {
        return false;
    }
    let lines: Vec<_> = file.text.lines().map(str::trim).collect();
    let heads = [format!("fn {name}("), format!("async fn {name}(")];
    let is_test = |number: usize| {
        let above = lines[..number].iter().rev();
        let mut attributes = above.take_while(|it| it.starts_with("#[") || it.starts_with("//"));
        attributes.any(|it| *it == "#[test]" || it.starts_with("#[tokio::test"))
    };
    let is_it = |line: &str| heads.iter().any(|head| line.starts_with(head));
    lines.contains(&&*format!("for_each_major!({name});"))
        || lines.iter().enumerate().any(|(number, line)| is_it(line) && is_test(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(rows: &str, test: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let page = format!("{rows}\n## Bounds\n| x | `y` |\n");
        let files = [file(PAGE, &page), file("a/c.rs", test), file("a/b.trycmd", "\n")];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_absent_test_is_named() {
        let rows = "| cannot `a` | `held`, `b.trycmd` |\n| not | `gone`, `c.rs` |";
        let findings = findings(rows, "#[test]\nfn held() {}\n");
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("SECURITY.md:2: there is no test `gone`"));
        assert!(findings[1].starts_with("SECURITY.md:2: there is no test `c.rs`"));
    }

    #[test]
    fn what_a_test_runner_calls_is_a_test() {
        for test in [
            "    #[test]\n    fn held(a in 0..1) {\n",
            "#[test]\n#[should_panic(expected = \"a\")]\nfn held() {\n",
            "#[tokio::test(flavor = \"multi_thread\")]\nasync fn held() {\n",
            "for_each_major!(held);\n\nfn held(major: u16) {\n",
        ] {
            assert_eq!(findings("| a | `held` |", test), [""; 0], "{test}");
        }
        for helper in [
            "fn held() {\n",
            "#[test]\nfn other() {}\n\nfn held() {\n",
            "#[test]\nfn held_not() {}\n",
            "#[track_caller]\nfn held() {\n",
        ] {
            assert_eq!(findings("| a | `held` |", helper).len(), 1, "{helper}");
        }
    }
}
