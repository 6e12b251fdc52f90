//! Certificates as they come over the wire, judged by the openssl command: of each authority, for
//! the right host and no other, each with a serial number of its own; their renewal; and the
//! bundles to trust.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic fails the test that called; the clock is moved from the real time"
)]

use std::collections::BTreeSet;
use std::fs;

use pgkeep_testkit::{ControlPlane, Instance, Psql, Session, openssl, run, wait_until};
use time::{Duration, OffsetDateTime};

const AUTHORITIES: [(&str, &str); 3] = [
    ("rds-ca-rsa2048-g1", "sha256WithRSAEncryption"),
    ("rds-ca-rsa4096-g1", "sha384WithRSAEncryption"),
    ("rds-ca-ecc384-g1", "ecdsa-with-SHA384"),
];

#[test]
fn what_is_served_passes_strict_verification() {
    let plane = ControlPlane::start();
    let mut serials = BTreeSet::new();
    for (number, (authority, _)) in AUTHORITIES.iter().enumerate() {
        let parameters = [("CACertificateIdentifier", *authority)];
        plane.create(&format!("db-{number}"), "16", &parameters);
    }
    plane.create("db-3", "16", &[]);
    for (number, (authority, signature)) in AUTHORITIES.iter().enumerate() {
        let instance = plane.wait_available(&format!("db-{number}"));
        serials.extend(judge(&plane, &instance, authority, signature));
    }
    let default = plane.wait_available("db-3");
    serials.extend(judge(&plane, &default, AUTHORITIES[0].0, AUTHORITIES[0].1));
    // Four leaves, three subordinates, three roots.
    assert_eq!(serials.len(), 10, "{serials:?}");

    for number in 0..4 {
        plane.delete(&format!("db-{number}"));
    }
    (0..4).for_each(|number| plane.wait_deleted(&format!("db-{number}")));
    plane.assert_clean();
}

/// Judges what an instance serves, and gives the serial numbers of leaf, subordinate and root.
fn judge(plane: &ControlPlane, instance: &Instance, authority: &str, how: &str) -> [String; 3] {
    let served = instance.served_certificate();
    let root = plane.desk().join(format!("{authority}.pem"));
    let pem = run(plane.command("bundle").args(["--ca", authority]), "").success() + "\n";
    fs::write(&root, &pem).unwrap();
    for roots in [&root, &plane.bundle()] {
        assert_eq!(plane.verify(&served, &instance.endpoint, roots), Ok(()));
    }
    let stranger = plane.verify(&served, "db.example.com", &root).unwrap_err();
    assert!(stranger.contains("hostname mismatch"), "{stranger}");
    for (other, _) in AUTHORITIES.iter().filter(|(other, _)| *other != authority) {
        let pem = run(plane.command("bundle").args(["--ca", other]), "").success() + "\n";
        let path = plane.desk().join(format!("{other}.pem"));
        fs::write(&path, pem).unwrap();
        let stranger = plane.verify(&served, &instance.endpoint, &path).unwrap_err();
        assert!(stranger.contains("unable to get local issuer certificate"), "{stranger}");
    }
    let ask = |pem: &str, question: &[&str]| {
        openssl(&[&["x509", "-noout"], question].concat(), pem).success()
    };
    let subject = ask(&served.leaf, &["-subject", "-nameopt", "multiline"]);
    let name = format!("commonName                = {}", instance.endpoint);
    assert!(subject.contains(&name), "{subject}");
    let names = ask(&served.leaf, &["-ext", "subjectAltName"]);
    assert_eq!(names.lines().last().unwrap().trim(), format!("DNS:{}", instance.endpoint));
    let certtext = ask(&served.leaf, &["-text", "-certopt", "no_pubkey,no_sigdump,no_extensions"]);
    assert!(certtext.contains(how), "{certtext}");
    // What the API says of the end of validity is what is served.
    let end = ask(&served.leaf, &["-enddate", "-dateopt", "iso_8601"]);
    let told = instance.xml.text("ValidTill").unwrap();
    assert_eq!(end.trim_start_matches("notAfter=").replace(' ', "T"), told);
    assert_eq!(instance.xml.text("CAIdentifier").as_deref(), Some(authority));
    [&served.leaf, &served.chain, &pem].map(|pem| ask(pem, &["-serial"]))
}

