//! Authorities over decades, with a real server: pgkeep is started again and again with a clock
//! that comes ever nearer to the present, so that in the end clients of today can judge.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic fails the test that called; the clock comes up to the real time"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Instance, Options, Psql, Session, openssl, run, wait_until};
use time::OffsetDateTime;

const LIMIT: Duration = Duration::from_mins(1);
const CLOCK: &str = "PGKEEP_CLOCK_DAYS";
const AUTHORITY: &str = "rds-ca-rsa2048-g1";

/// So many years ago, in days.
fn ago(years: i64) -> String {
    (-years * 1461 / 4).to_string()
}

/// Keeps the bundle of now, as a client would.
fn keep_bundle(plane: &ControlPlane, name: &str) -> PathBuf {
    let path = plane.desk().join(name);
    fs::copy(plane.bundle(), &path).unwrap();
    path
}

fn count(bundle: &[u8]) -> usize {
    String::from_utf8_lossy(bundle).matches("BEGIN CERTIFICATE").count()
}

/// The end of the issuer's name: `G1.A`.
fn issuer(instance: &Instance) -> String {
    let leaf = instance.served_certificate().leaf;
    let issuer = openssl(&["x509", "-noout", "-issuer"], &leaf).success();
    issuer.trim_end().rsplit(' ').next().unwrap().to_owned()
}

/// What `DescribeCertificates` tells of the root, and what it is by the bundle.
fn thumbprint(plane: &ControlPlane) -> String {
    let parameters = [("CertificateIdentifier", AUTHORITY)];
    let described = plane.call("DescribeCertificates", &parameters).unwrap();
    described.text("Thumbprint").unwrap()
}

/// The serial numbers of that kind of the authority's, as `/metrics` has them.
fn in_metrics(plane: &ControlPlane, kind: &str) -> usize {
    let (status, text) = plane.api().fetch("/metrics");
    assert_eq!(status, 200);
    let labels = format!("ca_certificate_identifier=\"{AUTHORITY}\",kind=\"{kind}\"");
    String::from_utf8(text).unwrap().lines().filter(|line| line.contains(&labels)).count()
}

/// Asks `pgkeep doctor` for its opinion of a bundle.
#[track_caller]
fn doctor(plane: &ControlPlane, bundle: &Path, days: &str, code: i32, level: &str, said: &str) {
    let mut command = plane.command("doctor");
    let asked = run(command.arg("--bundle").arg(bundle).env(CLOCK, days), "");
    assert_eq!(asked.status.code(), Some(code), "{asked:?}");
    let mut lines = asked.stdout.lines().filter(|line| line.starts_with(level));
    assert!(lines.any(|line| line.contains(said)), "{}", asked.stdout);
}

/// Asks of an authority that is to sign from the next window on.
fn the_same_of_a_choice(plane: &ControlPlane, old: &Path) {
    let change = [
        ("DBInstanceIdentifier", "db"),
        ("CACertificateIdentifier", "rds-ca-ecc384-g1"),
        ("ApplyImmediately", "false"),
    ];
    plane.call("ModifyDBInstance", &change).unwrap();
    let own = plane.desk().join("own.pem");
    let pem = run(plane.command("bundle").args(["--ca", AUTHORITY]), "").success() + "\n";
    fs::write(&own, pem).unwrap();
    let chosen = "db, once it has rds-ca-ecc384-g1, is";
    doctor(plane, &own, "0", 1, "fail", &format!("{chosen} not verified"));
    doctor(plane, old, "0", 0, "ok", &format!("{chosen} verified at least until 20"));
}

