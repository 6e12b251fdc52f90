//! Packages, honest and hostile, and what becomes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::fixture::{Entry, tarball};
use super::*;

/// Unpacks entries, with a folder beside the target in which nothing may appear.
fn unpacked(entries: &[Entry<'_>]) -> (tempfile::TempDir, Result<(), EngineError>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("package.tgz"), tarball(entries)).unwrap();
    fs::create_dir(dir.path().join("tree")).unwrap();
    let result = unpack(&dir.path().join("package.tgz"), &dir.path().join("tree"));
    (dir, result)
}

/// Expects a refusal that leaves nothing outside the target.
fn refusal(entries: &[Entry<'_>]) -> String {
    let (dir, result) = unpacked(entries);
    let mut names: Vec<_> =
        dir.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["package.tgz", "tree"]);
    match result.unwrap_err() {
        EngineError::RefusedEntry { reason, .. } => reason.to_owned(),
        error => panic!("another error: {error:?}"),
    }
}

fn links(text: &str) -> Entry<'_> {
    Entry::file("package/native/pg-symlinks.json", text.as_bytes())
}

const OUT: &str = "its path may lead out of the package";
const LINK_OUT: &str = "the link may lead out of the package";

#[test]
fn an_engine_is_unpacked_with_plain_modes_and_its_links() {
    let (dir, result) = unpacked(&[
        Entry::file("package/package.json", b"{}"),
        Entry::folder("package/native/share"),
        Entry::file("package/native/bin/initdb", b"initdb").mode(0o600),
        Entry::file("package/native/bin/postgres", b"postgres").mode(0o6777),
        Entry::file("package/native/lib/libpq.so.5.16", b"libpq").mode(0o700),
        Entry::file("package/native/share/a.sql", b"sql").mode(0o666),
        links(
            r#"[{"source":"native/lib/libpq.so.5.16","target":"native/lib/libpq.so.5"},
                {"source":"native/share/a.sql","target":"native/lib/a.sql"}]"#,
        ),
    ]);
    result.unwrap();
    let tree = dir.path().join("tree");
    let mode = |path: &str| tree.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode("bin"), mode("share"), mode("bin/initdb")], [0o755; 3]);
    assert_eq!([mode("bin/postgres"), mode("lib/libpq.so.5.16")], [0o755; 2]);
    assert_eq!(mode("share/a.sql"), 0o644);
    let link = |path: &str| tree.join(path).read_link().unwrap();
    assert_eq!(link("lib/libpq.so.5"), Path::new("libpq.so.5.16"));
    assert_eq!(link("lib/a.sql"), Path::new("../share/a.sql"));
    assert_eq!(fs::read(tree.join("lib/a.sql")).unwrap(), b"sql");
    let mut names: Vec<_> = tree.read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bin", "lib", "share"]);
}

#[test]
fn paths_that_lead_out_are_refused() {
    for path in ["package/native/../../../x", "/x", "package/native/bin/../../../../x", "../x"] {
        assert_eq!(refusal(&[Entry::file(path, b"x")]), OUT, "{path}");
    }
}

#[test]
fn what_is_neither_file_nor_folder_is_refused() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo] {
        let entry = Entry::file("package/native/lib/x", b"").kind(kind);
        assert_eq!(refusal(&[entry]), "neither a file nor a folder", "{kind:?}");
    }
}

#[test]
fn an_entry_that_is_there_twice_is_refused() {
    let entry = || Entry::file("package/native/bin/postgres", b"x");
    assert_eq!(refusal(&[entry(), entry()]), "it is there twice");
}

#[test]
fn a_package_that_unpacks_to_too_much_is_refused_before_it_is_written() {
    let entry = Entry::file("package/native/lib/x", b"").claiming(TOTAL_MAX_BYTES + 1);
    assert_eq!(refusal(&[entry]), "the package unpacks to too much");
    let many: Vec<String> =
        (0..=ENTRIES_MAX).map(|number| format!("package/ignored/{number}")).collect();
    let many: Vec<Entry<'_>> = many.iter().map(|path| Entry::file(path, b"")).collect();
    assert_eq!(refusal(&many), "the package has too many entries");
}

#[test]
fn links_that_lead_out_are_refused() {
    let file = || Entry::file("package/native/lib/a", b"a");
    for (source, target) in [
        ("native/../../etc/passwd", "native/lib/b"),
        ("/etc/passwd", "native/lib/b"),
        ("native/lib/a", "native/../../b"),
        ("native/lib/a", "/tmp/b"),
        ("lib/a", "native/lib/b"),
        ("native/lib/a", "native"),
    ] {
        let list = format!(r#"[{{"source":"{source}","target":"{target}"}}]"#);
        assert_eq!(refusal(&[file(), links(&list)]), LINK_OUT, "{list}");
    }
}

#[test]
fn links_to_anything_but_a_file_are_refused() {
    let file = || Entry::file("package/native/lib/a", b"a");
    for list in [
        r#"[{"source":"native/lib","target":"native/lib2"}]"#,
        r#"[{"source":"native/lib/none","target":"native/lib/b"}]"#,
        r#"[{"source":"native/lib/a","target":"native/lib/b"},
            {"source":"native/lib/b","target":"native/lib/c"}]"#,
    ] {
        assert_eq!(refusal(&[file(), links(list)]), "the link leads to no file", "{list}");
    }
}

#[test]
fn a_link_never_replaces_a_file() {
    let list = r#"[{"source":"native/lib/a","target":"native/lib/b"}]"#;
    let (dir, result) = unpacked(&[
        Entry::file("package/native/lib/a", b"a"),
        Entry::file("package/native/lib/b", b"b"),
        links(list),
    ]);
    assert!(matches!(result, Err(EngineError::Io { action: "link", .. })));
    assert_eq!(fs::read(dir.path().join("tree/lib/b")).unwrap(), b"b");
}

#[test]
fn a_broken_archive_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let whole = tarball(&[Entry::file("package/native/lib/a", &vec![7; 100_000])]);
    for length in [0, 10, whole.len() / 2] {
        fs::write(dir.path().join("package.tgz"), &whole[..length]).unwrap();
        let target = dir.path().join(length.to_string());
        assert!(unpack(&dir.path().join("package.tgz"), &target).is_err(), "{length} bytes");
    }
}
