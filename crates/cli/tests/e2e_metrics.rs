//! `pgkeep tls ID` and `/metrics`: both say of real sessions what those know of themselves, and
//! neither waits for a server that hangs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;
mod metrics;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use metrics::{Prometheus, Scrape};
use pgkeep_testkit::{
    ControlPlane, Instance, Options, Paused, Psql, Session, page_path, run, wait_until,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_mins(1);
const PASSWORD: &str = "of-the-clients";

#[test]
fn on_10() {
    sessions_are_what_they_say_themselves("10");
}

#[test]
fn on_13() {
    sessions_are_what_they_say_themselves("13");
}

#[test]
fn on_18() {
    sessions_are_what_they_say_themselves("18");
}

fn sessions_are_what_they_say_themselves(major: &str) {
    let mut plane = ControlPlane::start();
    let instance = with_group(&plane, "db", major);
    let psql = Psql::to(&plane, &instance);
    psql.query(&format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'"));
    let app = psql.clone().with("user", "app").with("password", PASSWORD);
    let named =
        |name: &str, mode: &str| app.clone().with("application_name", name).with("sslmode", mode);
    let limited = named("limited", "require").with("ssl_max_protocol_version", "TLSv1.2");
    // Two that are alike without TLS, one of TLS 1.2, and one of the newest version that there is.
    let mut open =
        [named("old", "disable"), named("old", "disable"), limited, named("new", "verify-full")]
            .map(|psql| Session::open(&psql));
    let own = "SELECT coalesce(version, 'none'), coalesce(cipher, '-')
               FROM pg_stat_ssl WHERE pid = pg_backend_pid();";
    let mut own: Vec<_> = open.iter_mut().map(|one| one.ask(own)).collect();
    own.remove(0);
    assert!(own[1].starts_with("TLSv1.2|") && own[2].starts_with("TLSv1.3|"), "{own:?}");

    let expected = [("old", &own[0], 2), ("limited", &own[1], 1), ("new", &own[2], 1)];
    await_sessions(&plane, &expected);
    let scrape = Scrape::of(&plane);
    let sessions = |version| {
        let labels = [("db_instance_identifier", "db"), ("tls_version", version)];
        scrape.value("pgkeep_sessions", &labels)
    };
    assert_eq!(
        ["none", "TLSv1.2", "TLSv1.3", "TLSv1.1"].map(sessions),
        [Some(2.0), Some(1.0), Some(1.0), None]
    );
    assert_eq!(scrape.value("pgkeep_force_ssl", &of("db")), Some(0.0));

    the_policy_is_that_of_the_server(&plane, &psql, major);

    // Without `pgkeep serve`, sessions from before included.
    plane.kill();
    await_sessions(&plane, &expected);
    let table = run(plane.command("tls").arg("db"), "").success();
    assert!(table.contains("4, 2 without TLS"), "{table}");
    plane.restart();
    open.into_iter().for_each(Session::close);
    await_sessions(&plane, &[]);

    stopped_it_says_so(&plane);
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// Not the default of its version, and not what was once recorded.
#[track_caller]
fn the_policy_is_that_of_the_server(plane: &ControlPlane, psql: &Psql, major: &str) {
    let policy = if major == "10" {
        vec![("rds.force_ssl", "1", "immediate")]
    } else {
        vec![
            ("rds.force_ssl", "1", "immediate"),
            ("ssl_min_protocol_version", "TLSv1.3", "immediate"),
        ]
    };
    groups::set(plane, "mine", &policy).unwrap();
    groups::wait_applied(plane, "db");
    let shown = tls(plane, "db");
    let show = |name: &str| {
        let shown = psql.run(&format!("SHOW {name}"));
        if shown.status.success() { json!(shown.stdout) } else { Value::Null }
    };
    for name in ["ssl_min_protocol_version", "ssl_ciphers", "ssl_tls13_ciphers", "ssl_groups"] {
        let value = Some(show(name)).filter(|value| value != "").unwrap_or_default();
        assert_eq!(shown[name], value, "{name}");
    }
    let least = if major == "10" { Value::Null } else { json!("TLSv1.3") };
    assert_eq!((&shown["ssl_min_protocol_version"], &shown["force_ssl"]), (&least, &json!(true)));
    assert_eq!(Scrape::of(plane).value("pgkeep_force_ssl", &of("db")), Some(1.0));
}

#[track_caller]
fn stopped_it_says_so(plane: &ControlPlane) {
    plane.call("StopDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    plane.wait_for("db", "stopped");
    let stopped = run(plane.command("tls").arg("db"), "");
    assert_eq!(stopped.status.code(), Some(1));
    assert!(stopped.stdout.contains("not known: db is stopped"), "{stopped:?}");
    let scrape = Scrape::of(plane);
    let status = [("db_instance_identifier", "db"), ("status", "stopped")];
    assert_eq!(scrape.value("pgkeep_db_instance_status", &status), Some(1.0));
    assert_eq!(scrape.value("pgkeep_sessions_scrape_error", &of("db")), None);
}

/// A database of the encoding `SQL_ASCII` takes any bytes into the names of roles.
#[test]
fn a_name_that_is_no_utf_8_hides_no_session() {
    let plane = ControlPlane::start();
    let instance = with_group(&plane, "db", "16");
    let psql = Psql::to(&plane, &instance);
    psql.query("CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0 LC_CTYPE 'C'");
    let make = format!(
        "DO $$ BEGIN
           EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L', 'raw' || chr(255), '{PASSWORD}');
         END $$"
    );
    psql.clone().with("dbname", "raw").query(&make);
    let named = psql.with("user", "raw?").with("password", PASSWORD).command();
    let mut command = Command::new(named.get_program());
    command.envs(named.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(named.get_args().map(|word| {
        let bytes = word.as_bytes().iter();
        OsString::from_vec(bytes.map(|&it| if it == b'?' { 0xff } else { it }).collect())
    }));
    let mut open = Session::of(command);
    open.ask("SELECT 1;");
    wait_until("its session is counted", LIMIT, || {
        let labels = [("db_instance_identifier", "db"), ("tls_version", "TLSv1.3")];
        let seen = Scrape::of(&plane).value("pgkeep_sessions", &labels);
        if seen == Some(1.0) { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    let shown = run(plane.command("tls").arg("db"), "");
    assert!(shown.stdout.contains("raw\u{fffd}"), "{shown:?}");
    open.close();
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

#[test]
fn a_server_that_hangs_holds_up_nobody() {
    let plane = ControlPlane::start();
    let hanging = with_group(&plane, "hanging", "16");
    plane.create("well", "16", &[]);
    let well = plane.wait_available("well");
    let mut open = Session::open(&Psql::to(&plane, &well));
    open.ask("SELECT 1;");
    let error =
        |identifier| Scrape::of(&plane).value("pgkeep_sessions_scrape_error", &of(identifier));
    assert_eq!(["hanging", "well"].map(error), [Some(0.0); 2]);
    {
        let _paused = Paused::process(plane.postmaster(&hanging.resource_id).unwrap());
        let scrape = Scrape::of(&plane);
        let value = |name, labels: &[(&str, &str)]| scrape.value(name, labels);
        assert_eq!(value("pgkeep_sessions_scrape_error", &of("hanging")), Some(1.0));
        assert_eq!(value("pgkeep_sessions_scrape_error", &of("well")), Some(0.0));
        let sessions = |identifier, version| {
            let labels = [("db_instance_identifier", identifier), ("tls_version", version)];
            value("pgkeep_sessions", &labels)
        };
        assert_eq!([sessions("well", "TLSv1.3"), sessions("hanging", "none")], [Some(1.0), None]);
        let shown = run(plane.command("tls").args(["hanging", "--json"]), "");
        assert_eq!(shown.status.code(), Some(1));
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        let failure = shown["sessions_failure"].as_str().unwrap();
        assert!(failure.contains("did not answer within 5 s"), "{failure}");
        assert_eq!(shown["ssl_ciphers"], Value::Null);
    }
    assert_eq!(error("hanging"), Some(0.0));
    open.close();
}

#[test]
fn the_dashboard_and_the_page_are_of_these_metrics() {
    let once = "issue-certificate:before:fail".to_owned();
    let environment = vec![("PGKEEP_FAILPOINT".to_owned(), once)];
    let plane = ControlPlane::start_with(Options { environment, ..Options::default() });
    plane.create("db", "16", &[]);
    plane.wait_available("db");
    // An answer that is none.
    plane.instance("absent").unwrap_err();
    let prometheus = Prometheus::start(&plane);
    let dashboard = fs::read_to_string(page_path("grafana/pgkeep.json")).unwrap();
    // Two scrapes make a rate.
    let checked = wait_until("every question has an answer", LIMIT, || {
        plane.instances();
        let checked = prometheus.check_dashboard(&dashboard);
        if checked.status.success() { Ok(checked.stdout) } else { Err(checked.stderr) }
    });
    assert_eq!(checked, "12 panels, 8 metrics");
    for (right, wrong) in [
        ("pgkeep_force_ssl{", "pgkeep_forced{"),
        ("{db_instance_identifier=~", "{identifier=~"),
        ("sum by (status) (", "sum by (state) ("),
        ("{{action}}", "{{operation}}"),
    ] {
        assert!(dashboard.contains(right), "{right}");
        prometheus.check_dashboard(&dashboard.replace(right, wrong)).failure();
    }

    let scrape = Scrape::of(&plane);
    let page = fs::read_to_string(page_path("metrics.md")).unwrap();
    let mut rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `pgkeep_")).collect();
    rows.sort_unstable();
    assert_eq!(scrape.rows(), rows, "docs/metrics.md");
    let certificate = &tls(&plane, "db");
    let labels = [
        ("ca_certificate_identifier", certificate["ca_identifier"].as_str().unwrap()),
        ("db_instance_identifier", "db"),
        ("serial", certificate["serial"].as_str().unwrap()),
    ];
    let ends = scrape.value("pgkeep_certificate_expiry_timestamp_seconds", &labels).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
    let ends = time::OffsetDateTime::from_unix_timestamp(ends as i64).unwrap();
    let format = &time::format_description::well_known::Rfc3339;
    assert_eq!(ends.format(format).unwrap(), certificate["not_after"]);
    let status = [("db_instance_identifier", "db"), ("status", "available")];
    assert_eq!(scrape.value("pgkeep_db_instance_status", &status), Some(1.0));
    let answers = [("action", "CreateDBInstance"), ("code", "OK")];
    let count = scrape.value("pgkeep_api_request_duration_seconds_count", &answers);
    assert_eq!(count, Some(1.0));
    let failures = |effect| scrape.value("pgkeep_workflow_failures_total", &[("effect", effect)]);
    assert_eq!(
        ["issue-certificate", "prove", "none"].map(failures),
        [Some(1.0), Some(0.0), Some(0.0)]
    );
    assert_eq!(plane.api().fetch("/metrics/more").0, 404);
}

#[test]
fn watching_shows_it_again_and_again() {
    let plane = ControlPlane::start();
    plane.create("db", "16", &[]);
    plane.wait_available("db");
    let mut command = plane.command("tls");
    command.args(["db", "--watch=1"]).stdout(Stdio::piped());
    let mut watching = command.spawn().unwrap();
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen: Vec<_> = lines.filter(|line| line.starts_with("Status")).take(3).collect();
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert_eq!(seen, ["Status            available"; 3]);
    let refused = run(plane.command("tls").args(["db", "--watch=0"]), "");
    assert_eq!(refused.status.code(), Some(2));
}

/// An instance that takes plaintext, of the group `mine`.
fn with_group(plane: &ControlPlane, identifier: &str, major: &str) -> Instance {
    groups::create_group(plane, "mine", &format!("postgres{major}")).unwrap();
    groups::set(plane, "mine", &[("rds.force_ssl", "0", "immediate")]).unwrap();
    plane.create(identifier, major, &[("DBParameterGroupName", "mine")]);
    plane.wait_available(identifier)
}

fn of(identifier: &str) -> [(&'static str, &str); 1] {
    [("db_instance_identifier", identifier)]
}

/// What `pgkeep tls` says of an instance that serves what it is to serve.
#[track_caller]
fn tls(plane: &ControlPlane, identifier: &str) -> Value {
    let shown = run(plane.command("tls").args([identifier, "--json"]), "").success();
    serde_json::from_str(&shown).unwrap()
}

/// Waits until just these sessions are open: application, version and cipher, and how many.
#[track_caller]
fn await_sessions(plane: &ControlPlane, expected: &[(&str, &String, u64)]) {
    // A server counts a session for a moment after its end.
    wait_until("the sessions are shown", LIMIT, || {
        let shown = tls(plane, "db");
        let line = |line: &Value| {
            assert!(line["address"].as_str().unwrap().starts_with("127."), "{line}");
            let tls = line["tls"].as_bool().unwrap();
            let text = |name: &str, absent: &'static str| match &line[name] {
                Value::String(text) if tls => text.clone(),
                Value::Null if !tls => absent.to_owned(),
                other => panic!("{name}: {other}"),
            };
            let agreed = format!("{}|{}", text("tls_version", "none"), text("cipher", "-"));
            let names =
                ["user", "database", "application"].map(|name| line[name].as_str().unwrap());
            (names.join(" "), agreed, line["count"].as_u64().unwrap())
        };
        let mut lines: Vec<_> = shown["sessions"].as_array().unwrap().iter().map(line).collect();
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(name, agreed, count)| {
                (format!("app postgres {name}"), (*agreed).clone(), *count)
            })
            .collect();
        lines.sort();
        expected.sort();
        let sum = |lines: &[(String, String, u64)]| lines.iter().map(|line| line.2).sum::<u64>();
        let without: Vec<_> = lines.iter().filter(|line| line.1 == "none|-").cloned().collect();
        assert_eq!(shown["sessions_open"], sum(&lines));
        assert_eq!(shown["sessions_without_tls"], sum(&without));
        if lines == expected { Ok(()) } else { Err(format!("{lines:?}")) }
    });
}
