//! Renders `docs/wire.md`.
//!
//! What the pinned engines do is the same on every machine. The distribution's engine is that of
//! the machine that made the page: its section is compared on that distribution only, and stays as
//! it is elsewhere. What the test holds that engine to besides, it holds it to everywhere.

use std::fmt::Write as _;

use pgkeep_probe::{Cipher, TlsVersion};

use super::seen::{Engine, Key, Seen, Suites};

const INTRODUCTION: &str = "\
# TLS by major version, as seen on the wire

What each PostgreSQL that pgkeep runs really accepts: protocol versions and cipher suites, with the
defaults that lead to them. Nothing here is written by hand.

A test starts an instance of each major version, reads the two parameters from the API and from the
server, and then offers every cipher suite there is with each version of TLS, takes out the one that
the server chose, and offers the rest, until the server refuses. That is done with an RSA key
(`rds-ca-rsa2048-g1`, the default) and with an ECDSA key (`rds-ca-ecc384-g1`). For 10, 18 and the
distribution's engine the result was also compared with the handshakes that the `openssl` command
completes. The test fails where this page differs from what it sees. To write it anew:

```sh
PGKEEP_UPDATE=1 cargo xtask test --test e2e_wire_table
```

";

const SUMMARY: &str = "\
## By default

Numbers of cipher suites with an RSA key / with an ECDSA key; – is a refused version (the alert is
`protocol_version`). The last column is a session of psql with TLS 1.1 and `verify-full`: the suite
that it got with either key. Up to 11 PostgreSQL has no setting for the protocol version; from 12 on
the session needs a parameter group with `ssl_min_protocol_version` = `TLSv1.1`, and without one
psql was seen to be refused.

";

const GROUPED: &str = "\
## With a group that opens TLS 1.1

The same with `ssl_min_protocol_version` = `TLSv1.1`.

";

const SUITES: &str = "\
## Cipher suites

In the order in which the servers chose them.

";

const SYSTEM: &str = "## The distribution's engine: ";

/// The whole page; with the section of another distribution as `checked_in` has it.
pub(crate) fn render(
    pinned: &[Seen],
    system: &Seen,
    distribution: &str,
    checked_in: &str,
) -> String {
    let mut page = INTRODUCTION.to_owned() + SUMMARY;
    page += &summary(pinned);
    page += &("\n".to_owned() + GROUPED + &opened(pinned) + "\n" + SUITES);
    page += &lists(pinned, "###");
    let own = section(system, distribution);
    let (_, old) = checked_in.split_at(checked_in.find(SYSTEM).unwrap_or(checked_in.len()));
    let is_same_distribution = old.lines().next() == own.lines().next();
    page + if is_same_distribution || old.is_empty() { &own } else { old }
}

/// The lines that are only in one of two texts.
pub(crate) fn diff(old: &str, new: &str) -> String {
    let only = |mark: &str, of: &str, other: &str| {
        let lines = of.lines().filter(|line| other.lines().all(|it| it != *line));
        lines.fold(String::new(), |text, line| format!("{text}{mark}{line}\n"))
    };
    let advice = "PGKEEP_UPDATE=1 writes the page anew.";
    format!("{}{}{advice}", only("-", old, new), only("+", new, old))
}

fn section(system: &Seen, distribution: &str) -> String {
    let line = system.openssl.rsplit_once('.').map_or("", |(line, _)| line);
    let major = system.engine.major();
    let mut text = format!("{SYSTEM}{distribution}\n\nPostgreSQL {major} with OpenSSL {line}. ");
    text += "OpenSSL 3 makes no handshake below TLS 1.2 at its default security level, so that a \
             group which\nopens TLS 1.1 also sets `@SECLEVEL=0` in `ssl_ciphers`.\n\n";
    let seen = std::slice::from_ref(system);
    text += &summary(seen);
    text += &("\nWith the group:\n\n".to_owned() + &opened(seen) + "\n" + &lists(seen, "###"));
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn summary(seen: &[Seen]) -> String {
    let mut table = "| Major | Release | OpenSSL | `rds.force_ssl` | `ssl_ciphers` | TLS 1.0 | \
                     TLS 1.1 | TLS 1.2 | TLS 1.3 | TLS 1.1 by group |\n\
                     |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for one in seen {
        let [rsa, ecdsa] = &one.sessions;
        let how = if one.opened.is_some() { "by group" } else { "by default" };
        // The distribution updates its engine in place.
        let (release, openssl) = match one.engine {
            Engine::Pinned(_) => (&*one.release, &*one.openssl),
            Engine::System(_) => ("–", one.openssl.rsplit_once('.').unwrap_or_default().0),
        };
        let _ = writeln!(
            table,
            "| {} | {release} | {openssl} | {} | `{}` | {} | {how}: `{rsa}`, `{ecdsa}` |",
            one.engine.major(),
            one.force_ssl,
            one.ciphers,
            counts(&one.by_default)
        );
    }
    table
}

