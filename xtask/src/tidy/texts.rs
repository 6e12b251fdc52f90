//! Rules on what stands in a file: what must not be said, and what only one crate may do.
//!
//! Which crate may use which other is not read from the text: see [`edges`](super::edges).

use super::source::{File, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "unfinished",
        advice: "finish it, or take it out and file an issue",
        find: unfinished,
    },
    Rule {
        name: "registry",
        advice: "names a registry's host: use the machine's own configuration, or a setting",
        find: registry_hosts,
    },
    Rule {
        name: "machine",
        advice: "a path of one developer's machine: take it from a setting or an argument",
        find: machine_paths,
    },
    Rule {
        name: "processes",
        advice: "only crates/postgres starts processes: add what is needed to its interface",
        find: processes,
    },
    Rule {
        name: "pure",
        advice: "model and query do no I/O: take the value as a parameter",
        find: impure,
    },
    Rule {
        name: "server-files",
        advice: "the server touches no files: ask pgkeep_workflow::Control",
        find: server_files,
    },
];

fn unfinished(file: &File) -> Vec<usize> {
    const MARKS: &[&str] = &["TODO", "FIXME", "todo!", "unimplemented!", "dbg!"];
    let lines = file.lines().filter(|(_, line)| MARKS.iter().any(|mark| line.contains(mark)));
    if file.is_rust() { numbers(lines) } else { Vec::new() }
}

fn registry_hosts(file: &File) -> Vec<usize> {
    numbers(file.lines().filter(|(_, line)| hosts(line).any(is_registry)))
}

/// The hosts of the addresses in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    let addresses =
        ["http://", "https://"].into_iter().flat_map(|scheme| line.split(scheme).skip(1));
    addresses.map(|address| {
        let end = address.find(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c));
        &address[..end.unwrap_or(address.len())]
    })
}

fn is_registry(host: &str) -> bool {
    const WORDS: &[&str] = &["registry", "index", "pypi", "crates", "npmjs"];
    let host = host.to_ascii_lowercase();
    // RFC 6761: names that are never anybody's.
    let is_reserved = host.rsplit('.').next().is_some_and(|top| ["example", "test"].contains(&top));
    WORDS.iter().any(|word| host.contains(word)) && !is_reserved
}

fn machine_paths(file: &File) -> Vec<usize> {
    const FOLDERS: &[&str] = &["/work/", "/root/", "/home/"];
    let names_one = |line: &str| {
        FOLDERS.iter().any(|folder| {
            line.match_indices(folder).any(|(at, _)| {
                // `network/` and `a/work/` are other folders.
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_ascii_alphanumeric() || "._-}".contains(c))
            })
        })
    };
    numbers(file.lines().filter(|(_, line)| names_one(line)))
}

fn processes(file: &File) -> Vec<usize> {
    const STARTS: &[&str] = &["process::Command", "tokio::process", "CommandExt"];
    shipped(file, |path| !path.starts_with("crates/postgres/"), STARTS)
}

fn impure(file: &File) -> Vec<usize> {
    const WORLD: &[&str] =
        &["std::fs", "std::env", "std::process", "TcpStream", "UdpSocket", "tokio", "rand::"];
    let is_pure =
        |path: &str| ["crates/model/", "crates/query/"].iter().any(|c| path.starts_with(c));
    shipped(file, is_pure, WORLD)
}

fn server_files(file: &File) -> Vec<usize> {
    shipped(file, |path| path.starts_with("crates/server/"), &["std::fs", "tokio::fs", "std::path"])
}

/// The lines of shipped code below the paths that have one of the words.
fn shipped(file: &File, is_meant: impl Fn(&str) -> bool, words: &[&str]) -> Vec<usize> {
    if !file.is_rust() || !is_meant(&file.path) {
        return Vec::new();
    }
    let has_word = |line: &str| words.iter().any(|word| line.contains(word));
    numbers(file.shipped_lines().filter(|(_, line)| has_word(line)))
}

fn numbers<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<usize> {
    lines.map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_registry_is_found_by_its_host_only() {
        for (address, is_one) in [
            ("registry.invalid/pgkeep", true),
            ("Index.invalid:443", true),
            ("docs.invalid/crates", false),
            ("127.0.0.1:8080/registry", false),
            ("registry.example/", false),
        ] {
            for line in [format!("see http://{address}"), format!("<https://{address}>")] {
                assert_eq!(!registry_hosts(&rust("a.md", &line)).is_empty(), is_one, "{line}");
            }
        }
    }

    #[test]
    fn only_whole_folders_are_of_a_machine() {
        let folder = "work/";
        for (line, is_one) in [("\"/", true), ("a", false), ("x/", false), ("=/", true)] {
            let line = format!("{line}{folder}b");
            assert_eq!(!machine_paths(&rust("a.rs", &line)).is_empty(), is_one, "{line}");
        }
    }

    #[test]
    fn tests_may_start_processes() {
        let text = "a\nuse std::process::Command;\n#[cfg(test)]\nuse std::process::Command;\n";
        assert_eq!(processes(&rust("crates/cli/src/a.rs", text)), [2]);
        for path in ["crates/postgres/src/a.rs", "crates/cli/tests/a.rs", "crates/cli/src/tests.rs"]
        {
            assert!(processes(&rust(path, text)).is_empty(), "{path}");
        }
    }
}
