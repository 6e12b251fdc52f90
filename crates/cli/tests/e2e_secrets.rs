//! A master password, from the request to the login: nothing keeps it and no process is told it,
//! with every log at its most talkative.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use std::fs;

use groups::{LIMIT, create_group, set};
use pgkeep_testkit::{ControlPlane, Instance, MASTER_USERNAME, Options, Psql, wait_until};

const FIRST: &str = "FourteenBicyclesSing";
const SECOND: &str = "SeventeenLaddersDance";

#[test]
fn a_master_password_is_nowhere() {
    let environment = vec![("PGKEEP_LOG".to_owned(), "trace".to_owned())];
    let plane = ControlPlane::start_with(Options { environment, ..Options::default() });
    create_group(&plane, "loud", "postgres16").unwrap();
    let loud = [
        ("log_statement", "all", "immediate"),
        ("log_min_messages", "debug5", "immediate"),
        ("log_min_error_statement", "debug5", "immediate"),
        ("log_min_duration_statement", "0", "immediate"),
    ];
    set(&plane, "loud", &loud).unwrap();
    let fields = [
        ("DBInstanceIdentifier", "db"),
        ("DBInstanceClass", "db.t3.micro"),
        ("Engine", "postgres"),
        ("EngineVersion", "16"),
        ("DBParameterGroupName", "loud"),
        ("MasterUsername", MASTER_USERNAME),
        ("MasterUserPassword", FIRST),
    ];
    plane.call("CreateDBInstance", &fields).unwrap();
    let instance = wait_login(&plane, FIRST);
    plane.assert_nowhere(FIRST);

    let modify = |password: &str| {
        let fields = [("DBInstanceIdentifier", "db"), ("MasterUserPassword", password)];
        plane.call("ModifyDBInstance", &[&fields[..], &[("ApplyImmediately", "true")]].concat())
    };
    let refusal = modify(&format!("{SECOND}/")).unwrap_err();
    assert!(!refusal.message.contains(SECOND), "{refusal}");
    modify(SECOND).unwrap();
    wait_login(&plane, SECOND);
    let refusal = Psql::to(&plane, &instance).with("password", FIRST).refusal();
    assert!(refusal.contains("password authentication failed"), "{refusal}");

    // They said all that they can.
    assert!(plane.log().contains("TRACE"));
    let folder = plane.data_directory().join("instances").join(&instance.resource_id);
    let logs = fs::read_dir(folder.join("log/error")).unwrap();
    let logs: String = logs.map(|it| fs::read_to_string(it.unwrap().path()).unwrap()).collect();
    assert!(logs.contains("statement: SELECT 1") && logs.contains("DEBUG:"), "{logs}");
    for password in [FIRST, SECOND] {
        plane.assert_nowhere(password);
    }
    plane.delete_all(&["db"]);
}

/// Waits until the instance is available and has that master password, of which meanwhile no
/// process is told.
#[track_caller]
fn wait_login(plane: &ControlPlane, password: &str) -> Instance {
    wait_until("the master user logs in", LIMIT, || {
        plane.assert_untold(password);
        let instance = plane.instance("db").unwrap();
        if instance.status != "available" {
            return Err(instance.status);
        }
        let outcome = Psql::to(plane, &instance).with("password", password).run("SELECT 1");
        if outcome.status.success() { Ok(instance) } else { Err(outcome.stderr) }
    })
}
