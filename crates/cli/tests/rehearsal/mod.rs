//! A control plane with an instance, a folder for temporary files of its own, and rehearsals there.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pgkeep_testkit::{ControlPlane, Outcome, processes_under, run};
use serde_json::Value;

/// Every scenario, in the order of the table.
pub(crate) const ALL: [&str; 11] = [
    "rotate-same-ca",
    "rotate-to-rsa4096",
    "rotate-to-ecc384",
    "next-root",
    "expired-certificate",
    "expired-root",
    "wrong-host",
    "force-ssl",
    "tls13-only",
    "tls12-only",
    "old-bundle",
];

/// Those where a client that verifies must fail.
pub(crate) const MUST_FAIL: [&str; 4] =
    ["expired-certificate", "expired-root", "wrong-host", "old-bundle"];

/// An instance `db`, and where its rehearsals are.
pub(crate) struct Place {
    pub(crate) plane: ControlPlane,
    temporary: PathBuf,
}

/// What a rehearsal printed.
pub(crate) struct Report {
    code: Option<i32>,
    pub(crate) json: Value,
}

impl Place {
    #[track_caller]
    pub(crate) fn new(version: &str) -> Self {
        let plane = ControlPlane::start();
        plane.create("db", version, &[]);
        plane.wait_available("db");
        // As root the rehearsal becomes another user, who must get in.
        let temporary = plane.desk().join("t");
        fs::create_dir(&temporary).unwrap();
        fs::set_permissions(plane.desk(), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&temporary, Permissions::from_mode(0o777)).unwrap();
        Self { plane, temporary }
    }

    /// `pgkeep rehearse` with these words before the instance, and a client to run.
    pub(crate) fn command(&self, words: &[&str], client: &Command) -> Command {
        let mut command = self.plane.command("rehearse");
        command.args(words).args(["db", "--"]).arg(client.get_program()).args(client.get_args());
        command.env("TMPDIR", &self.temporary).stdin(Stdio::null());
        let is_libpq = |name: &str| name.starts_with("PG") && !name.starts_with("PGKEEP");
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_libpq(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end, after which nothing may be left.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str], client: &Command) -> Outcome {
        let outcome = run(&mut self.command(words, client), "");
        self.assert_nothing_left();
        outcome
    }

    /// What it says in JSON.
    #[track_caller]
    pub(crate) fn report(&self, words: &[&str], client: &Command) -> Report {
        Report::of(&self.run(&[&["--json"], words].concat(), client))
    }

    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<_> = fs::read_dir(&self.temporary).unwrap().map(Result::unwrap).collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(processes_under(&self.temporary), [0_i32; 0]);
    }

    /// Ends the instance.
    #[track_caller]
    pub(crate) fn end(self) {
        self.plane.delete("db");
        self.plane.wait_deleted("db");
        self.plane.assert_clean();
    }
}

impl Report {
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let json = serde_json::from_str(&outcome.stdout);
        let json = json.unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
        Self { code: outcome.status.code(), json }
    }

    pub(crate) fn lines(&self) -> &[Value] {
        self.json["scenarios"].as_array().unwrap()
    }

    /// The scenarios with a value under a name.
    pub(crate) fn with(&self, name: &str, wanted: impl Into<Value>) -> Vec<&str> {
        let wanted = wanted.into();
        let lines = self.lines().iter().filter(|line| line[name] == wanted);
        lines.map(|line| line["scenario"].as_str().unwrap()).collect()
    }

    /// Holds that exactly these are called wrong.
    #[track_caller]
    pub(crate) fn assert_wrong(&self, wrong: &[&str]) {
        assert_eq!(self.with("as_expected", false), wrong, "{:#}", self.json);
        assert_eq!(self.code, Some(i32::from(!wrong.is_empty())), "{:#}", self.json);
        assert_eq!(self.json["as_expected"], wrong.is_empty());
    }
}
