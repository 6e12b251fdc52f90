//! The section *Requiring an SSL connection* of the service's page, as a user of the AWS CLI and
//! psql goes through it: a custom group with `rds.force_ssl`, chosen at creation or later with a
//! reboot, plaintext refused in PostgreSQL's own words, and back. `ParameterApplyStatus` is looked
//! at after every step.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod aws;
mod groups;

use pgkeep_testkit::{ControlPlane, Instance, MASTER_USERNAME, Paused, Psql, Session};
use serde_json::{Value, json};

use aws::{aws, changed, creation, described};
use groups::wait_applied;

const GROUP: &str = "force-ssl";
const ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// What differs between major versions.
struct Major {
    number: &'static str,
    /// `rds.force_ssl` in the default group.
    default: &'static str,
    /// The other value.
    custom: &'static str,
    /// The end of the refusal of plaintext.
    refusal: &'static str,
}

const OLD: Major = Major { number: "13", default: "0", custom: "1", refusal: "SSL off" };
const NEW: Major = Major { number: "16", default: "1", custom: "0", refusal: "no encryption" };

#[test]
fn chosen_at_creation_on_13() {
    chosen_at_creation(&OLD);
}

#[test]
fn chosen_at_creation_on_16() {
    chosen_at_creation(&NEW);
}

#[test]
fn chosen_later_on_13() {
    chosen_later(&OLD);
}

#[test]
fn chosen_later_on_16() {
    chosen_later(&NEW);
}

fn chosen_at_creation(major: &Major) {
    let plane = ControlPlane::start();
    make_group(&plane, major);
    let words = creation("db", major.number);
    let made = changed(&plane, &format!("{words} --db-parameter-group-name {GROUP}"));
    assert_eq!(made["DBParameterGroups"], status_of(GROUP, "in-sync"));
    let instance = wait_available(&plane);
    assert_group(&plane, GROUP, "in-sync");
    assert_force_ssl(&plane, &instance, major, major.custom);
    switch_back_and_forth(&plane, &instance, major);
    end(&plane);
}

fn chosen_later(major: &Major) {
    let plane = ControlPlane::start();
    let default = format!("default.postgres{}", major.number);
    let made = changed(&plane, &creation("db", major.number));
    assert_eq!(made["DBParameterGroups"], status_of(&default, "in-sync"));
    let instance = wait_available(&plane);
    assert_group(&plane, &default, "in-sync");
    assert_force_ssl(&plane, &instance, major, major.default);
    let started = start_time(&plane, &instance);

    make_group(&plane, major);
    let words = "modify-db-instance --db-instance-identifier db --db-parameter-group-name";
    let chosen = changed(&plane, &format!("{words} {GROUP}"));
    assert_eq!(chosen["DBParameterGroups"], status_of(GROUP, "pending-reboot"));
    assert_eq!(chosen["PendingModifiedValues"], json!({}));
    plane.wait_available("db");
    assert_group(&plane, GROUP, "pending-reboot");
    assert_force_ssl(&plane, &instance, major, major.default);
    // Not even a dynamic value reaches a server whose group has not taken effect.
    set(&plane, major.custom);
    plane.wait_available("db");
    assert_group(&plane, GROUP, "pending-reboot");
    assert_force_ssl(&plane, &instance, major, major.default);
    assert_eq!(start_time(&plane, &instance), started);

    let rebooted = changed(&plane, "reboot-db-instance --db-instance-identifier db");
    assert_eq!(rebooted["DBInstanceStatus"], "rebooting");
    plane.aws("wait db-instance-available --db-instance-identifier db");
    let instance = plane.instance("db").unwrap();
    assert_group(&plane, GROUP, "in-sync");
    assert_ne!(start_time(&plane, &instance), started);
    assert_force_ssl(&plane, &instance, major, major.custom);
    switch_back_and_forth(&plane, &instance, major);
    end(&plane);
}

/// A group of the major version's family with `rds.force_ssl` as the default group has it not.
fn make_group(plane: &ControlPlane, major: &Major) {
    let family = format!("postgres{}", major.number);
    let made = aws(
        plane,
        &format!(
            "create-db-parameter-group --db-parameter-group-name Force-SSL \
             --db-parameter-group-family {family} --description TLS"
        ),
    );
    let group = json!({
        "DBParameterGroupName": GROUP,
        "DBParameterGroupFamily": family,
        "Description": "TLS",
        "DBParameterGroupArn": format!("arn:aws:rds:us-east-1:123456789012:pg:{GROUP}"),
    });
    assert_eq!(made["DBParameterGroup"], group, "its name is kept in lower case");
    let ask = format!("describe-db-parameter-groups --db-parameter-group-name {GROUP}");
    assert_eq!(aws(plane, &ask)["DBParameterGroups"], json!([group]));
    assert_eq!(set_by_users(plane), json!([]));
    set(plane, major.custom);
    let mut shown = set_by_users(plane);
    let description = shown[0]["Description"].take();
    assert!(description.as_str().is_some_and(|text| !text.is_empty()), "{description}");
    assert_eq!(
        shown,
        json!([{
            "ParameterName": "rds.force_ssl",
            "ParameterValue": major.custom,
            "Description": null,
            "Source": "user",
            "ApplyType": "dynamic",
            "DataType": "boolean",
            "AllowedValues": "0,1",
            "IsModifiable": true,
            "ApplyMethod": "immediate",
        }])
    );
}