fn opened(seen: &[Seen]) -> String {
    let mut table =
        "| Major | TLS 1.0 | TLS 1.1 | TLS 1.2 | TLS 1.3 |\n|---|---|---|---|---|\n".to_owned();
    for (one, opened) in seen.iter().filter_map(|one| Some((one, one.opened.as_ref()?))) {
        let _ = writeln!(table, "| {} | {} |", one.engine.major(), counts(opened));
    }
    table
}

/// Four cells.
fn counts([rsa, ecdsa]: &[Suites; 2]) -> String {
    let cell = |(rsa, ecdsa): (&Vec<Cipher>, &Vec<Cipher>)| match (rsa.len(), ecdsa.len()) {
        (0, 0) => "–".to_owned(),
        (rsa, ecdsa) => format!("{rsa} / {ecdsa}"),
    };
    rsa.iter().zip(ecdsa).map(cell).collect::<Vec<_>>().join(" | ")
}

/// A list of suites, and where it was seen: a line each with the majors.
struct List<'a> {
    suites: &'a [Cipher],
    uses: Vec<(String, Vec<u16>)>,
}

/// Each different list once.
fn lists(seen: &[Seen], heading: &str) -> String {
    let mut lists: Vec<List<'_>> = Vec::new();
    for (version, code) in TlsVersion::ALL.iter().rev().zip([3, 2, 1, 0]) {
        for (at, key) in Key::BOTH.iter().enumerate() {
            for one in seen {
                let major = one.engine.major();
                let opened = one.opened.iter().map(|it| (it, ", with the group"));
                for (suites, how) in [(&one.by_default, "")].into_iter().chain(opened) {
                    let what = format!("{version}, {} key{how}", key.name());
                    note(&mut lists, &suites[at][code], what, major);
                }
            }
        }
    }
    let mut text = String::new();
    for List { suites, uses } in lists {
        let _ = writeln!(text, "{heading} {}\n", title(suites, &uses));
        for (what, majors) in &uses {
            let _ = writeln!(text, "- {what}: {}", ranges(majors));
        }
        text += "\n| | Code | IANA | OpenSSL |\n|---|---|---|---|\n";
        for (number, suite) in suites.iter().enumerate() {
            let Cipher { code, iana, openssl, .. } = suite;
            let _ = writeln!(text, "| {} | {code:04X} | `{iana}` | `{openssl}` |", number + 1);
        }
        text.push('\n');
    }
    text
}

fn note<'a>(lists: &mut Vec<List<'a>>, suites: &'a [Cipher], what: String, major: u16) {
    if suites.is_empty() {
        return;
    }
    let place = lists.iter().position(|list| list.suites == suites);
    let place = place.unwrap_or_else(|| {
        lists.push(List { suites, uses: Vec::new() });
        lists.len() - 1
    });
    let uses = &mut lists[place].uses;
    match uses.iter_mut().find(|(known, _)| *known == what) {
        Some((_, majors)) => majors.push(major),
        None => uses.push((what, vec![major])),
    }
}

fn title(suites: &[Cipher], uses: &[(String, Vec<u16>)]) -> String {
    let what = uses[0].0.trim_end_matches(", with the group");
    format!("{what}, {}: {} suites", ranges(&uses[0].1), suites.len())
}

/// `10, 12–18`.
fn ranges(majors: &[u16]) -> String {
    let runs = majors.chunk_by(|a, b| a + 1 == *b);
    let run = |run: &[u16]| match run {
        [first, .., last] => format!("{first}–{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(", ")
}
