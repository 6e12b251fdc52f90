//! `pgkeep probe` as people run it, and its reports as JSON, each held against the schema of the
//! documentation by a validator that is not pgkeep's.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod relay;
pub(crate) mod scanners;

use std::fmt;
use std::process::Command;

use pgkeep_testkit::{ControlPlane, Instance, Outcome, page_path, program, run};
use serde_json::Value;

/// The command, which nothing of this machine's own settings reaches.
pub(crate) fn probe(arguments: &[&str]) -> Command {
    let mut command = Command::new(ControlPlane::built());
    command.arg("probe").args(arguments).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", "/absent");
    command
}

/// An instance as a connection string.
pub(crate) fn target(instance: &Instance) -> String {
    let address = instance.address.expect("the endpoint's name is in the hosts file");
    format!("host={} hostaddr={address} port={}", instance.endpoint, instance.port)
}

/// What `--json` printed of one target.
#[derive(Clone)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    /// Of a run that must succeed; `arguments` come before `--json`.
    #[track_caller]
    pub(crate) fn of(arguments: &[&str]) -> Self {
        Self::read(run(probe(arguments).arg("--json"), ""))
    }

    /// What a run that must succeed has printed.
    #[track_caller]
    pub(crate) fn read(outcome: Outcome) -> Self {
        Self(serde_json::from_str(&outcome.success()).unwrap())
    }

    pub(crate) fn fact(&self, name: &str) -> &Value {
        let fact = self.0["facts"].get(name);
        fact.unwrap_or_else(|| panic!("a report has no fact {name}"))
    }

    pub(crate) fn connections(&self) -> u64 {
        self.0["connections"].as_u64().unwrap()
    }

    /// The ids of its findings, sorted.
    pub(crate) fn findings(&self) -> Vec<&str> {
        let findings = self.0["findings"].as_array().unwrap().iter();
        let mut ids: Vec<_> = findings.map(|it| it["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids
    }

    /// The versions that the server speaks, the oldest first.
    pub(crate) fn versions(&self) -> Vec<&str> {
        let versions = self.fact("versions").as_array().unwrap().iter();
        let accepted = versions.filter(|it| it["accepted"] == true);
        accepted.map(|it| it["version"].as_str().unwrap()).collect()
    }

    /// The suites of a version; none if it is not spoken.
    pub(crate) fn suites(&self, version: &str) -> Vec<&str> {
        let versions = self.fact("versions").as_array().unwrap();
        let found = versions.iter().find(|it| it["version"] == version);
        texts(&found.expect("every version is asked for")["suites"])
    }

    pub(crate) fn certificates(&self) -> &Vec<Value> {
        self.0["chain"]["certificates"].as_array().unwrap()
    }

    /// The fingerprints of the certificates, the server's own first.
    pub(crate) fn fingerprints(&self) -> Vec<&str> {
        let each = self.certificates().iter();
        each.map(|it| it["fingerprint_sha256"].as_str().unwrap()).collect()
    }

    /// What is foretold of a client with a word of `sslmode`; `root` is `given` or `absent`.
    pub(crate) fn outcome(&self, client: &str, sslmode: &str, root: &str) -> &str {
        let found = self
            .predictions()
            .find(|it| it["client"] == client && it["sslmode"] == sslmode && it["root"] == root);
        let found = found.unwrap_or_else(|| panic!("nothing on {client} {sslmode} {root}"));
        found["outcome"].as_str().unwrap()
    }

    pub(crate) fn predictions(&self) -> impl Iterator<Item = &Value> {
        self.0["predictions"].as_array().unwrap().iter()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value::Object(mut report) = self.0.clone() else { return write!(f, "{}", self.0) };
        report.remove("predictions");
        write!(f, "{:#}", Value::Object(report))
    }
}

/// A list of words.
pub(crate) fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

/// Holds reports against `docs/probe.schema.json`, and that the validator would say what is wrong.
#[track_caller]
pub(crate) fn assert_valid<'a>(reports: impl IntoIterator<Item = &'a Report>) {
    let mut documents: Vec<_> = reports.into_iter().map(|report| report.0.clone()).collect();
    let mut wrong = documents.first().expect("a report").clone();
    wrong.as_object_mut().unwrap().remove("verdict");
    wrong["facts"]["versions"][0]["complete"] = "yes".into();
    let place = documents.len();
    documents.push(wrong);
    let mut python = program("PGKEEP_PYTHON", "python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/json_schema.py"));
    python.arg(page_path("probe.schema.json"));
    let mut said: Vec<_> = run(&mut python, &Value::Array(documents).to_string())
        .success()
        .lines()
        .map(str::to_owned)
        .collect();
    said.sort();
    let expected = [
        format!("{place}: $.facts.versions[0].complete: 'yes' is not of type 'boolean'"),
        format!("{place}: $: 'verdict' is a required property"),
    ];
    assert_eq!(said, expected);
}
