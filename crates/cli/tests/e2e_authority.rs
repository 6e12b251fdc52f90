//! `pgkeep authority`: what signs is shown, and a certificate that was revoked is refused by
//! clients that check, and replaced under open sessions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic fails the test that called; the time is the real one"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Outcome, Psql, Served, Session, openssl, run, wait_until};

const LIMIT: Duration = Duration::from_mins(1);
const DEFAULT: &str = "rds-ca-rsa2048-g1";

fn authority(plane: &ControlPlane, arguments: &[&str]) -> Outcome {
    run(plane.command("authority").args(arguments), "")
}

/// The revocation lists of now, as a client would keep them.
fn keep_lists(plane: &ControlPlane, name: &str) -> PathBuf {
    let path = plane.desk().join(name);
    let lists = run(plane.command("bundle").arg("--crl"), "").success() + "\n";
    assert_eq!(lists.matches("BEGIN X509 CRL").count(), 6, "a root's and a subordinate's each");
    fs::write(&path, lists).unwrap();
    path
}

/// What OpenSSL, which checks every certificate of the chain for revocation, says of a server's.
fn checked(plane: &ControlPlane, served: &Served, lists: &Path) -> Result<(), String> {
    let file = |name: &str, content: &str| {
        let path = plane.desk().join(format!("{name}.pem"));
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (leaf, chain) = (file("leaf", &served.leaf), file("chain", &served.chain));
    let (roots, lists) = (plane.bundle().display().to_string(), lists.display().to_string());
    let verify = ["verify", "-x509_strict", "-crl_check", "-crl_check_all", "-CRLfile", &lists];
    let outcome =
        openssl(&[&verify[..], &["-CAfile", &roots, "-untrusted", &chain, &leaf]].concat(), "");
    if outcome.status.success() { Ok(()) } else { Err(outcome.stderr + &outcome.stdout) }
}

#[test]
fn a_revoked_certificate_is_refused_and_replaced() {
    let mut plane = ControlPlane::start();
    plane.create("db", "16", &[]);
    let instance = plane.wait_available("db");
    let lists = keep_lists(&plane, "before.crl");
    let psql = Psql::to(&plane, &instance).with("sslcrl", &lists.display().to_string());
    assert_eq!(psql.query("SELECT 1"), "1");
    let mut session = Session::open(&psql);
    assert_eq!(session.ask("SELECT 2;"), "2");
    let old = instance.served_certificate();
    assert_eq!(checked(&plane, &old, &lists), Ok(()));

    let said = authority(&plane, &["revoke", "db"]).success();
    let new = instance.served_certificate();
    assert_ne!(new.serial, old.serial);
    let serial = old.serial.to_lowercase();
    assert!(said.starts_with(&format!("{serial} is revoked, and in the lists")), "{said}");
    let line = format!("db: serves {} by {DEFAULT}", new.serial.to_lowercase());
    assert!(said.contains(&line), "{said}");
    let newer = keep_lists(&plane, "after.crl");
    let refusal = checked(&plane, &old, &newer).unwrap_err();
    assert!(refusal.contains("certificate revoked"), "{refusal}");
    assert_eq!(checked(&plane, &new, &newer), Ok(()));
    let psql = psql.with("sslcrl", &newer.display().to_string());
    assert_eq!(psql.query("SELECT 3"), "3");
    assert_eq!(session.ask("SELECT 4;"), "4");
    session.close();
    // Over HTTP, the same; and the others' lists are no longer for it.
    let (status, fetched) = plane.api().fetch("/global/global-bundle.crl");
    assert_eq!((status, fetched), (200, fs::read(&newer).unwrap()));
    let (status, own) = plane.api().fetch(&format!("/global/{DEFAULT}.crl"));
    assert_eq!(status, 200);
    let own = String::from_utf8(own).unwrap();
    let (_, of_subordinate) = own.split_at(own.rfind("-----BEGIN").unwrap());
    let text = openssl(&["crl", "-noout", "-text"], of_subordinate).success();
    assert!(text.contains("Version 2") && text.contains(&old.serial), "{text}");
    assert!(text.contains("X509v3 CRL Number") && text.contains("Key Compromise"), "{text}");
    let events = plane.call("DescribeEvents", &[("SourceType", "db-instance")]).unwrap();
    let messages = events.texts("Message");
    let event = format!("Issued a new server certificate by {DEFAULT}, since the one in use was");
    assert!(messages.iter().any(|it| it.starts_with(&event)), "{messages:?}");

    assert!(authority(&plane, &["revoke", "--serial", &old.serial]).success().contains("before"));
    let unknown = authority(&plane, &["revoke", "--serial", "ab:cd"]).failure();
    assert!(unknown.contains("no DB instance has abcd in use"), "{unknown}");
    let said = authority(&plane, &["revoke", "--serial", "ab:cd", "--ca", DEFAULT]).success();
    assert!(said.starts_with("abcd is revoked, and in the lists"), "{said}");

    // While pgkeep is down: at its next start.
    plane.kill();
    let said = authority(&plane, &["revoke", "db"]).success();
    assert!(said.contains("pgkeep does not run"), "{said}");
    assert_eq!(instance.served_certificate(), new);
    plane.restart();
    wait_until("replaced", LIMIT, || {
        let served = instance.served_certificate();
        if served.serial == new.serial { Err(served.serial) } else { Ok(()) }
    });
    plane.wait_available("db");
    let last = keep_lists(&plane, "last.crl");
    assert!(checked(&plane, &new, &last).is_err());
    assert_eq!(checked(&plane, &instance.served_certificate(), &last), Ok(()));
    let psql = psql.with("sslcrl", &last.display().to_string());
    assert_eq!(psql.query("SELECT 5"), "5");

    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

#[test]
fn authorities_are_shown_without_their_keys() {
    let mut plane = ControlPlane::start();
    plane.create("db", "16", &[]);
    plane.wait_available("db");
    let listed = authority(&plane, &["ls"]).success();
    let line = listed.lines().find(|line| line.starts_with(DEFAULT)).unwrap();
    assert!(line.contains("Root CA RSA2048 G1") && line.ends_with("db"), "{line}");
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let shown = authority(&plane, &["show", DEFAULT]).success();
    let root = authority(&plane, &["export", DEFAULT]).success() + "\n";
    let fingerprint = openssl(&["x509", "-noout", "-fingerprint", "-sha256"], &root).success();
    let fingerprint = fingerprint.split_once('=').unwrap().1.replace(':', "").to_lowercase();
    assert!(shown.contains(fingerprint.trim()), "{shown}");
    let chain = authority(&plane, &["export", DEFAULT, "--chain"]).success();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
    assert!(!chain.contains("PRIVATE"));
    let refused = authority(&plane, &["show", "nobody"]).failure();
    assert!(refused.contains("there is no authority nobody"), "{refused}");
    let own = openssl(&["x509", "-noout", "-serial"], &chain).success();
    let own = own.split_once('=').unwrap().1;
    let refused = authority(&plane, &["revoke", "--serial", own]).failure();
    assert!(refused.contains("is the authority"), "{refused}");

    // Whether pgkeep runs or not.
    plane.delete("db");
    plane.wait_deleted("db");
    plane.kill();
    let rows = authority(&plane, &["ls", "--json"]).success();
    assert_eq!(rows.matches("\"identifier\"").count(), 3, "{rows}");
    assert_eq!(
        authority(&plane, &["show", DEFAULT]).success().lines().last(),
        Some("instances      -")
    );
}
