//! `pgkeep probe` at an instance of every major version and authority: what a report says is what
//! the openssl command, sslscan, sslyze and the server itself say, and no finding is false.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;
mod probing;
mod wire;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;

use pgkeep_probe::{Cipher, TlsVersion, ciphers};
use pgkeep_testkit::{
    ControlPlane, Instance, MASTER_PASSWORD, MASTER_USERNAME, Options, Psql, run,
};
use serde_json::{Value, json};

use probing::scanners::{address, assert_sslscan_agrees, assert_sslyze_agrees};
use probing::scanners::{fingerprint, sslyze};
use probing::{Report, assert_valid, probe, target};
use wire::seen::Engine;
use wire::{SYSTEM_ENGINES, newest_system_engine, openssl};

const AUTHORITIES: [&str; 3] = ["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"];
/// Those that the scanners are asked about too: each with another authority.
const JUDGED: [u16; 3] = [10, 14, 18];
const WORKERS: usize = 3;

#[test]
fn every_major_is_seen_as_it_is() {
    let absent = ("PGKEEP_SYSTEM_ENGINES".to_owned(), "/absent".to_owned());
    let options = Options { environment: vec![absent], pool: 0, ..Options::default() };
    let mut plane = ControlPlane::start_with(options);
    let waiting = Mutex::new((10..=18).collect::<VecDeque<u16>>());
    let reports = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(major) = { waiting.lock().unwrap().pop_front() } {
                    let seen = look(&plane, Engine::Pinned(major));
                    reports.lock().unwrap().extend(seen);
                }
            });
        }
    });
    plane.assert_clean();

    plane.restart_with("PGKEEP_SYSTEM_ENGINES", Some(SYSTEM_ENGINES.to_owned()));
    let mut reports = reports.into_inner().unwrap();
    reports.extend(look(&plane, Engine::System(newest_system_engine())));
    plane.assert_clean();
    assert_valid(&reports);
}

/// Probes an instance of a major version in every way, and returns the reports.
fn look(plane: &ControlPlane, engine: Engine) -> Vec<Report> {
    let major = engine.major();
    let is_system = engine == Engine::System(major);
    let name = &*format!("db-{major}");
    let authority = AUTHORITIES[usize::from(major) % AUTHORITIES.len()];
    plane.create(name, &major.to_string(), &[("CACertificateIdentifier", authority)]);
    let instance = plane.wait_available(name);
    let (target, bundle) = (target(&instance), plane.bundle().display().to_string());
    let question = [&*target, "--bundle", &*bundle];

    let report = Report::of(&question);
    assert!(report.connections() < 100, "{report:?}");
    the_server_is_seen_as_it_is(plane, &instance, &report, major);
    the_certificate_is_seen_as_it_is(&instance, &report, authority);
    let key = authority.strip_prefix("rds-ca-").unwrap();
    assert_eq!(report.findings(), findings(major, key.starts_with("rsa"), is_system), "{report:?}");

    let fast = Report::of(&[&question[..], &["--fast"]].concat());
    assert!(fast.connections() <= 12, "{fast:?}");
    assert_eq!(fast.versions(), report.versions());
    assert_eq!(fast.0["chain"], report.0["chain"]);
    for name in ["plaintext_refused", "authentication", "direct_tls", "protocol", "key_proved"] {
        assert_eq!(fast.fact(name), report.fact(name), "{name}");
    }
    let own = a_session_says_the_same(plane, &instance, &question);
    if is_system || JUDGED.contains(&major) {
        openssl::assert_agrees(&instance, &suites(&report));
        assert_sslscan_agrees(address(&instance), &report);
        let seen = sslyze(address(&instance), &instance.endpoint, &plane.bundle());
        assert_sslyze_agrees(&seen, &report);
    }
    plane.delete(name);
    plane.wait_deleted(name);
    vec![report, fast, own]
}