#[test]
fn a_client_of_today_trusts_the_next_root_by_an_old_bundle() {
    let environment = vec![(CLOCK.to_owned(), ago(37))];
    let mut plane = ControlPlane::start_with(Options { environment, ..Options::default() });
    // Its window is shut today.
    let day = (OffsetDateTime::now_utc() + time::Duration::days(3)).weekday().to_string();
    let window = format!("{0}:04:00-{0}:05:00", &day[..3]);
    plane.create("db", "16", &[("PreferredMaintenanceWindow", &window)]);
    let instance = plane.wait_available("db");
    let postmaster = plane.postmaster(&instance.resource_id);
    // No client of today accepts a certificate of then; this one does not ask.
    let unverified = Psql::to(&plane, &instance).with("sslmode", "require").with("sslrootcert", "");
    let mut session = Session::open(&unverified);
    let first = keep_bundle(&plane, "first.pem");
    let first_root = thumbprint(&plane);
    assert_eq!(issuer(&instance), "G1.A");

    for (years, signs, roots) in [(26, "G1.B", 1), (15, "G1.C", 2), (8, "G1.C", 2)] {
        let before = instance.served_certificate().serial;
        plane.kill();
        plane.restart_with(CLOCK, Some(ago(years)));
        wait_until("renewed", LIMIT, || {
            let served = instance.served_certificate();
            if served.serial == before { Err(served.serial) } else { Ok(()) }
        });
        assert_eq!(plane.wait_available("db").status, "available");
        assert_eq!(issuer(&instance), signs);
        assert_eq!(thumbprint(&plane), first_root);
        assert_eq!(in_metrics(&plane, "root"), roots);
        assert_eq!(in_metrics(&plane, "subordinate"), 1);
        let events = plane.events("db");
        let signer = format!("New certificates by {AUTHORITY} are signed by ");
        let told = events.lines().find(|it| it.starts_with(&signer));
        assert_eq!(told.is_some_and(|it| it.contains(signs)), years != 8, "{events}");
        let another = format!("The trust bundle has another root of {AUTHORITY}, ");
        assert_eq!(events.contains(&another), years == 15, "{events}");
        let now = keep_bundle(&plane, &format!("{years}.pem"));
        // Until when the first root covers a whole subordinate: 10 of its 40 years before the end.
        let until = if roots == 1 { "is verified at least until" } else { "is verified until" };
        let (level, said) = (if roots == 1 { "ok" } else { "warn" }, format!("db {until} 20"));
        doctor(&plane, &first, &ago(years), 0, level, &said);
        doctor(&plane, &now, &ago(years), 0, "ok", "db is verified at least until 20");
    }
    let old = plane.desk().join("15.pem");
    assert_eq!(count(&fs::read(&first).unwrap()), 3);
    assert_eq!(count(&fs::read(&old).unwrap()), 4, "with the next root");

    // Today the next root signs.
    plane.kill();
    plane.restart_with(CLOCK, None);
    wait_until("it signs", LIMIT, || {
        let issuer = issuer(&instance);
        if issuer == "G1.2.A" { Ok(()) } else { Err(issuer) }
    });
    plane.wait_available("db");
    assert_ne!(thumbprint(&plane), first_root);
    assert_eq!(session.ask("SELECT 1;"), "1");
    session.close();
    assert_eq!(plane.postmaster(&instance.resource_id), postmaster);
    let served = instance.served_certificate();
    let psql = Psql::to(&plane, &instance);
    for bundle in [&old, &plane.desk().join("8.pem"), &plane.bundle()] {
        assert_eq!(plane.verify(&served, &instance.endpoint, bundle), Ok(()));
        let psql = psql.clone().with("sslrootcert", &bundle.display().to_string());
        assert_eq!(psql.query("SELECT 2"), "2");
    }
    doctor(&plane, &old, "0", 0, "ok", "db is verified at least until 20");
    doctor(&plane, &first, "0", 1, "fail", "Root CA RSA2048 G1.2 is not there");
    the_same_of_a_choice(&plane, &old);
    let refusal = plane.verify(&served, &instance.endpoint, &first).unwrap_err();
    assert!(refusal.contains("unable to get local issuer certificate"), "{refusal}");

    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// Without a restart: what a look finds missing is made, and files, HTTP and API follow.
#[test]
fn bundles_follow_while_pgkeep_runs() {
    let environment = vec![("PGKEEP_AUTHORITIES_LOOK_MS".to_owned(), "20".to_owned())];
    let plane = ControlPlane::start_with(Options { environment, ..Options::default() });
    let before = fs::read(plane.bundle()).unwrap();
    let root = thumbprint(&plane);
    let folder = plane.data_directory().join("authorities").join(AUTHORITY);
    fs::rename(&folder, plane.desk().join("gone")).unwrap();
    let path = plane.data_directory().join("global-bundle.pem");
    let after = wait_until("another bundle", LIMIT, || {
        let after = fs::read(&path).unwrap();
        if after.trim_ascii() == before.trim_ascii() { Err(String::new()) } else { Ok(after) }
    });
    assert_eq!(count(&after), 3);
    assert_eq!(plane.api().fetch("/global/global-bundle.pem"), (200, after));
    assert_ne!(thumbprint(&plane), root);
    plane.assert_clean();
}
