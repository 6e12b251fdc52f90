//! `pgkeep probe` as a command: where its targets and passwords come from, how fast it connects,
//! policies and exit codes, several targets with a bar on a terminal, metrics for Prometheus.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod probing;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pgkeep_testkit::{ControlPlane, Instance, MASTER_PASSWORD, MASTER_USERNAME, Options, run};
use serde_json::{Value, json};

use probing::relay::Relay;
use probing::scanners::address;
use probing::{Report, assert_valid, probe, target};

#[test]
fn the_command_does_as_it_says() {
    let plane = ControlPlane::start_with(Options { pool: 0, ..Options::default() });
    plane.create("db", "18", &[]);
    let instance = plane.wait_available("db");
    let bundle = plane.bundle().display().to_string();

    let reports = [
        a_session_is_bound_to_the_certificate(&plane, &instance),
        connections_are_counted_and_spaced(&instance, &bundle),
        the_environment_names_a_target(&instance, &bundle),
    ];
    policies_decide_the_exit_code(&plane, &instance, &bundle);
    let several = several_targets_are_probed_side_by_side(&plane, &instance, &bundle);
    promtool_takes_the_metrics(&plane, &bundle);
    wrong_use_is_told_from_what_is_seen(&instance);
    assert_valid(reports.iter().chain(&several));
    plane.delete_all(&["db"]);
}

/// The password from everywhere that one can be, and a wrong one.
fn a_session_is_bound_to_the_certificate(plane: &ControlPlane, instance: &Instance) -> Report {
    let target = format!("{} sslrootcert={}", target(instance), plane.bundle().display());
    let named = ["--user", MASTER_USERNAME, "--dbname", "postgres", "--fast", "--json"];
    let question = [&[&*target][..], &named].concat();
    let escaped = MASTER_PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
    let passfile = plane.desk().join("passfile");
    fs::write(&passfile, format!("*:*:*:{MASTER_USERNAME}:{MASTER_PASSWORD}\n")).unwrap();
    let with_password = format!("{target} password='{escaped}'");
    let in_target = [&[&*with_password][..], &named].concat();
    let mut commands = [probe(&question), probe(&in_target), probe(&question)];
    commands[0].env("PGPASSWORD", MASTER_PASSWORD);
    commands[2].env("PGPASSFILE", &passfile);
    let mut reports = commands.each_mut().map(|command| Report::read(run(command, "")));
    for report in &reports {
        assert_eq!(report.fact("server_version"), &*instance.version);
        assert_eq!(*report.fact("channel_binding"), true);
        assert!(report.connections() <= 12, "{report:?}");
    }
    let wrong = Report::read(run(probe(&question).env("PGPASSWORD", "wrong-password"), ""));
    assert_eq!(*wrong.fact("server_version"), Value::Null);
    let failures = wrong.fact("failures").to_string();
    assert!(failures.contains("password authentication failed"), "{failures}");
    // Without a role that is named no password is sent, whatever the environment has.
    let mut unnamed = probe(&[&target, "--fast", "--json"]);
    let unnamed = Report::read(run(unnamed.env("PGPASSWORD", MASTER_PASSWORD), ""));
    assert_eq!(*unnamed.fact("server_version"), Value::Null);
    std::mem::replace(&mut reports[0], unnamed)
}

/// By somebody on the way: as many connections as the report says, and none before its turn.
fn connections_are_counted_and_spaced(instance: &Instance, bundle: &str) -> Report {
    const RATE: u32 = 20;
    let relay = Relay::start(address(instance));
    let port = relay.addr.port();
    let target = format!("host={} hostaddr=127.0.0.1 port={port}", instance.endpoint);
    let full = Report::of(&[&target, "--bundle", bundle]);
    assert_eq!(relay.take().len() as u64, full.connections());

    let begun = Instant::now();
    let rate = RATE.to_string();
    let report = Report::of(&[&target, "--bundle", bundle, "--fast", "--rate", &rate]);
    let connected = relay.take();
    assert_eq!(connected.len() as u64, report.connections());
    for (place, at) in (0..).zip(&connected) {
        let turn = Duration::from_secs(1) / RATE * place;
        assert!(*at - begun >= turn, "connection {place} after {:?}", *at - begun);
    }
    full
}

fn the_environment_names_a_target(instance: &Instance, bundle: &str) -> Report {
    let url = format!(
        "postgresql://{MASTER_USERNAME}@{}:{}/postgres?hostaddr={}&sslrootcert={bundle}",
        instance.endpoint,
        instance.port,
        instance.address.unwrap()
    );
    let mut command = probe(&["--fast", "--json"]);
    let report = Report::read(run(command.env("DATABASE_URL", url), ""));
    assert_eq!(report.0["server_name"], *instance.endpoint);
    assert_eq!(report.outcome("psql", "verify-full", "given"), "verified");
    report
}

