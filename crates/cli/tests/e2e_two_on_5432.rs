//! Two instances on PostgreSQL's own port at the same time, and nothing that both have; and where
//! their names lead.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Instance, Psql, wait_until};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn two_instances_share_a_port_and_nothing_else() {
    let plane = ControlPlane::start();
    plane.create("one", "16", &[("Port", "5432")]);
    plane.create("two", "16", &[]);
    let instances = [plane.wait_available("one"), plane.wait_available("two")];
    assert_eq!(instances.each_ref().map(|it| it.port), [5432, 5432]);
    assert_ne!(instances[0].address, instances[1].address);

    let [one, two] = instances.each_ref().map(|instance| Own::of(&plane, instance));
    assert_ne!(one.system_identifier, two.system_identifier);
    assert_ne!(one.key, two.key);
    assert_ne!(one.serial, two.serial);

    // Each one's name leads a verifying client to it, and to no other.
    let [one, two] = &instances;
    let astray = Psql::to(&plane, one).with("host", &two.endpoint).refusal();
    assert!(astray.contains("does not match host name"), "{astray}");

    for identifier in ["one", "two"] {
        plane.delete(identifier);
    }
    plane.wait_deleted("one");
    plane.wait_deleted("two");
    plane.assert_clean();
}

#[test]
fn an_instance_is_renamed_while_it_is_stopped() {
    let plane = ControlPlane::start();
    plane.create("before", "16", &[]);
    let before = plane.wait_available("before");
    plane.call("StopDBInstance", &[("DBInstanceIdentifier", "before")]).unwrap();
    plane.wait_for("before", "stopped");
    let renamed = [
        ("DBInstanceIdentifier", "before"),
        ("NewDBInstanceIdentifier", "after"),
        ("ApplyImmediately", "true"),
    ];
    plane.call("ModifyDBInstance", &renamed).unwrap();
    let after = plane.wait_for("after", "stopped");
    wait_until("the new name is published, and the old one is not", LIMIT, || {
        let addresses = plane.addresses();
        let old = addresses.contains_key(&before.endpoint);
        let new = addresses.get(&after.endpoint) == after.address.as_ref();
        if new && !old { Ok(()) } else { Err(format!("{addresses:?}")) }
    });
    plane.delete_all(&["after"]);
}

/// What an instance has for itself.
struct Own {
    system_identifier: String,
    key: Vec<u8>,
    serial: String,
}

impl Own {
    fn of(plane: &ControlPlane, instance: &Instance) -> Self {
        let psql = Psql::to(plane, instance);
        let folder = plane.data_directory().join("instances").join(&instance.resource_id);
        let key = std::fs::read(folder.join("rds-metadata/server-key.pem")).unwrap();
        Self {
            system_identifier: psql.query("SELECT system_identifier FROM pg_control_system()"),
            key,
            serial: instance.served_certificate().serial,
        }
    }
}
