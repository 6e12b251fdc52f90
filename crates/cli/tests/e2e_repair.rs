//! Certificates and keys that go wrong: damaged behind pgkeep's back, or refused by PostgreSQL.
//! The server and its sessions go on, and what is served in the end is judged by openssl.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

mod pair;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use pair::{metadata, overwrite};
use pgkeep_testkit::{ControlPlane, Instance, Options, Paused, Psql, Session, wait_until};

const LIMIT: Duration = Duration::from_mins(1);
const FAILPOINT: &str = "PGKEEP_FAILPOINT";

/// One that looks at the files all the time.
fn attentive() -> ControlPlane {
    let environment = vec![("PGKEEP_PAIR_LOOK_MS".to_owned(), "20".to_owned())];
    ControlPlane::start_with(Options { environment, ..Options::default() })
}

/// Waits for another certificate than that, and holds that it is whole.
#[track_caller]
fn wait_renewed(plane: &ControlPlane, instance: &Instance, before: &str) -> String {
    let served = wait_until("another certificate", LIMIT, || {
        let served = instance.served_certificate();
        if served.serial == before { Err(served.serial) } else { Ok(served) }
    });
    assert_eq!(plane.verify(&served, &instance.endpoint, &plane.bundle()), Ok(()));
    served.serial
}

/// Waits for an event that says this, as the `count`-th.
#[track_caller]
fn wait_event(plane: &ControlPlane, text: &str, count: usize) -> String {
    wait_until(text, LIMIT, || {
        let events = plane.events("db");
        let mut said = events.lines().filter(|line| line.contains(text));
        said.nth(count - 1).map(str::to_owned).ok_or_else(|| events.clone())
    })
}

