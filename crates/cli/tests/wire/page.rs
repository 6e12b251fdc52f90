//! Renders `docs/wire.md`.
//!
//! What the pinned engines do is the same on every machine. The distribution's engine is that of
//! the machine that made the page: its section is compared on that distribution only, and stays as
//! it is elsewhere. What the test holds that engine to besides, it holds it to everywhere.

use std::fmt::Write as _;
use std::iter;

use pgkeep_probe::{Cipher, TlsVersion};

use super::seen::{Engine, Key, Seen, Suites};

const INTRODUCTION: &str = "\
# TLS by major version, as seen on the wire

What each PostgreSQL that pgkeep runs really accepts: protocol versions and cipher suites, with the
defaults that lead to them. A test writes this page, and fails where it differs from what it sees.

The test starts an instance of each major version. `rds.force_ssl` and `ssl_ciphers` must be the
same in the RDS User Guide, in the default parameter group, among the family's defaults and on the
running server. Then every cipher suite there is is offered with one version of TLS; the one that
the server chooses is taken out and the rest offered again, until the server refuses. That is done
with an RSA key (`rds-ca-rsa2048-g1`, the default) and with an ECDSA key (`rds-ca-ecc384-g1`). For
10, 18 and the distribution's engine the openssl command, which completes a handshake with one suite
after the other, must find the same. To write the page anew:

```sh
PGKEEP_UPDATE=1 cargo xtask test --test e2e_wire_table
```

";

const SUMMARY: &str = "\
## By default

Numbers are those of cipher suites with an RSA key / with an ECDSA key; – is a refused version, with
the alert `protocol_version`. The last column is psql with `verify-full` and TLS 1.1 only, and the
suites that it got with the two keys. Up to 11 PostgreSQL has no setting for the protocol version.
From 12 on psql must be refused by default, and gets its session with a parameter group in which
`ssl_min_protocol_version` is `TLSv1.1`.

";

const OPENED: &str = "\
## With the group that opens TLS 1.1

";

const SUITES: &str = "\
## Cipher suites

Each list is in the order in which the servers chose.

";

const SYSTEM: &str = "## The distribution's engine: ";

/// The whole page; with the section of another distribution as `checked_in` has it.
pub(crate) fn render(
    pinned: &[Seen],
    system: &Seen,
    distribution: &str,
    checked_in: &str,
) -> String {
    let lists = collect(pinned);
    let mut page = format!("{INTRODUCTION}{SUMMARY}{}\n", summary(pinned));
    let _ = write!(page, "{OPENED}{}\n{SUITES}", opened(pinned));
    for (index, list) in lists.iter().enumerate() {
        page += &list.render(index);
    }
    let own = section(system, &lists, distribution);
    let old = checked_in.find(SYSTEM).map_or("", |start| &checked_in[start..]);
    let is_same_distribution = old.lines().next() == own.lines().next();
    page + if is_same_distribution || old.is_empty() { &own } else { old }
}

