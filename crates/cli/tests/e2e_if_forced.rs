//! `pgkeep tls ID --if-forced`: it names exactly those whom `rds.force_ssl=1` then refuses, and
//! counts each connection once, whatever becomes of pgkeep meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use pgkeep_model::{Client, DbiResourceId, Sightings};
use pgkeep_store::Store;
use pgkeep_testkit::{ControlPlane, Instance, Psql, run, wait_until};
use serde_json::Value;
use time::OffsetDateTime;

const LIMIT: Duration = Duration::from_mins(1);
const PASSWORD: &str = "of-the-clients";

#[test]
fn on_10() {
    the_named_are_refused("10");
}

#[test]
fn on_14() {
    the_named_are_refused("14");
}

#[test]
fn on_18() {
    the_named_are_refused("18");
}

fn the_named_are_refused(major: &str) {
    let mut plane = ControlPlane::start();
    let instance = with_group(&plane, major);
    let psql = Psql::to(&plane, &instance);
    for sql in ["CREATE DATABASE orders", "CREATE DATABASE stock"] {
        psql.query(sql);
    }
    for user in ["billing", "web", "batch", "mixed"] {
        psql.query(&format!("CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'"));
    }
    // User, database, application, sslmode.
    let connect = |user: &str, database: &str, application: &str, mode: &str| {
        client(&psql, user, database, mode).with("application_name", application).query("SELECT 1");
    };
    connect("billing", "orders", "invoices", "disable");
    connect("billing", "orders", "invoices", "disable");
    connect("web", "orders", "shop", "require");
    connect("mixed", "stock", "old and new", "disable");
    connect("mixed", "stock", "old and new", "require");
    connect("mixed", "stock", "old and new", "verify-full");
    let mut open = Open::begin(&client(&psql, "batch", "stock", "disable"));
    open.run("SET application_name = 'nightly'");

    // 10 does not log applications: there they are known of open sessions only.
    let app = |name: &str| if major == "10" { String::new() } else { name.to_owned() };
    let expected = |billing: u32| {
        let mut lines = [
            "batch@stock [nightly] 0/0 1".to_owned(),
            format!("batch@stock [{}] 1/1 0", app("psql")),
            format!("billing@orders [{}] {billing}/{billing} 0", app("invoices")),
            format!("mixed@stock [{}] 1/3 0", app("old and new")),
        ];
        lines.sort();
        lines
    };
    await_refused(&plane, &expected(2), 1);
    let ours = report(&plane, &[]).0;
    assert_eq!((&ours["clients_seen"], &ours["force_ssl"]), (&6.into(), &false.into()), "{ours}");
    assert_eq!(ours["verdict"], "rds.force_ssl=1 would refuse 4 of 6 clients");
    assert_eq!(ours["gap_from"], Value::Null, "{ours}");

    // Neither lost nor counted twice: read by a pgkeep that is killed, by none, by the next.
    for count in 3..6 {
        plane.kill();
        connect("billing", "orders", "invoices", "disable");
        await_refused(&plane, &expected(count), 1);
        plane.restart();
        // But for the last line of the log, which waits for what follows it.
        await_recorded(&plane, &instance, |seen| {
            let ours = seen.iter().filter(|(client, ..)| client.user == "billing");
            ours.map(|(_, _, tally)| tally.connections).sum::<u64>() + 1 >= count.into()
        });
        await_refused(&plane, &expected(count), 1);
    }
    let shown = run(plane.command("tls").args(["db", "--if-forced", "--since", "1"]), "");
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        shown.stdout.starts_with("rds.force_ssl=1 would refuse 4 of 6 clients.\n"),
        "{shown:?}"
    );
    assert!(shown.stdout.contains("mixed") && !shown.stdout.contains("shop"), "{shown:?}");

    set(&plane, "rds.force_ssl", "1");
    for (user, database) in [("billing", "orders"), ("mixed", "stock"), ("batch", "stock")] {
        let refused = client(&psql, user, database, "disable").refusal();
        assert!(refused.contains("no pg_hba.conf entry"), "{refused}");
    }
    connect("web", "orders", "shop", "require");
    connect("mixed", "stock", "old and new", "require");
    // The session from before is still there, and then it is not.
    await_refused(&plane, &["batch@stock [nightly] 0/0 1".to_owned()], 1);
    open.end();
    await_refused(&plane, &[], 0);
    let verdict = report(&plane, &[]).0["verdict"].to_string();
    assert!(verdict.contains("is 1 already, and nobody is connected without TLS"), "{verdict}");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