/// What is found, and what is done to a file.
type Damage = (&'static str, Box<dyn Fn()>);

fn truncate(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

#[test]
fn damaged_files_are_replaced_while_sessions_go_on() {
    let mut plane = attentive();
    plane.create("db", "16", &[]);
    plane.create("other", "16", &[]);
    let instance = plane.wait_available("db");
    let other = plane.wait_available("other");
    let other_serial = other.served_certificate().serial;
    let pid = plane.postmaster(&instance.resource_id);
    let folder = metadata(&plane, &instance);
    let stranger = metadata(&plane, &other);
    let mut session = Session::open(&Psql::to(&plane, &instance));
    let mut serial = instance.served_certificate().serial;

    let file = |name: &str| folder.join(name);
    let (key, certificate, roots) =
        (file("server-key.pem"), file("server-cert.pem"), file("ca-cert.pem"));
    let (again, link) = (key.clone(), folder.clone());
    let strange = |name: &str| stranger.join(name);
    let (their_key, theirs) = (strange("server-key.pem"), strange("server-cert.pem"));
    let opened = key.clone();
    let damages: [Damage; 6] = [
        ("server-key.pem: No such file", Box::new(move || fs::remove_file(&key).unwrap())),
        ("the certificate is for other.", Box::new(move || overwrite(&certificate, &theirs))),
        ("the roots are not those of the trust bundle", Box::new(move || truncate(&roots))),
        ("rds-metadata: No such file", Box::new(move || fs::remove_file(&link).unwrap())),
        ("the key is not that of the certificate", {
            Box::new(move || overwrite(&again, &their_key))
        }),
        ("can be read by others (mode 0644)", {
            Box::new(move || fs::set_permissions(&opened, Permissions::from_mode(0o644)).unwrap())
        }),
    ];
    for (found, damage) in damages {
        damage();
        serial = wait_renewed(&plane, &instance, &serial);
        let event = wait_event(&plane, found, 1);
        assert!(event.starts_with("Issued a new server certificate by "), "{event}");
        assert_eq!(plane.wait_available("db").status, "available");
        assert_eq!(session.ask("SELECT 1;"), "1");
        assert_eq!(Psql::to(&plane, &instance).query("SELECT 2"), "2");
    }
    // Nobody was there to see it, and the server runs.
    plane.kill();
    truncate(&file("server-cert.pem"));
    plane.restart();
    serial = wait_renewed(&plane, &instance, &serial);
    assert_eq!(session.ask("SELECT 3;"), "3");
    session.close();
    assert_eq!(plane.postmaster(&instance.resource_id), pid);

    // And none runs.
    let name = [("DBInstanceIdentifier", "db")];
    plane.call("StopDBInstance", &name).unwrap();
    plane.wait_for("db", "stopped");
    fs::remove_file(file("server-key.pem")).unwrap();
    plane.call("StartDBInstance", &name).unwrap();
    let instance = plane.wait_available("db");
    wait_renewed(&plane, &instance, &serial);

    assert_eq!(other.served_certificate().serial, other_serial, "nothing happened to it");
    assert_eq!(plane.events("other"), "DB instance created.");
    plane.delete_all(&["db", "other"]);
}

/// PostgreSQL refuses a key that others can read, and goes on with the certificate that it has.
#[test]
fn a_refused_certificate_is_put_back_and_tried_again_later() {
    let mut plane = ControlPlane::start();
    plane.create("db", "16", &[("CACertificateIdentifier", "rds-ca-rsa2048-g1")]);
    let instance = plane.wait_available("db");
    let old = instance.served_certificate();
    let pid = plane.postmaster(&instance.resource_id).unwrap();
    let link = metadata(&plane, &instance);
    let mut session = Session::open(&Psql::to(&plane, &instance));
    let in_use = fs::read_link(&link).unwrap();

    let interruptions = ["before:kill", "after:kill", "before:fail", "after:fail"].map(Some);
    for (number, interruption) in [None].into_iter().chain(interruptions).enumerate() {
        plane.kill();
        plane.restart_with(FAILPOINT, interruption.map(|how| format!("put-back:{how}")));
        plane.wait_available("db");
        let paused = Paused::process(pid);
        // The second and later wishes are new ones, so that they do not wait.
        plane.modify("db", &[("CACertificateIdentifier", "rds-ca-ecc384-g1")]);
        wait_until("a new pair is in use", LIMIT, || {
            let now = fs::read_link(&link).unwrap();
            if now == in_use { Err(format!("{now:?}")) } else { Ok(()) }
        });
        let key = link.join("server-key.pem");
        fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
        drop(paused);
        if interruption.is_some_and(|how| how.ends_with("kill")) {
            wait_until("it dies", LIMIT, || plane.has_ended().then_some(()).ok_or(plane.log()));
            plane.restart_with(FAILPOINT, None);
        }
        let event = wait_event(&plane, "Put the previous server certificate back", number + 1);
        assert!(event.contains("private key file"), "{event}");
        assert!(event.contains("has group or world access"), "{event}");
        plane.wait_available("db");
        assert_eq!(fs::read_link(&link).unwrap(), in_use);
        let served = instance.served_certificate();
        assert_eq!(served, old);
        assert_eq!(plane.verify(&served, &instance.endpoint, &plane.bundle()), Ok(()));
        assert_eq!(session.ask("SELECT 1;"), "1");
    }
    session.close();
    // It waits, whatever else happens.
    plane.restart_with(FAILPOINT, None);
    let instance = plane.wait_available("db");
    assert_eq!(instance.served_certificate().serial, old.serial);

    plane.kill();
    plane.restart_with("PGKEEP_CLOCK_DAYS", Some("1".to_owned()));
    wait_until("the other authority", LIMIT, || {
        let authority = plane.wait_available("db").xml.text("CAIdentifier").unwrap();
        if authority == "rds-ca-ecc384-g1" { Ok(()) } else { Err(authority) }
    });
    assert_ne!(instance.served_certificate().serial, old.serial);
    plane.kill();
    plane.restart_with("PGKEEP_CLOCK_DAYS", None);
    plane.wait_available("db");
    plane.delete_all(&["db"]);
}
