//! The story of the page's section *Requiring an SSL connection*: a group, `rds.force_ssl`, the
//! reboot that a newly chosen group needs, the refusal in PostgreSQL's own words, and back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use std::time::Duration;

use groups::{create_group, set};
use pgkeep_testkit::{ControlPlane, Instance, Psql, Refusal, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn force_ssl_on_13() {
    let plane = ControlPlane::start();
    plane.create("db", "13", &[]);
    let instance = plane.wait_available("db");
    assert_eq!(plaintext(&plane, &instance), Ok("f".to_owned()));

    create_group(&plane, "strict", "postgres13").unwrap();
    set(&plane, "strict", &[("rds.force_ssl", "1", "immediate")]).unwrap();
    plane.call("ModifyDBInstance", &[id("db"), ("DBParameterGroupName", "strict")]).unwrap();
    // Chosen at once, in effect only after a reboot, dynamic values included.
    assert_eq!(group_of(&plane, "db"), ("strict".into(), "pending-reboot".into()));
    assert_eq!(plaintext(&plane, &instance), Ok("f".to_owned()));
    assert_eq!(show(&plane, &instance, "rds.force_ssl"), "0");

    plane.call("RebootDBInstance", &[id("db")]).unwrap();
    let instance = plane.wait_available("db");
    assert_eq!(group_of(&plane, "db"), ("strict".into(), "in-sync".into()));
    let refused = plaintext(&plane, &instance).unwrap_err();
    assert!(refused.contains("no pg_hba.conf entry for host"), "{refused}");
    assert!(refused.contains("SSL off"), "{refused}");
    assert_eq!(show(&plane, &instance, "rds.force_ssl"), "1");

    // From then on a dynamic value applies at once, without a restart.
    let started = show_start(&plane, &instance);
    set(&plane, "strict", &[("rds.force_ssl", "0", "immediate")]).unwrap();
    wait_in_sync(&plane, "db");
    assert_eq!(plaintext(&plane, &instance), Ok("f".to_owned()));
    assert_eq!(show_start(&plane, &instance), started);

    let in_use = plane.call("DeleteDBParameterGroup", &[("DBParameterGroupName", "strict")]);
    assert_eq!(in_use.unwrap_err().code, "InvalidDBParameterGroupState");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.call("DeleteDBParameterGroup", &[("DBParameterGroupName", "strict")]).unwrap();
    plane.assert_clean();
}

#[test]
fn a_group_chosen_at_creation_applies_from_the_first_start() {
    let plane = ControlPlane::start();
    create_group(&plane, "open", "postgres16").unwrap();
    set(
        &plane,
        "open",
        &[
            ("rds.force_ssl", "0", "immediate"),
            ("max_prepared_transactions", "7", "pending-reboot"),
            ("ssl_min_protocol_version", "TLSv1.3", "immediate"),
        ],
    )
    .unwrap();
    plane.create("db", "16", &[("DBParameterGroupName", "open")]);
    let instance = plane.wait_available("db");
    assert_eq!(group_of(&plane, "db"), ("open".into(), "in-sync".into()));
    assert_eq!(plaintext(&plane, &instance), Ok("f".to_owned()));
    assert_eq!(show(&plane, &instance, "max_prepared_transactions"), "7");
    let old = Psql::to(&plane, &instance).with("ssl_max_protocol_version", "TLSv1.2").refusal();
    assert!(old.contains("protocol version"), "{old}");

    // A static value waits for the reboot, a dynamic one of the same call does not.
    set(
        &plane,
        "open",
        &[("max_prepared_transactions", "9", "pending-reboot"), ("work_mem", "8192", "immediate")],
    )
    .unwrap();
    wait_until("pending-reboot", LIMIT, || match group_of(&plane, "db").1.as_str() {
        "pending-reboot" => Ok(()),
        other => Err(other.to_owned()),
    });
    assert_eq!(show(&plane, &instance, "work_mem"), "8MB");
    assert_eq!(show(&plane, &instance, "max_prepared_transactions"), "7");
    plane.call("RebootDBInstance", &[id("db")]).unwrap();
    let instance = plane.wait_available("db");
    assert_eq!(show(&plane, &instance, "max_prepared_transactions"), "9");
    assert_eq!(group_of(&plane, "db"), ("open".into(), "in-sync".into()));

    plane
        .call(
            "ResetDBParameterGroup",
            &[("DBParameterGroupName", "open"), ("ResetAllParameters", "true")],
        )
        .unwrap();
    wait_until("plaintext is refused again", LIMIT, || match plaintext(&plane, &instance) {
        Err(refused) if refused.contains("no encryption") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

#[test]
fn what_is_refused_changes_nothing() {
    let plane = ControlPlane::start();
    create_group(&plane, "mine", "postgres16").unwrap();
    let refused = |result: Result<(), Refusal>, code: &str, words: &str| {
        let refusal = result.unwrap_err();
        assert_eq!(refusal.code, code, "{words}");
        assert!(refusal.message.contains(words), "{} / {words}", refusal.message);
    };
    let value = "InvalidParameterValue";
    let combination = "InvalidParameterCombination";
    refused(create_group(&plane, "mine", "postgres16"), "DBParameterGroupAlreadyExists", "mine");
    refused(create_group(&plane, "9", "postgres16"), value, "not a valid identifier");
    refused(create_group(&plane, "other", "postgres9"), value, "not a valid parameter group");
    refused(
        set(&plane, "mine", &[("no_such", "1", "immediate")]),
        value,
        "Could not find parameter with name: no_such",
    );
    refused(
        set(&plane, "mine", &[("shared_buffers", "99999", "immediate")]),
        combination,
        "cannot use immediate apply method for static parameter",
    );
    refused(set(&plane, "mine", &[("work_mem", "lots", "immediate")]), value, "work_mem");
    refused(set(&plane, "mine", &[("port", "1", "pending-reboot")]), value, "port");
    refused(
        set(&plane, "default.postgres16", &[("work_mem", "64", "immediate")]),
        value,
        "Cannot modify a default parameter group.",
    );
    refused(
        set(&plane, "none", &[("work_mem", "64", "immediate")]),
        "DBParameterGroupNotFound",
        "none",
    );
    let parameters =
        plane.call("DescribeDBParameters", &[("DBParameterGroupName", "mine"), ("Source", "user")]);
    assert!(parameters.unwrap().elements("Parameter").is_empty());
}

fn id(identifier: &'static str) -> (&'static str, &'static str) {
    ("DBInstanceIdentifier", identifier)
}

fn group_of(plane: &ControlPlane, identifier: &'static str) -> (String, String) {
    let answer = plane.call("DescribeDBInstances", &[id(identifier)]).unwrap();
    let text = |name| answer.text(name).unwrap();
    (text("DBParameterGroupName"), text("ParameterApplyStatus"))
}

fn wait_in_sync(plane: &ControlPlane, identifier: &'static str) {
    wait_until("in-sync", LIMIT, || match group_of(plane, identifier).1.as_str() {
        "in-sync" => Ok(()),
        other => Err(other.to_owned()),
    });
}

fn show(plane: &ControlPlane, instance: &Instance, parameter: &str) -> String {
    Psql::to(plane, instance).query(&format!("SHOW {parameter}"))
}

fn show_start(plane: &ControlPlane, instance: &Instance) -> String {
    Psql::to(plane, instance).query("SELECT pg_postmaster_start_time()")
}

/// What a client without TLS gets: whether its session is encrypted, or the refusal.
fn plaintext(plane: &ControlPlane, instance: &Instance) -> Result<String, String> {
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let outcome = Psql::to(plane, instance).with("sslmode", "disable").run(sql);
    if outcome.status.success() { Ok(outcome.stdout) } else { Err(outcome.stderr) }
}