fn the_server_is_seen_as_it_is(
    plane: &ControlPlane,
    instance: &Instance,
    report: &Report,
    major: u16,
) {
    // What the answer to `GSSENCRequest` tells (12), words of refusals (14), TLS without
    // `SSLRequest` (17) and the version of the protocol (18).
    let range: [Value; 2] = match major {
        ..=11 => [Value::Null, 11.into()],
        12..=14 => [12.into(), 16.into()],
        15 | 16 => [14.into(), 16.into()],
        17 => [17.into(), 17.into()],
        _ => [18.into(), Value::Null],
    };
    let seen = ["major_version_from", "major_version_to"].map(|name| report.fact(name).clone());
    assert_eq!(seen, range, "{major}");
    assert_eq!(report.fact("protocol"), if major < 18 { "3.0" } else { "3.2" });
    let is_direct = report.fact("direct_tls") == "accepted with ALPN postgresql";
    assert_eq!(is_direct, major >= 17, "{major}");
    let versions = &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"][if major < 12 { 0 } else { 2 }..];
    assert_eq!(report.versions(), versions, "{major}");
    let plain = Psql::to(plane, instance).with("sslmode", "disable").run("SELECT 1");
    assert_eq!(report.fact("plaintext_refused"), !plain.status.success(), "{major}");
    let authentication = match major {
        ..=13 => "an md5 password",
        _ => "SCRAM-SHA-256-PLUS or SCRAM-SHA-256",
    };
    assert_eq!(report.fact("authentication"), authentication, "{major}");
    assert_eq!(*report.fact("failures"), json!([]));
    let own = report.outcome("psql", "verify-full", "given");
    assert_eq!(own, "verified");
}

fn the_certificate_is_seen_as_it_is(instance: &Instance, report: &Report, authority: &str) {
    let served = instance.served_certificate();
    assert_eq!(
        report.fingerprints(),
        [fingerprint(&served.leaf), fingerprint(&served.chain)],
        "{authority}"
    );
    let chain = &report.0["chain"];
    for fact in ["libpq_trusts", "strict_trusts", "libpq_name", "strict_name"] {
        assert_eq!(chain[fact], true, "{fact}: {report:?}");
    }
    assert_eq!(chain["other_chains"], 0);
    let leaf = &report.certificates()[0];
    let kind = if authority.contains("rsa") { "rsa" } else { "ec" };
    assert_eq!(
        (&leaf["key"], &leaf["alternative_names"]),
        (&json!(kind), &json!([instance.endpoint]))
    );
    assert_eq!(*report.fact("key_proved"), true);
}

/// All that there is to find, by what is known of the releases; sorted.
fn findings(major: u16, is_rsa: bool, is_system: bool) -> Vec<&'static str> {
    let mut ids = vec!["group.no_post_quantum", "suite.cbc_sha1"];
    // Debian leaves ARIA and Camellia in, and OpenSSL 3 has no SHA-1 at security level 2.
    ids.push("suite.outdated");
    if !is_system {
        ids.push("signature.sha1");
    }
    if is_rsa {
        ids.push("suite.static_rsa");
    }
    if major < 15 {
        ids.push("plaintext.accepted");
    }
    if major < 14 {
        ids.extend(["auth.md5", "auth.password_at_risk"]);
    }
    if major < 12 {
        ids.push("version.old");
    }
    ids.sort_unstable();
    ids
}

/// With the role's password: the server's own words of its release, the session and the login.
fn a_session_says_the_same(plane: &ControlPlane, instance: &Instance, question: &[&str]) -> Report {
    let mut command =
        probe(&[question, &["--user", MASTER_USERNAME, "--dbname", "postgres"]].concat());
    let own = Report::read(run(command.arg("--json").env("PGPASSWORD", MASTER_PASSWORD), ""));
    let version = Psql::to(plane, instance).query("SHOW server_version");
    assert_eq!(own.fact("server_version"), &*version);
    assert_eq!(*own.fact("session_ssl"), true);
    let offers_plus = own.fact("authentication").as_str().unwrap().contains("PLUS");
    assert_eq!(own.fact("channel_binding").as_bool(), offers_plus.then_some(true), "{own:?}");
    assert!(own.connections() < 100, "{own:?}");
    own
}

/// A report's suites, as the openssl command's enumeration is held against them.
fn suites(report: &Report) -> [Vec<Cipher>; 4] {
    TlsVersion::ALL.map(|version| {
        let suite = |name| ciphers().find(|suite| suite.openssl == name).expect("a suite");
        report.suites(version.name()).into_iter().map(suite).collect()
    })
}
