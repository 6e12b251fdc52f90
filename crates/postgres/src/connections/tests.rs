//! The logs beside this file were written by real servers, whose clients were `psql` with and
//! without TLS, a role with a prefix in its name, one with a line break, and one that was not let
//! in and whose names forge a line.

use std::fs;

use pgkeep_model::DbiResourceId;
use proptest::prelude::*;

use super::*;
use crate::layout::Layout;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 12:00 UTC);
const LOGS: [(u16, &[u8]); 4] = [
    (10, include_bytes!("log10.txt")),
    (13, include_bytes!("log13.txt")),
    (16, include_bytes!("log16.txt")),
    (18, include_bytes!("log18.txt")),
];

fn all(log: &[u8]) -> Sightings {
    let mut seen = Sightings::default();
    scan(log, true, true, &mut seen);
    seen
}

/// `user@database application address tls connections`, a line each.
fn lines(seen: &Sightings) -> Vec<String> {
    let line = |(client, tls, tally): (&Client, bool, Tally)| {
        let Client { user, database, application, address } = client;
        format!("{user}@{database} [{application}] {address} {tls} {}", tally.connections)
    };
    seen.iter().map(line).collect()
}

#[test]
fn the_lines_of_real_servers() {
    for (major, log) in LOGS {
        // 10 logs no application; up to 13 what is not ASCII becomes question marks.
        let expected: &[&str] = match major {
            10 => &[
                "app@app db [] 127.0.0.1 true 1",
                "app@postgres [] 127.0.0.1 false 3",
                "odd@na]:[1]:LOG:  me@postgres [] 127.0.0.1 false 1",
            ],
            _ => &[
                "app@app db [my app] 127.0.0.1 true 1",
                "app@postgres [] 127.0.0.1 false 1",
                if major < 16 {
                    "app@postgres [?? x] 127.0.0.1 false 1"
                } else {
                    "app@postgres [\\xc3\\xa9 x] 127.0.0.1 false 1"
                },
                "app@postgres [psql] 127.0.0.1 false 1",
                "odd@na]:[1]:LOG:  me@postgres [psql] 127.0.0.1 false 1",
            ],
        };
        assert_eq!(lines(&all(log)), expected, "{major}");
    }
    let first = |log| all(log).iter().map(|(_, _, tally)| tally.first_seen).min();
    assert_eq!(first(LOGS[0].1), Some(time::macros::datetime!(2026-11-24 07:57:14 UTC)));
}

#[test]
fn forms_that_are_rarer() {
    let line = |entry: &str| lines(&all(format!("2026-11-24 12:00:00 UTC:{entry}\n").as_bytes()));
    let authorized = "connection authorized: user=u database=d";
    for (entry, expected) in [
        (format!("fe80::1%eth0(5):u@d:[1]:LOG:  {authorized}"), "u@d [] fe80::1%eth0 false 1"),
        (format!("a.example(5):u@d:[1]:LOG:  {authorized}"), "u@d [] a.example false 1"),
        (
            "::1(5):u@d:[1]:LOG:  replication connection authorized: user=u application_name=a b"
                .to_owned(),
            "u@d [a b] ::1 false 1",
        ),
        (
            format!("::1(5):u@d:[1]:LOG:  {authorized} GSS (authenticated=yes, encrypted=no)"),
            "u@d [] ::1 false 1",
        ),
        (
            format!("::1(5):u@d:[1]:LOG:  {authorized} application_name= SSL enabled (protocol=x)"),
            "u@d [] ::1 true 1",
        ),
    ] {
        assert_eq!(line(&entry), [expected], "{entry}");
    }
    for entry in [
        format!("[local]:rdsadmin@d:[1]:LOG:  {authorized}"),
        "::1(5):rdsadmin@d:[1]:LOG:  connection authorized: user=rdsadmin database=d".to_owned(),
        format!("::1(5):u@e:[1]:LOG:  {authorized}"),
        format!("::1(5):v@d:[1]:LOG:  {authorized}"),
        format!("::1(5):u@d:[1]:LOG:  {authorized} more"),
        format!("::1(5):u@d:[]:LOG:  {authorized}"),
        format!("::1(5):u@d:[1]:ERROR:  {authorized}"),
        format!("::1():u@d:[1]:LOG:  {authorized}"),
        "::1(5):@:[1]:LOG:  connection authorized: user= database=".to_owned(),
    ] {
        assert_eq!(line(&entry), [""; 0], "{entry}");
    }
}