/// Lists that a pinned engine has too are not repeated.
fn section(system: &Seen, known: &[List<'_>], distribution: &str) -> String {
    let seen = std::slice::from_ref(system);
    let mut text = format!("{SYSTEM}{distribution}\n\n{}\n{}\n", summary(seen), opened(seen));
    let mut own = Vec::new();
    for list in collect(seen) {
        let place = known.iter().position(|it| it.suites == list.suites);
        let place = place.unwrap_or_else(|| known.len() + own.len());
        for (what, _) in &list.uses {
            let _ = writeln!(text, "- {what}: list {}", place + 1);
        }
        if place >= known.len() {
            own.push(list);
        }
    }
    for (index, list) in own.iter().enumerate() {
        let _ = write!(text, "\n{}", list.render(known.len() + index));
    }
    text.trim_end().to_owned() + "\n"
}

fn summary(seen: &[Seen]) -> String {
    let mut table = "| Major | Release | OpenSSL | `rds.force_ssl` | `ssl_ciphers` | TLS 1.0 | \
                     TLS 1.1 | TLS 1.2 | TLS 1.3 | TLS 1.1 for psql |\n\
                     |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for one in seen {
        let [rsa, ecdsa] = &one.sessions;
        let how = if one.opened.is_some() { "by group" } else { "by default" };
        let major = one.engine.major();
        let (release, openssl) = match one.engine {
            Engine::Pinned(_) => (&*one.release, &*one.openssl),
            // Updated in place: only the lines stay.
            Engine::System(_) => ("–", one.openssl.rsplit_once('.').unwrap_or_default().0),
        };
        let (force_ssl, ciphers, counts) = (&one.force_ssl, &one.ciphers, counts(&one.by_default));
        let _ = writeln!(
            table,
            "| {major} | {release} | {openssl} | {force_ssl} | `{ciphers}` | {counts} | \
             {how}: `{rsa}`, `{ecdsa}` |",
        );
    }
    table
}

/// Majors with the same row share it.
fn opened(seen: &[Seen]) -> String {
    let rows = seen.iter().filter_map(|one| {
        let opened = one.opened.as_ref()?;
        Some((one.engine.major(), format!("`{}` | {}", opened.ciphers, counts(&opened.suites))))
    });
    let rows: Vec<_> = rows.collect();
    let mut table = "| Major | `ssl_ciphers` | TLS 1.0 | TLS 1.1 | TLS 1.2 | TLS 1.3 |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    for same in rows.chunk_by(|one, next| one.1 == next.1) {
        let majors: Vec<_> = same.iter().map(|(major, _)| *major).collect();
        let _ = writeln!(table, "| {} | {} |", ranges(&majors), same[0].1);
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

/// A list of suites, and where it was seen: what, and the majors.
struct List<'a> {
    suites: &'a [Cipher],
    uses: Vec<(String, Vec<u16>)>,
}

impl List<'_> {
    fn render(&self, index: usize) -> String {
        let mut text = format!("### List {}: {} suites\n\n", index + 1, self.suites.len());
        for (what, majors) in &self.uses {
            let _ = writeln!(text, "- {what}: {}", ranges(majors));
        }
        text += "\n| | Code | IANA | OpenSSL |\n|---|---|---|---|\n";
        for (index, Cipher { code, iana, openssl, .. }) in self.suites.iter().enumerate() {
            let _ = writeln!(text, "| {} | {code:04X} | `{iana}` | `{openssl}` |", index + 1);
        }
        text + "\n"
    }
}

/// Each different list once, those of the newest version first.
fn collect(seen: &[Seen]) -> Vec<List<'_>> {
    let mut lists: Vec<List<'_>> = Vec::new();
    for (place, version) in TlsVersion::ALL.into_iter().enumerate().rev() {
        for (at, key) in Key::BOTH.into_iter().enumerate() {
            for one in seen {
                let opened = one.opened.iter().map(|it| (&it.suites, ", with the group"));
                for (suites, how) in iter::once((&one.by_default, "")).chain(opened) {
                    let what = format!("{}, {} key{how}", title(version), key.name());
                    note(&mut lists, &suites[at][place], what, one.engine.major());
                }
            }
        }
    }
    lists
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

fn title(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls10 => "TLS 1.0",
        TlsVersion::Tls11 => "TLS 1.1",
        TlsVersion::Tls12 => "TLS 1.2",
        TlsVersion::Tls13 => "TLS 1.3",
    }
}

/// `10, 12–18`.
fn ranges(majors: &[u16]) -> String {
    let runs = majors.chunk_by(|one, next| one + 1 == *next);
    let run = |run: &[u16]| match run {
        [first, .., last] => format!("{first}–{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(", ")
}

#[test]
fn runs_are_drawn_together() {
    assert_eq!(ranges(&[10, 12, 13, 14, 18]), "10, 12–14, 18");
}