#[test]
fn what_is_not_logged_is_said_to_be_unknown() {
    let mut plane = ControlPlane::start();
    let instance = with_group(&plane, "16");
    let psql = Psql::to(&plane, &instance);
    let log_connections = |psql: &Psql| psql.query("SHOW log_connections");
    assert_eq!(log_connections(&psql), "on");
    wait_until("all is with TLS", LIMIT, || match report(&plane, &[]) {
        (seen, 0) if seen["connections"] == 1 => Ok(()),
        (seen, _) => Err(seen.to_string()),
    });
    let refused = run(plane.command("tls").args(["db", "--since", "1"]), "");
    assert_eq!(refused.status.code(), Some(2));

    set(&plane, "log_connections", "0");
    assert_eq!(log_connections(&psql), "off");
    let mut open = Open::begin(&psql.with("sslmode", "disable").with("application_name", "quiet"));
    open.run("SELECT");
    let (seen, code) = report(&plane, &[]);
    assert_eq!(code, 1);
    assert_eq!(refused_of(&seen), ["postgres_master@postgres [quiet] 0/0 1"]);
    assert_eq!(seen["connections_are_logged"], false, "{seen}");
    assert_ne!(seen["gap_from"], Value::Null, "{seen}");

    // A pgkeep that cannot know looks at the sessions, and remembers.
    plane.kill();
    plane.restart();
    let quiet = |client: &Client| client.application == "quiet";
    await_recorded(&plane, &instance, |seen| seen.iter().any(|(client, ..)| quiet(client)));
    open.end();
    await_refused(&plane, &["postgres_master@postgres [quiet] 0/0 0".to_owned()], 1);
    let shown = run(plane.command("tls").args(["db", "--if-forced"]), "");
    assert!(shown.stdout.contains("keeps connections out of the log"), "{shown:?}");
    assert!(shown.stdout.contains(" and now may be missing"), "{shown:?}");
}

/// An open instance `db` of the group `mine`.
fn with_group(plane: &ControlPlane, major: &str) -> Instance {
    let family = format!("postgres{major}");
    let fields = [("DBParameterGroupFamily", &*family), ("Description", "of the tests")];
    plane.call("CreateDBParameterGroup", &[&[group()], &fields[..]].concat()).unwrap();
    if !["10", "14"].contains(&major) {
        modify(plane, "rds.force_ssl", "0");
    }
    plane.create("db", major, &[group()]);
    plane.wait_available("db")
}

fn group() -> (&'static str, &'static str) {
    ("DBParameterGroupName", "mine")
}

fn modify(plane: &ControlPlane, parameter: &str, value: &str) {
    let fields = [
        group(),
        ("Parameters.Parameter.1.ParameterName", parameter),
        ("Parameters.Parameter.1.ParameterValue", value),
        ("Parameters.Parameter.1.ApplyMethod", "immediate"),
    ];
    plane.call("ModifyDBParameterGroup", &fields).unwrap();
}

/// Sets a parameter and waits until the server has it.
fn set(plane: &ControlPlane, parameter: &str, value: &str) {
    modify(plane, parameter, value);
    wait_until("in-sync", LIMIT, || {
        let answer = plane.call("DescribeDBInstances", &[("DBInstanceIdentifier", "db")]).unwrap();
        let status = answer.text("ParameterApplyStatus").unwrap();
        if status == "in-sync" { Ok(()) } else { Err(status) }
    });
}

fn client(psql: &Psql, user: &str, database: &str, mode: &str) -> Psql {
    let psql = psql.clone().with("user", user).with("password", PASSWORD);
    psql.with("dbname", database).with("sslmode", mode)
}

/// The report, and the code that it ends with.
fn report(plane: &ControlPlane, more: &[&str]) -> (Value, i32) {
    let asked = run(plane.command("tls").args(["db", "--if-forced", "--json"]).args(more), "");
    let report = serde_json::from_str(&asked.stdout).unwrap_or_else(|_| panic!("{asked:?}"));
    (report, asked.status.code().unwrap())
}

/// Those who would be refused: connections without TLS of all, and open sessions without.
fn refused_of(report: &Value) -> Vec<String> {
    let clients = report["clients"].as_array().unwrap().iter();
    let line = |it: &Value| {
        let text = |name: &str| it[name].as_str().unwrap().to_owned();
        let number = |name: &str| it[name].as_u64().unwrap();
        assert!(text("address").starts_with("127."), "{it}");
        format!(
            "{}@{} [{}] {}/{} {}",
            text("user"),
            text("database"),
            text("application"),
            number("connections_without_tls"),
            number("connections"),
            number("sessions_without_tls")
        )
    };
    let mut lines: Vec<_> = clients.filter(|it| it["would_be_refused"] == true).map(line).collect();
    lines.sort();
    lines
}

/// The server's collector writes a line, and its statistics lose a session, a moment later.
#[track_caller]
fn await_refused(plane: &ControlPlane, expected: &[String], code: i32) {
    wait_until("the report names them", LIMIT, || {
        let (report, ended) = report(plane, &[]);
        let named = refused_of(&report);
        if named == expected && ended == code { Ok(()) } else { Err(format!("{ended} {named:?}")) }
    });
}

/// Waits until the state file has what is expected.
#[track_caller]
fn await_recorded(
    plane: &ControlPlane,
    instance: &Instance,
    is_expected: impl Fn(&Sightings) -> bool,
) {
    let id = DbiResourceId::try_from(instance.resource_id.clone()).unwrap();
    wait_until("it is recorded", LIMIT, || {
        let state = Store::open_read_only(&plane.data_directory().join("state.db")).unwrap();
        let seen = state.read(|state| state.sightings(&id, OffsetDateTime::UNIX_EPOCH)).unwrap();
        if is_expected(&seen) { Ok(()) } else { Err(format!("{seen:?}")) }
    });
}

/// A session of psql that stays open.
struct Open(Child);

impl Open {
    fn begin(psql: &Psql) -> Self {
        let mut command = psql.command();
        command.args(["--no-align", "--tuples-only", "--quiet"]);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Runs a statement, and returns when it is done.
    fn run(&mut self, sql: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{sql};\n\\echo done").unwrap();
        let mut rows = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(rows.any(|row| row.unwrap() == "done"), "the session ended");
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}