fn set(plane: &ControlPlane, value: &str) {
    let words = format!(
        "modify-db-parameter-group --db-parameter-group-name {GROUP} --parameters \
         ParameterName=rds.force_ssl,ParameterValue={value},ApplyMethod=immediate"
    );
    assert_eq!(aws(plane, &words), json!({ "DBParameterGroupName": GROUP }));
}

fn set_by_users(plane: &ControlPlane) -> Value {
    let ask = format!("describe-db-parameters --db-parameter-group-name {GROUP} --source user");
    aws(plane, &ask)["Parameters"].take()
}

/// Once the group is in effect, its dynamic values apply without a reboot. Sessions without TLS
/// that are open when it is required stay open.
fn switch_back_and_forth(plane: &ControlPlane, instance: &Instance, major: &Major) {
    let started = start_time(plane, instance);
    if major.custom == "1" {
        switch(plane, instance, major, "0");
    }
    let mut session = Session::open(&plaintext(plane, instance));
    let backend = session.ask("SELECT pg_backend_pid();");
    assert_eq!(session.ask(&format!("{ENCRYPTED};")), "f");
    switch(plane, instance, major, "1");
    assert_eq!(session.ask("SELECT pg_backend_pid();"), backend);
    assert_eq!(session.ask(&format!("{ENCRYPTED};")), "f");
    session.close();
    switch(plane, instance, major, "0");
    assert_eq!(start_time(plane, instance), started, "none of it restarted the server");
}

/// Sets `rds.force_ssl` at a time when the server does not come to read it, then lets it.
fn switch(plane: &ControlPlane, instance: &Instance, major: &Major, value: &str) {
    let postmaster = plane.postmaster(&instance.resource_id).unwrap();
    let busy = Paused::process(postmaster);
    set(plane, value);
    assert_group(plane, GROUP, "applying");
    assert_eq!(plane.instance("db").unwrap().status, "available", "as in the service");
    drop(busy);
    wait_applied(plane, "db");
    assert_group(plane, GROUP, "in-sync");
    assert_force_ssl(plane, instance, major, value);
}

/// What clients see of a value of `rds.force_ssl`.
#[track_caller]
fn assert_force_ssl(plane: &ControlPlane, instance: &Instance, major: &Major, value: &str) {
    let verified = Psql::to(plane, instance);
    assert_eq!(verified.query("SHOW rds.force_ssl"), value);
    assert_eq!(verified.query(ENCRYPTED), "t");
    let plaintext = plaintext(plane, instance);
    if value == "0" {
        assert_eq!(plaintext.query(ENCRYPTED), "f");
        return;
    }
    let refusal = plaintext.refusal();
    let words = format!(
        "failed: FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"{MASTER_USERNAME}\", \
         database \"postgres\", {}\n",
        major.refusal
    );
    assert!(refusal.ends_with(&words), "{refusal}");
}

fn plaintext(plane: &ControlPlane, instance: &Instance) -> Psql {
    Psql::to(plane, instance).with("sslmode", "disable")
}

fn start_time(plane: &ControlPlane, instance: &Instance) -> String {
    Psql::to(plane, instance).query("SELECT pg_postmaster_start_time()")
}

fn status_of(group: &str, status: &str) -> Value {
    json!([{ "DBParameterGroupName": group, "ParameterApplyStatus": status }])
}

/// What the CLI shows of the instance's group.
#[track_caller]
fn assert_group(plane: &ControlPlane, group: &str, status: &str) {
    let [shown] = &described(plane, "--db-instance-identifier db")[..] else { panic!() };
    assert_eq!(shown["DBParameterGroups"], status_of(group, status));
}

/// The CLI asks every 30 s: what it waits for is there before it asks, except after the reboot.
#[track_caller]
fn wait_available(plane: &ControlPlane) -> Instance {
    plane.wait_available("db");
    plane.aws("wait db-instance-available --db-instance-identifier db");
    plane.instance("db").unwrap()
}

/// A group that is in use cannot be deleted; afterwards it can.
fn end(plane: &ControlPlane) {
    let delete = format!("delete-db-parameter-group --db-parameter-group-name {GROUP}");
    assert_eq!(
        plane.aws_refusal(&delete).lines().last(),
        Some(
            "An error occurred (InvalidDBParameterGroupState) when calling the \
             DeleteDBParameterGroup operation: One or more database instances are still members \
             of this parameter group force-ssl, so the group cannot be deleted"
        )
    );
    assert_group(plane, GROUP, "in-sync");
    plane.aws("delete-db-instance --skip-final-snapshot --db-instance-identifier db");
    plane.wait_deleted("db");
    plane.aws("wait db-instance-deleted --db-instance-identifier db");
    assert_eq!(plane.aws(&delete), "");
    let ask = format!("describe-db-parameter-groups --db-parameter-group-name {GROUP}");
    let gone = plane.aws_refusal(&ask);
    assert!(gone.ends_with("DBParameterGroup not found: force-ssl"), "{gone}");
    plane.assert_clean();
}
