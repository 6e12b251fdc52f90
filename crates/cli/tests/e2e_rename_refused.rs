//! A rename whose certificate cannot be had: the instance goes on under its old name, as real
//! clients see it, says why, and has the new name as soon as the cause is gone. A rename restarts
//! the server, as in the service, once there is a certificate for the new name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

mod pair;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use pair::{metadata, put_stranger_key};
use pgkeep_testkit::{
    ControlPlane, Instance, Psql, Session, Witness, maintenance_window, wait_until,
};

const LIMIT: Duration = Duration::from_mins(2);

#[test]
fn the_new_certificate_cannot_be_written() {
    let plane = ControlPlane::start();
    let renamed = Renamed::new(&plane);
    let folder = metadata(&plane, &renamed.before).with_file_name("certificates");
    let set = |mode| fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    set(0o500);
    rename(&plane);
    let event = renamed.wait_event("Could not issue a new server certificate by ");
    assert!(event.contains("certificates/") && event.contains("Permission denied"), "{event}");
    renamed.witness.assert_served();
    // Nothing was done to the server yet.
    let mut session = Session::open(&renamed.psql);
    renamed.assert_goes_on();
    assert_eq!(session.ask("SELECT 1;"), "1");
    assert_eq!(plane.postmaster(&renamed.before.resource_id), renamed.postmaster);
    session.close();
    renamed.witness.assert_served();
    set(0o700);
    renamed.assert_comes_good();
}

#[test]
fn the_server_refuses_the_new_certificate() {
    let mut plane = ControlPlane::start();
    plane.create("before", "16", &[]);
    plane.wait_available("before");
    plane.kill();
    plane.restart_with("PGKEEP_FAILPOINT", Some("start:before:stop".to_owned()));
    let renamed = Renamed::new(&plane);
    thread::scope(|scope| {
        scope.spawn(|| rename(&plane));
        let stopped = plane.await_stop();
        put_stranger_key(&plane, &renamed.before, &["-algorithm", "RSA"]);
        drop(stopped);
    });
    let event = renamed.wait_event("Put the previous server certificate back in use");
    assert!(event.contains("key values mismatch"), "{event}");
    renamed.assert_goes_on();
    // The cause was in the files, and others are made.
    renamed.assert_comes_good();
}

/// The name was free when it was asked for, and another has it when the window opens.
#[test]
fn the_new_name_was_taken_meanwhile() {
    let plane = ControlPlane::start();
    let later = maintenance_window(time::Duration::hours(12));
    let between = maintenance_window(time::Duration::hours(6));
    let times: Vec<_> = between.split('-').map(|it| &it["mon:".len()..]).collect();
    let windows =
        [("PreferredMaintenanceWindow", &*later), ("PreferredBackupWindow", &*times.join("-"))];
    plane.create("before", "16", &windows);
    plane.wait_available("before");
    let rename = [("DBInstanceIdentifier", "before"), ("NewDBInstanceIdentifier", "after")];
    plane.call("ModifyDBInstance", &rename).unwrap();
    plane.create("after", "16", &[]);
    plane.wait_available("after");
    let open = maintenance_window(time::Duration::ZERO);
    let opens = [("DBInstanceIdentifier", "before"), ("PreferredMaintenanceWindow", &*open)];
    plane.call("ModifyDBInstance", &opens).unwrap();
    let text = "Did not rename the DB instance to after";
    wait_until(text, LIMIT, || {
        let events = plane.events("before");
        if events.contains(text) { Ok(()) } else { Err(events) }
    });
    let before = plane.wait_available("before");
    assert_eq!(Psql::to(&plane, &before).query("SELECT 1"), "1");
    plane.delete_all(&["before", "after"]);
}

/// An instance that is to be renamed, under the eyes of a client that knows its old name.
struct Renamed<'a> {
    plane: &'a ControlPlane,
    before: Instance,
    serial: String,
    postmaster: Option<i32>,
    psql: Psql,
    witness: Witness,
}

impl<'a> Renamed<'a> {
    fn new(plane: &'a ControlPlane) -> Self {
        if plane.instance("before").is_err() {
            plane.create("before", "16", &[]);
        }
        let before = plane.wait_available("before");
        let serial = before.served_certificate().serial;
        let (psql, postmaster) = (Psql::to(plane, &before), plane.postmaster(&before.resource_id));
        let witness = Witness::of(plane, &before);
        Self { plane, before, serial, postmaster, psql, witness }
    }

    fn wait_event(&self, text: &str) -> String {
        wait_until(text, LIMIT, || {
            let events = self.plane.events("after");
            let said = events.lines().find(|line| line.contains(text)).map(str::to_owned);
            said.ok_or(events)
        })
    }

    /// The old name leads to a server with its certificate, also after the names were written
    /// again for another instance.
    fn assert_goes_on(&self) {
        let Self { plane, before, .. } = self;
        plane.create("other", "16", &[]);
        plane.wait_available("other");
        wait_until("the old name alone leads to it", LIMIT, || {
            let names = plane.addresses();
            let own: Vec<_> = names.iter().filter(|it| Some(*it.1) == before.address).collect();
            if own.len() == 1 && *own[0].0 == before.endpoint {
                Ok(())
            } else {
                Err(format!("{own:?}"))
            }
        });
        let served = before.served_certificate();
        assert_eq!(served.serial, self.serial);
        assert_eq!(plane.verify(&served, &before.endpoint, &plane.bundle()), Ok(()));
        assert_eq!(self.psql.query("SELECT 1"), "1");
        self.witness.assert_not_misled();
        assert_eq!(plane.instance("after").unwrap().status, "renaming");
    }

    fn assert_comes_good(self) {
        let Self { plane, before, serial, witness, .. } = self;
        drop(witness);
        let after = plane.wait_available("after");
        assert_eq!(after.resource_id, before.resource_id);
        assert_eq!(after.address, before.address);
        assert!(!plane.addresses().contains_key(&before.endpoint), "the old name has gone");
        let served = after.served_certificate();
        assert_ne!(served.serial, serial);
        assert_eq!(plane.verify(&served, &after.endpoint, &plane.bundle()), Ok(()));
        assert_eq!(Psql::to(plane, &after).query("SELECT 1"), "1");
        plane.delete_all(&["after", "other"]);
    }
}

fn rename(plane: &ControlPlane) {
    plane.modify("before", &[("NewDBInstanceIdentifier", "after")]);
}