/// What a client can put into the prefix that it breaks, with pieces of what it would forge.
fn hostile_name() -> impl Strategy<Value = String> {
    let pieces = [
        "\n",
        "\n\t",
        "v",
        "d",
        "@",
        "v@d",
        ":[1]:LOG:  ",
        "2026-11-24 03:00:00 UTC:",
        "1(1):",
        "connection authorized: user=v",
        " database=d",
        " application_name=",
        "\n2026-11-24 ",
        "\n2026-11-24 03:00:00 UTC:1(1):v",
        "d:[1]:LOG:  connection authorized: user=v database=d",
        "replication ",
        " SSL enabled (",
        ")",
        ":[2]:FATAL:  ",
        "a@",
        "b",
        "v@a@b:[1]:LOG:  connection authorized: user=v database=a",
        "b\n2026-11-24 03:00:00 UTC:1(1):u@d",
    ];
    let name = prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..6);
    name.prop_map(|pieces| {
        let mut name = pieces.concat();
        name.truncate(63);
        name
    })
}

fn log_of(entries: &[(String, String)]) -> String {
    let (begin, real) = ("2026-11-24 12:00:00 UTC:10.0.0.1(7):", "real@db");
    let entry = |(user, database): &(String, String)| {
        let shown = user.replace('\n', "\n\t");
        let refused = format!("{begin}{user}@{database}:[2]:FATAL:  no role \"{shown}\"\n");
        let detail = format!("{begin}{user}@{database}:[2]:DETAIL:  no role \"{shown}\"\n");
        let authorized = "connection authorized: user=real database=db";
        format!("{refused}{detail}{begin}{real}:[3]:LOG:  {authorized}\n")
    };
    entries.iter().map(entry).collect()
}

