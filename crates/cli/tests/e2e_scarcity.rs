//! What an instance needs and does not get: its port, or room on the disk. It is never `available`
//! then; what stands in the way is told; and it recovers, or can be deleted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Disk, Options, Psql, wait_until};

/// After failures in a row pgkeep tries again once a minute.
const LIMIT: Duration = Duration::from_mins(3);

/// Waits for a word in the log; meanwhile the instance is never available.
#[track_caller]
fn wait_for_word(plane: &ControlPlane, identifier: &str, word: &str) {
    wait_until(word, LIMIT, || {
        let status = plane.instance(identifier).unwrap().status;
        assert_ne!(status, "available");
        if plane.log().contains(word) { Ok(()) } else { Err(status) }
    });
}

#[test]
fn a_taken_port_is_waited_for() {
    let plane = ControlPlane::start();
    // Held on all addresses, so that no other loopback address helps.
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    plane.create("db", "16", &[("Port", &port.to_string())]);
    wait_for_word(&plane, "db", "Address already in use");
    // Eight addresses are tried, then the wait begins.
    wait_for_word(&plane, "db", "attempt=9");
    drop(taken);
    let instance = plane.wait_available("db");
    assert_eq!(instance.port, port);
    assert_eq!(Psql::to(&plane, &instance).query("SELECT 1"), "1");

    // The same, for an instance that had been available and that nobody can be led astray from.
    plane.call("StopDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    plane.wait_for("db", "stopped");
    let _taken = TcpListener::bind((instance.address.unwrap(), port)).unwrap();
    plane.call("StartDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    let moved = plane.wait_available("db");
    assert_ne!(moved.address, instance.address, "another loopback address is as good");
    assert_eq!(Psql::to(&plane, &moved).query("SELECT 1"), "1");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

#[test]
fn a_full_disk_is_survived() {
    let disk = Disk::mount("160m");
    let options =
        Options { pool: 0, data_directory: Some(disk.path().to_owned()), ..Options::default() };
    let plane = ControlPlane::start_with(options);
    // Room for the state file, but for no data directory.
    let filler = disk.fill(130);
    plane.create("waits", "16", &[]);
    plane.create("goes", "16", &[]);
    wait_for_word(&plane, "waits", "No space left on device");
    wait_for_word(&plane, "goes", "No space left on device");
    plane.delete("goes");
    plane.wait_deleted("goes");

    fs::remove_file(&filler).unwrap();
    let instance = plane.wait_available("waits");
    let psql = Psql::to(&plane, &instance);
    assert_eq!(psql.query("SELECT 1"), "1");

    // To the last byte: nothing can be recorded, and what is asked for is refused or done later.
    disk.fill(1000);
    let parameters = [("DBInstanceIdentifier", "waits"), ("DBPortNumber", "6543")];
    let asked = plane.call("ModifyDBInstance", &parameters);
    fs::remove_file(&filler).unwrap();
    if let Err(refusal) = asked {
        assert_eq!((refusal.status, &*refusal.code), (500, "InternalFailure"));
        assert!(refusal.message.contains("disk"), "{refusal}");
        assert_eq!(plane.instance("waits").unwrap().xml, instance.xml);
        plane.modify("waits", &parameters[1..]);
    }
    let instance = plane.wait_available("waits");
    assert_eq!(instance.port, 6543);
    assert_eq!(Psql::to(&plane, &instance).query("SELECT 1"), "1");
    plane.delete("waits");
    plane.wait_deleted("waits");
    plane.assert_clean();
}

#[test]
fn what_is_read_only_is_deleted_all_the_same() {
    let plane = ControlPlane::start();
    plane.create("db", "16", &[]);
    let instance = plane.wait_available("db");
    let folder = plane.data_directory().join("instances").join(&instance.resource_id);
    for closed in ["certificates", "data/base", ""] {
        fs::set_permissions(folder.join(closed), Permissions::from_mode(0o500)).unwrap();
    }
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
    assert_eq!(fs::read_dir(plane.data_directory().join("trash")).unwrap().count(), 0);
}
