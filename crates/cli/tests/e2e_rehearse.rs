//! `pgkeep rehearse`: the table tells clients that verify from those that do not, a rotation cuts
//! nobody off, and nothing is left behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

mod rehearsal;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgkeep_testkit::{Outcome, Psql, program, run, wait_until};
use rehearsal::{ALL, MUST_FAIL, Place, Report};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(2);
/// Enough to tell clients apart: where a client that verifies must fail, and where it must pass.
const TELLING: [&str; 6] =
    ["next-root", "expired-certificate", "expired-root", "wrong-host", "force-ssl", "old-bundle"];

fn psql(mode: &str, sql: &str) -> Command {
    let mut psql = program("PGKEEP_PSQL", "psql");
    psql.args(["--no-psqlrc", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1"]);
    psql.args(["--command", sql]).arg(format!("sslmode={mode}"));
    psql
}

fn application(variable: &str, name: &str, file: &str, how: &str) -> Command {
    let mut program = program(variable, name);
    program.arg(format!("{}/tests/clients/{file}", env!("CARGO_MANIFEST_DIR"))).arg(how);
    program
}

#[test]
fn psql_that_verifies_is_right_on_10() {
    verified("10", &["tls13-only", "tls12-only"]);
}

#[test]
fn psql_that_verifies_is_right_on_13() {
    verified("13", &[]);
}

#[test]
fn psql_that_verifies_is_right_on_18() {
    verified("18", &[]);
}

/// All scenarios; `left_out` are those that the version cannot have.
fn verified(version: &str, left_out: &[&str]) {
    let place = Place::new(version);
    let client =
        psql("verify-full", "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let report = place.report(&[], &client);
    report.assert_wrong(&[]);
    assert_eq!(report.with("outcome", Value::Null), left_out);
    let lines = report.lines();
    assert_eq!(lines.iter().map(|line| &line["scenario"]).collect::<Vec<_>>(), ALL);
    assert_eq!(report.with("expected", "failed"), MUST_FAIL);
    for line in lines {
        let last = line["last_line"].as_str().unwrap_or_default();
        match line["scenario"].as_str().unwrap() {
            "tls12-only" if left_out.is_empty() => assert_eq!(last, "TLSv1.2"),
            "tls13-only" if left_out.is_empty() => assert_eq!(last, "TLSv1.3"),
            "wrong-host" => assert!(last.contains("does not match host name"), "{last}"),
            other if MUST_FAIL.contains(&other) => {
                assert!(last.contains("certificate verify failed"), "{last}");
            }
            other if left_out.contains(&other) => {
                let reason = line["left_out"].as_str().unwrap();
                assert_eq!(reason, format!("PostgreSQL {version} has no ssl_min_protocol_version"));
                let named = place.run(&[other], &client);
                assert_eq!(named.status.code(), Some(2), "{named:?}");
                assert!(named.stderr.contains(reason), "{named:?}");
            }
            _ => assert!(last.starts_with("TLSv1."), "{last}"),
        }
    }
    place.end();
}

#[test]
fn psql_without_verify_full_is_found_out() {
    let place = Place::new("16");
    let of = |mode| place.report(&TELLING, &psql(mode, "SELECT 1"));
    // With a root file libpq's require verifies the chain, but not the name.
    of("require").assert_wrong(&["wrong-host"]);
    of("verify-full").assert_wrong(&[]);
    // 16 refuses it everywhere, which is right only where a client that verifies fails.
    of("disable").assert_wrong(&["next-root", "force-ssl"]);

    let table = place.run(&["wrong-host", "force-ssl"], &psql("require", "SELECT 'in'"));
    assert_eq!(table.status.code(), Some(1));
    let rows: Vec<Vec<&str>> = table
        .stdout
        .lines()
        .map(|line| line.split("  ").filter(|it| !it.is_empty()))
        .map(Iterator::collect)
        .collect();
    assert_eq!(rows[0], ["SCENARIO", "VERIFYING CLIENT", "COMMAND", "VERDICT", "LAST LINE"]);
    let trimmed = |row: &[&str]| row.iter().map(|it| it.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&rows[1]), ["wrong-host", "must fail", "passed", "WRONG", "in"]);
    assert_eq!(trimmed(&rows[2]), ["force-ssl", "must pass", "passed", "right", "in"]);
    place.end();
}

#[test]
fn an_application_in_node_that_verifies_nothing_is_found_out() {
    let place = Place::new("13");
    let node = |how| application("PGKEEP_NODE", "node", "rehearse.mjs", how);
    tells_apart(&place, &node("verify"), &node("trust-anything"));
    // Without force_ssl it gets in everywhere, whatever the certificate.
    let plain = place.report(&TELLING, &node("plain"));
    plain.assert_wrong(&TELLING[1..]);
    place.end();
}

#[test]
fn an_application_in_python_that_verifies_nothing_is_found_out() {
    let place = Place::new("17");
    let python = |how| application("PGKEEP_PYTHON", "python3", "rehearse.py", how);
    tells_apart(&place, &python("verify"), &python("trust-anything"));
    place.end();
}

fn tells_apart(place: &Place, verifies: &Command, trusts_anything: &Command) {
    let report = place.report(&TELLING, verifies);
    report.assert_wrong(&[]);
    assert_eq!(report.with("last_line", "served"), ["next-root", "force-ssl"]);
    let report = place.report(&TELLING, trusts_anything);
    report.assert_wrong(&MUST_FAIL);
    assert_eq!(report.with("last_line", "served"), TELLING);
}

#[test]
fn a_rotation_cuts_nobody_off() {
    let place = Place::new("16");
    let instance = place.plane.wait_available("db");
    let odd = "\"o'dd\\\"";
    Psql::to(&place.plane, &instance).query(&format!(
        "CREATE ROLE reader; CREATE ROLE {odd} LOGIN CREATEDB; GRANT reader TO {odd}"
    ));
    let file = |name: &str| place.plane.desk().join(name).display().to_string();
    let (schema, junit) = (file("schema.sql"), file("junit.xml"));
    fs::write(&schema, "CREATE TABLE stock (n int); GRANT SELECT ON stock TO reader;\n").unwrap();
    for rotation in ["rotate-same-ca", "rotate-to-rsa4096", "rotate-to-ecc384"] {
        // Stays connected until it is told that the certificate has changed.
        let told = file(rotation);
        let mut client = psql("verify-full", "TABLE stock");
        let wait = format!("\\! until [ -e '{told}' ]; do sleep 0.05; done");
        let roles = "SELECT rolname, rolcanlogin, rolcreatedb, pg_has_role(oid, 'reader', 'MEMBER')
                     FROM pg_roles WHERE rolname LIKE 'o%'";
        client.args(["--command", &wait, "--command", roles]);
        let words = ["--json", "--schema", &schema, "--junit", &junit, rotation];
        let mut command = place.command(&words, &client);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            if line.unwrap() == format!("{rotation}: clients see another certificate") {
                fs::write(&told, "").unwrap();
            }
        }
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let report = Report::of(&Outcome { status: output.status, stdout, stderr: String::new() });
        report.assert_wrong(&[]);
        assert_eq!(report.with("last_line", "o'dd\\|t|t|t"), [rotation], "{:#}", report.json);
        let runs = report.lines()[0]["runs"].as_array().unwrap();
        let moments: Vec<_> = runs.iter().map(|run| &run["moment"]).collect();
        assert_eq!(moments, ["across", "after"]);
        place.assert_nothing_left();
        assert_eq!(read_junit(&junit), format!("1 0 0 0\n1 0 0 0\n{rotation} passed"));
    }
    place.end();
}

/// What another reader of JUnit XML finds: for the whole and the suite the counts of tests,
/// failures, errors and skipped ones, then the state of each test case.
fn read_junit(file: &str) -> String {
    let read = application("PGKEEP_PYTHON", "python3", "junit.py", file);
    run(&mut { read }, "").success()
}

#[test]
fn what_is_interrupted_leaves_nothing() {
    let place = Place::new("10");
    let junit = place.plane.desk().join("junit.xml");
    let junit_file = junit.to_str().unwrap();
    let mut shell = Command::new("sh");
    // Says that it runs, starts a child of its own, and does not care for SIGTERM.
    let running = place.plane.desk().join("running");
    shell.args(["-c", "trap '' TERM; sleep 1001 & touch \"$0\"; while :; do sleep 1; done"]);
    shell.arg(&running);
    let mut command = place.command(&["force-ssl"], &shell);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the command runs", LIMIT, || {
        if running.exists() { Ok(()) } else { Err("not yet".to_owned()) }
    });
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("error: cannot rehearse force-ssl: interrupted"), "{said}");
    place.assert_nothing_left();
    let left = run(Command::new("pgrep").args(["-f", running.to_str().unwrap()]), "");
    assert_eq!(left.stdout, "", "{left:?}");

    // One that takes too long has failed, and is told apart in JUnit's XML from what is left out.
    fs::remove_file(&running).unwrap();
    let words = ["--timeout", "1", "--junit", junit_file];
    let late = place.report(&[&words[..], &["force-ssl", "wrong-host"]].concat(), &shell);
    late.assert_wrong(&["force-ssl"]);
    assert_eq!(read_junit(junit_file), "2 1 0 0\n2 1 0 0\nforce-ssl failure\nwrong-host passed");

    let absent = place.run(&["force-ssl"], &Command::new("/nonexistent/program"));
    assert_eq!(absent.status.code(), Some(1), "{absent:?}");
    assert!(absent.stderr.contains("cannot run the command: No such file"), "{absent:?}");
    place.end();
}