/// Half a year on, in the window of one instance and not of the other; then a month before the end.
/// The server and its sessions go on.
#[test]
fn certificates_are_renewed_in_the_window_or_before_it_is_too_late() {
    const HALF: i64 = 190;
    /// Three days after the window.
    const WARNED: i64 = HALF + 3 + 7 * 12 + 3;
    const LATE: i64 = 340;
    let mut plane = ControlPlane::start();
    let now = OffsetDateTime::now_utc();
    let time = |at: OffsetDateTime| format!("{:02}:{:02}", at.hour(), at.minute());
    let window = |days: i64| {
        let begin = now + Duration::days(days) - Duration::hours(1);
        let ends = [begin, begin + Duration::hours(3)];
        let ends = ends.map(|it| format!("{}:{}", &it.weekday().to_string()[..3], time(it)));
        ends.join("-")
    };
    let backup = [12, 13].map(|hours| time(now + Duration::hours(hours))).join("-");
    let mut before = Vec::new();
    for (name, window) in [("open", window(HALF)), ("closed", window(HALF + 3))] {
        let windows =
            [("PreferredMaintenanceWindow", &*window), ("PreferredBackupWindow", &*backup)];
        plane.create(name, "16", &windows);
        before.push(plane.wait_available(name));
    }
    let [open, closed] = before.try_into().unwrap();
    let serials = [&open, &closed].map(|it| it.served_certificate().serial);
    let servers = [&open, &closed].map(|it| plane.postmaster(&it.resource_id));
    let mut session = Session::open(&Psql::to(&plane, &closed));
    assert_eq!(session.ask("SELECT 1;"), "1");

    plane.kill();
    plane.restart_with("PGKEEP_CLOCK_DAYS", Some(HALF.to_string()));
    let renewed = |instance: &Instance, old: &str| {
        let served = instance.served_certificate();
        if served.serial == old { Err(served.serial) } else { Ok(served) }
    };
    let limit = std::time::Duration::from_mins(1);
    let first = wait_until("renewed", limit, || renewed(&open, &serials[0]));
    let end = openssl(&["x509", "-noout", "-checkend", &seconds(HALF + 360)], &first.leaf);
    assert!(end.status.success(), "{end:?}");
    assert_eq!(closed.served_certificate().serial, serials[1], "its window is shut");

    // It is late, and that is said.
    plane.kill();
    plane.restart_with("PGKEEP_CLOCK_DAYS", Some(WARNED.to_string()));
    let warning = "The server certificate ends in 8";
    wait_until("a warning", limit, || {
        let events = plane.events("closed");
        if events.contains(warning) { Ok(()) } else { Err(events) }
    });
    assert_eq!(closed.served_certificate().serial, serials[1], "its window is shut");

    plane.kill();
    plane.restart_with("PGKEEP_CLOCK_DAYS", Some(LATE.to_string()));
    wait_until("renewed", limit, || renewed(&closed, &serials[1]));
    let events = plane.events("closed");
    assert!(!events.contains("certificate ends"), "what is renewed is not spoken of: {events}");
    assert_eq!([&open, &closed].map(|it| plane.postmaster(&it.resource_id)), servers);
    assert_eq!(session.ask("SELECT 2;"), "2");
    session.close();

    plane.kill();
    plane.restart_with("PGKEEP_CLOCK_DAYS", None);
    for name in ["open", "closed"] {
        plane.delete(name);
        plane.wait_deleted(name);
    }
    plane.assert_clean();
}

fn seconds(days: i64) -> String {
    (days * 24 * 60 * 60).to_string()
}

#[test]
fn bundles_are_the_same_everywhere() {
    let plane = ControlPlane::start();
    let printed = |arguments: &[&str]| {
        let output = plane.command("bundle").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let fetched = |path: &str| {
        let (status, content) = plane.api().fetch(path);
        assert_eq!(status, 200, "{path}");
        content
    };
    let pem = printed(&[]);
    assert_eq!(pem, fetched("/global/global-bundle.pem"));
    assert_eq!(pem, fetched("/us-east-1/us-east-1-bundle.pem"));
    assert_eq!(pem, printed(&["--region", "us-east-1"]));
    let p7b = printed(&["--p7b"]);
    assert_eq!(p7b, fetched("/global/global-bundle.p7b"));
    assert_eq!(p7b, fetched("/us-east-1/us-east-1-bundle.p7b"));
    assert_eq!(plane.api().fetch("/eu-west-1/eu-west-1-bundle.pem").0, 404);

    let mut single = Vec::new();
    for (authority, _) in AUTHORITIES {
        let own = printed(&["--ca", authority]);
        assert_eq!(own, fetched(&format!("/global/{authority}.pem")));
        single.push(certificates(&own));
    }
    let single: BTreeSet<_> = single.concat().into_iter().collect();
    assert_eq!(single, certificates(&pem).into_iter().collect());
    assert_eq!(single.len(), 3, "roots only");

    let path = plane.desk().join("bundle.p7b");
    fs::write(&path, &p7b).unwrap();
    let (path, form) = (path.display().to_string(), ["pkcs7", "-inform", "DER", "-print_certs"]);
    let in_p7b = openssl(&[&form[..], &["-in", &path]].concat(), "").success();
    assert_eq!(single, certificates(in_p7b.as_bytes()).into_iter().collect());
}

/// The certificates in a text, each as its PEM block.
fn certificates(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).into_owned() + "\n";
    let blocks = text.split_inclusive("-----END CERTIFICATE-----\n");
    blocks.filter_map(|block| Some(block[block.find("-----BEGIN")?..].to_owned())).collect()
}
