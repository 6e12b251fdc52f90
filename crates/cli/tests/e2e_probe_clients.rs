//! What `pgkeep probe` foretells of clients is what the real clients do: every word of `sslmode`
//! and none, with every kind of root and name, and with somebody on the way who strips TLS, at an
//! instance that refuses plaintext and at one that does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod conformance;
mod groups;
mod probing;

use std::collections::BTreeMap;

use pgkeep_testkit::{ControlPlane, Instance, MASTER_PASSWORD, MASTER_USERNAME, Options, run};

use conformance::cells::{Column, HOSTS, ROOTS, Row, STRIPPED, wrong_host};
use conformance::clients::{self, CLIENTS, Client};
use conformance::record::Answer;
use conformance::servers::{self, Servers};
use conformance::stripped::Stripped;
use probing::{Report, assert_valid, probe};

/// What drivers read as no word: they do as they do by themselves.
const NO_WORD: &str = "-";

/// With the system's roots, whatever roots are given beside them.
const SYSTEM: &str = "verify-full&sslrootcert=system";

#[test]
fn clients_do_what_is_foretold() {
    let absent = ("PGKEEP_SYSTEM_ENGINES".to_owned(), "/absent".to_owned());
    let options = Options { environment: vec![absent], pool: 0, ..Options::default() };
    let plane = ControlPlane::start_with(options);
    let columns = [
        Column { major: 18, authority: 0, force_ssl: "1" },
        Column { major: 14, authority: 2, force_ssl: "0" },
    ];
    let servers = servers::start(&plane, &columns);
    let reports = ask_all(&servers);
    let foretold = reports.values().next().unwrap();
    let seen = clients::ask_all(&servers, |client| rows(client, foretold));
    servers::delete(&plane, &servers);
    plane.assert_clean();

    let (mut held, mut wrong) = (0, Vec::new());
    for (row, answers) in seen.clients.iter().flat_map(|client| &client.rows) {
        for (at, answer) in answers.iter().enumerate() {
            // Without a root it does not matter which ones are given to the probe.
            let root = if row.root == "none" { "right" } else { &*row.root };
            let report = &reports[&(at, root.to_owned(), row.host.clone())];
            wrong.extend(check(report, row, answer, &servers.all[at]).err());
            held += 1;
        }
    }
    let words: usize = CLIENTS.iter().map(|client| rows(client, foretold).len()).sum();
    assert_eq!(held, words * columns.len(), "every cell has its answer");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_valid(reports.values());
}

/// The reports by the place of the server, the roots and the name; those of the row's words.
fn ask_all(servers: &Servers) -> BTreeMap<(usize, String, String), Report> {
    let mut reports = BTreeMap::new();
    for (at, (column, instance)) in servers.all.iter().enumerate() {
        let direct = ROOTS[..3].iter().flat_map(|root| HOSTS.map(|host| (*root, host)));
        for (root, host) in direct.chain([("right", STRIPPED)]) {
            let address = instance.address.unwrap();
            let target = match host {
                STRIPPED => {
                    let port = servers.stripped.port(at);
                    format!("host={} hostaddr=127.0.0.1 port={port}", Stripped::HOST)
                }
                "wrong" => {
                    let name = wrong_host(instance);
                    format!("host={name} hostaddr={address} port={}", instance.port)
                }
                _ => probing::target(instance),
            };
            let roots = servers.root(*column, root).expect("a file").display().to_string();
            let mut command = probe(&[&target, "--bundle", &roots, "--user", MASTER_USERNAME]);
            command.args(["--dbname", "postgres", "--json"]).env("PGPASSWORD", MASTER_PASSWORD);
            let report = Report::read(run(&mut command, ""));
            reports.insert((at, root.to_owned(), host.to_owned()), report);
        }
    }
    reports
}

/// Every cell that there is a prediction for, and the client's own default.
fn rows(client: &Client, foretold: &Report) -> Vec<Row> {
    let of = foretold.predictions().filter(|it| it["client"] == client.name);
    let mut words: Vec<_> = of.map(|it| it["sslmode"].as_str().unwrap()).collect();
    words.dedup();
    assert!(client.words.iter().all(|word| words.contains(word)), "{}: {words:?}", client.name);
    words.push(NO_WORD);
    let mut rows = Row::all(client.name, &words);
    rows.retain(|row| row.sslmode != SYSTEM || row.root == "none");
    rows
}

fn check(
    report: &Report,
    row: &Row,
    answer: &Answer,
    (column, instance): &(Column, Instance),
) -> Result<(), String> {
    let column = column.name();
    let root = if row.root == "none" { "absent" } else { "given" };
    let is_of = |it: &&serde_json::Value| {
        let is_word = match &*row.sslmode {
            NO_WORD => it["is_default"] == true,
            word => it["sslmode"] == word,
        };
        is_word && it["client"] == row.client && it["root"] == root
    };
    let foretold: Vec<_> = report.predictions().filter(is_of).collect();
    let [foretold] = &*foretold else { panic!("{row:?}: {foretold:?}") };
    let outcome = foretold["outcome"].as_str().unwrap();
    let expected = match answer {
        Answer::Plain => &["plaintext"][..],
        Answer::Tls => &["verified", "chain-verified", "unverified"],
        Answer::No(_) => &["refused"],
    };
    if !expected.contains(&outcome) {
        return Err(format!("{row:?} at {column}: {answer:?}, not {foretold}"));
    }
    // A part of the client's own words, with names as the answers have them.
    let why = foretold["why"].as_str().unwrap_or_default();
    let names = [(wrong_host(instance), "WRONG-HOST"), (instance.endpoint.clone(), "HOST")];
    let names = names.iter().map(|(name, word)| (&**name, *word));
    let why = names
        .chain([(Stripped::HOST, "STRIPPED")])
        .fold(why.to_owned(), |why, (name, word)| why.replace(name, word));
    match answer {
        Answer::No(words) if !words.to_lowercase().contains(&why.to_lowercase()) => {
            Err(format!("{row:?} at {column}: it says {words}, not {why}"))
        }
        _ => Ok(()),
    }
}