fn policies_decide_the_exit_code(plane: &ControlPlane, instance: &Instance, bundle: &str) {
    let met = "min_version = 'TLSv1.2'\nrequired_version = 'TLSv1.3'\nverify_full = true\n\
               plaintext_refused = true\ndays_left = 30\nchannel_binding = true\n\
               forbidden_suites = ['RC4-SHA']\nno_findings = 'critical'";
    let unmet = "profile = 'modern'\nforbidden_suites = ['TLS_RSA_WITH_AES_128_CBC_SHA']\n\
                 days_left = 9999";
    let file = |name: &str, policy: &str| {
        let path = plane.desk().join(name);
        fs::write(&path, policy).unwrap();
        path.display().to_string()
    };
    let (met, unmet) = (file("met.toml", met), file("unmet.toml", unmet));
    let unknown = file("unknown.toml", "min_versoin = 'TLSv1.2'");
    let target = target(instance);
    let ask = |policy: &str, more: &[&str]| {
        let question = [&target, "--bundle", bundle, "--expect", policy];
        run(probe(&question).args(more), "")
    };
    assert!(ask(&met, &[]).success().contains("\nThe policy is met.\n"));
    let outcome = ask(&unmet, &["--json"]);
    assert_eq!(outcome.status.code(), Some(1), "{outcome:?}");
    let report = Report(serde_json::from_str(&outcome.stdout).unwrap());
    let violations = report.0["violations"].as_array().unwrap().iter();
    let keys: Vec<_> = violations.map(|it| it["expected"].as_str().unwrap()).collect();
    assert_eq!(keys, ["forbidden_suites", "days_left", "profile"]);
    assert_valid([&report]);
    // What was not asked is not met.
    assert_eq!(ask(&met, &["--fast"]).status.code(), Some(1));
    assert_eq!(ask(&unknown, &[]).status.code(), Some(2));
}

/// One that is there, one that nobody listens at, one that no name leads to; in the file's order.
fn several_targets_are_probed_side_by_side(
    plane: &ControlPlane,
    instance: &Instance,
    bundle: &str,
) -> Vec<Report> {
    let here = target(instance);
    let list = format!("# of the test\n{here}\n\n127.0.0.1:1\nno-such-host.invalid\n");
    let file = plane.desk().join("targets").display().to_string();
    fs::write(&file, list).unwrap();
    let question = ["--targets", &file, "--bundle", bundle, "--fast", "--json"];
    let outcome = run(&mut probe(&question), "");
    assert_eq!(
        (outcome.status.code(), &*outcome.stderr),
        (Some(1), ""),
        "no bar without a terminal"
    );
    let all: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
    let targets: Vec<_> = all.iter().map(|it| it["target"].as_str().unwrap()).collect();
    let own = format!("{}:{}", instance.endpoint, instance.port);
    assert_eq!(targets, [&*own, "127.0.0.1:1", "no-such-host.invalid:5432"]);
    assert_eq!(
        (&all[0]["error"], &all[1]["error"], &all[2]["report"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let error = all[2]["error"].as_str().unwrap();
    assert!(error.starts_with("cannot look up no-such-host.invalid"), "{error}");
    let reports: Vec<_> = all[..2].iter().map(|it| Report(it["report"].clone())).collect();
    assert_eq!(reports[0].0["chain"]["libpq_trusts"], true);
    assert_eq!(reports[1].findings(), ["endpoint.unreachable"]);

    // The bar goes to the terminal, the reports elsewhere.
    let command = probe(&question);
    let line: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).collect();
    let line: Vec<_> = line.iter().map(|word| format!("'{}'", word.display())).collect();
    let kept = plane.desk().join("reports.json");
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command"]);
    terminal.arg(format!("{} > '{}'", line.join(" "), kept.display())).arg("/dev/null");
    let shown = run(terminal.env("TERM", "xterm").env("HOME", "/absent"), "");
    assert_eq!(shown.status.code(), Some(1), "{shown:?}");
    assert!(["1/3", "2/3"].iter().any(|step| shown.stdout.contains(step)), "{shown:?}");
    let kept: Vec<Value> = serde_json::from_str(&fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(kept.len(), 3);
    reports
}

/// promtool reads the metrics and finds no fault with their names.
fn promtool_takes_the_metrics(plane: &ControlPlane, bundle: &str) {
    let file = plane.desk().join("targets").display().to_string();
    let question = ["--targets", &file, "--bundle", bundle, "--fast", "--metrics"];
    let outcome = run(&mut probe(&question), "");
    assert_eq!(outcome.status.code(), Some(1), "{outcome:?}");
    let metrics = outcome.stdout + "\n";
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    for line in [
        "pgkeep_probe_up{target=\"127.0.0.1:1\"} 0",
        ",sslmode=\"verify-full\",outcome=\"verified\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let prometheus = std::env::var_os("PGKEEP_PROMETHEUS").unwrap_or("/usr/bin/prometheus".into());
    let mut promtool = Command::new(Path::new(&prometheus).with_file_name("promtool"));
    let said = run(promtool.args(["check", "metrics"]), &metrics);
    assert_eq!(said.clone().success() + &said.stderr, "");
}

fn wrong_use_is_told_from_what_is_seen(instance: &Instance) {
    for question in [&[][..], &["host=db port=none"], &["--targets", "/absent"]] {
        let outcome = run(&mut probe(question), "");
        assert!(
            !outcome.status.success() && !outcome.stderr.is_empty(),
            "{question:?}: {outcome:?}"
        );
    }
    assert_eq!(run(&mut probe(&[]), "").status.code(), Some(2));
    // Where no report can be, the one of a single target is none.
    let outcome = run(&mut probe(&["no-such-host.invalid", "--json"]), "");
    assert_eq!(outcome.status.code(), Some(1));
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&answer["target"], &answer["report"]),
        (&json!("no-such-host.invalid:5432"), &json!(null))
    );
    // A name that is not the certificate's.
    let other = target(instance).replace(&instance.endpoint, "other.example.com");
    let named = ["--server-name", &instance.endpoint];
    let report = Report::of(&[&other, "--fast"]);
    assert!(report.findings().contains(&"name.wrong"), "{report:?}");
    let judged = Report::of(&[&[&*other, "--fast"][..], &named].concat());
    assert!(!judged.findings().contains(&"name.wrong"), "{judged:?}");
}