#[test]
fn a_name_with_an_at_can_be_forged_from_the_own_address() {
    let user = "v@a@b:[1]:LOG:  connection authorized: user=v database=a".to_owned();
    let forged = log_of(&[(user, "b\n2026-11-24 03:00:00 UTC:".to_owned())]);
    let found = lines(&all(forged.as_bytes()));
    assert_eq!(found, ["real@db [] 10.0.0.1 false 1", "v@a@b [] 10.0.0.1 false 2"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nobody_forges_the_connection_of_another(
        entries in prop::collection::vec((hostile_name(), hostile_name()), 1..4),
    ) {
        let mut found = lines(&all(log_of(&entries).as_bytes()));
        // The one case that is left: a name with an @, from the client's own address.
        found.retain(|line| !(line.matches('@').count() > 1 && line.contains(" 10.0.0.1 ")));
        prop_assert_eq!(found, [format!("real@db [] 10.0.0.1 false {}", entries.len())]);
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_split(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        names in (hostile_name(), hostile_name()),
        log in 0..LOGS.len(),
        at in any::<prop::sample::Index>(),
    ) {
        let forged = log_of(&[names]);
        let log = [LOGS[log].1, forged.as_bytes(), &noise, b"\n", LOGS[log].1].concat();
        let at = at.index(log.len());
        let mut seen = Sightings::default();
        let done = scan(&log[..at], true, false, &mut seen);
        prop_assert!(done <= at);
        scan(&log[done..], done == 0 || log[done - 1] == b'\n', true, &mut seen);
        prop_assert_eq!(seen, all(&log));
    }
}

/// The folder of an instance, and a log file of it by its hour.
fn folder() -> (tempfile::TempDir, InstanceFiles) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::ensure(folder.path()).unwrap();
    let files = layout.instance(&DbiResourceId::from_random([1; 17]));
    fs::create_dir_all(files.log().join("error")).unwrap();
    (folder, files)
}

fn path(files: &InstanceFiles, hour: &str) -> std::path::PathBuf {
    files.log().join("error").join(format!("postgresql.log.2026-11-24-{hour}"))
}

fn entry(user: &str) -> String {
    let prefix = format!("2026-11-24 12:00:00 UTC:::1(5):{user}@d:[1]:LOG:  ");
    format!("{prefix}connection authorized: user={user} database=d\n")
}

/// Reads on to the end: the users that were seen, and whether something was lost.
fn read_on(files: &InstanceFiles, at: &mut Option<ReadTo>, to_the_end: bool) -> (String, bool) {
    let (mut seen, mut lost) = (Sightings::default(), false);
    loop {
        let reading = read_connections(files, at.as_ref(), to_the_end, NOW).unwrap();
        seen.extend(reading.seen);
        lost |= reading.lost;
        *at = reading.read_to.or(at.take());
        if !reading.more {
            let users =
                seen.iter().map(|(it, _, tally)| format!("{}{}", it.user, tally.connections));
            return (users.collect::<Vec<_>>().join(" "), lost);
        }
    }
}

#[test]
fn reading_goes_on_where_it_ended_over_rotated_cut_and_vanished_files() {
    let (_folder, files) = folder();
    let mut at = None;
    assert_eq!(read_on(&files, &mut at, false), (String::new(), false));
    fs::write(files.startup_log(), entry("startup")).unwrap();
    fs::write(path(&files, "01"), entry("a") + &entry("b")).unwrap();
    // The last line waits for what follows it, unless it is to be counted all the same.
    assert_eq!(read_on(&files, &mut at.clone(), true), ("a1 b1".to_owned(), false));
    assert_eq!(read_on(&files, &mut at, false), ("a1".to_owned(), false));
    let before = log_mark(&files, at.as_ref());
    assert_eq!(log_mark(&files, at.as_ref()), before);
    assert_eq!(read_on(&files, &mut at, false), (String::new(), false));

    fs::write(path(&files, "01"), entry("a") + &entry("b") + &entry("c") + "2026-").unwrap();
    assert_ne!(log_mark(&files, at.as_ref()), before);
    assert_eq!(read_on(&files, &mut at, false), ("b1".to_owned(), false));
    fs::write(path(&files, "02"), entry("d")).unwrap();
    fs::write(path(&files, "03"), entry("e") + &entry("f") + &entry("g")).unwrap();
    // A file that a newer one follows has its end: c is followed by half a line only.
    assert_eq!(read_on(&files, &mut at, false), ("d1 e1 f1".to_owned(), false));

    fs::write(path(&files, "03"), entry("h")).unwrap();
    assert_eq!(read_on(&files, &mut at, true), ("h1".to_owned(), true));
    fs::remove_file(path(&files, "03")).unwrap();
    assert_eq!(read_on(&files, &mut at, true), (String::new(), true));
    fs::write(path(&files, "04"), entry("i")).unwrap();
    assert_eq!(read_on(&files, &mut at, true), ("i1".to_owned(), true));
    assert_eq!(read_on(&files, &mut at, true), (String::new(), false));
}

#[test]
fn a_line_of_any_length_is_passed_over_whole() {
    let (_folder, files) = folder();
    let statement = "2026-11-24 12:00:00 UTC:::1(5):u@d:[1]:LOG:  statement: ";
    let text = "x".repeat(PORTION - 1) + &entry("forged").replace('\n', "y");
    let long = statement.to_owned() + &text + &"y".repeat(2 * PORTION) + "\n";
    fs::write(path(&files, "01"), entry("a") + &long + &entry("b") + &entry("c")).unwrap();
    assert_eq!(read_on(&files, &mut None, true), ("a1 b1 c1".to_owned(), false));
    let at_the_border = "x".repeat(PORTION) + entry("forged").trim_end() + "\n" + &entry("b");
    fs::write(path(&files, "01"), at_the_border).unwrap();
    assert_eq!(read_on(&files, &mut None, true), ("b1".to_owned(), false));
}
