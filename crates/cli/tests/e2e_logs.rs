//! A server's logs go when they are older than `rds.log_retention_period`, while it writes on and
//! no connection is lost of the report on who connects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use groups::{create_group, set, wait_applied};
use pgkeep_testkit::{ControlPlane, Options, Psql, run, wait_until};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

#[test]
fn old_logs_are_removed() {
    let environment = vec![("PGKEEP_LOG_LOOK_MS".to_owned(), "20".to_owned())];
    let plane = ControlPlane::start_with(Options { environment, ..Options::default() });
    create_group(&plane, "mine", "postgres16").unwrap();
    plane.create("db", "16", &[("DBParameterGroupName", "mine")]);
    let instance = plane.wait_available("db");
    let log = plane.data_directory().join("instances").join(&instance.resource_id).join("log");
    let query = || assert_eq!(Psql::to(&plane, &instance).query("SELECT 1"), "1");

    // Of the machine's clock: the server has just begun its first file.
    let now = fs::metadata(log.join("error")).unwrap().modified().unwrap();
    let younger = put(&log, "00", now - 2 * DAY);
    query();
    wait_gone(&put(&log, "01", now - 4 * DAY));
    assert!(younger.exists(), "the default is three days");

    set(&plane, "mine", &[("rds.log_retention_period", "1440", "immediate")]).unwrap();
    wait_applied(&plane, "db");
    let future = put(&log, "02", now + DAY);
    wait_gone(&younger);
    assert!(future.exists(), "the clock may have been put back");
    query();
    let asked = run(plane.command("tls").args(["db", "--if-forced", "--json"]), "");
    let report: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!(report["gap_from"], Value::Null, "{report}");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// A log file that was last written at a time. It comes with that: whoever sees that there is
/// another file sees how old it is.
fn put(log: &Path, hour: &str, written_at: SystemTime) -> PathBuf {
    let beside = log.join("beside");
    File::create(&beside).unwrap().set_modified(written_at).unwrap();
    let path = log.join("error").join(format!("postgresql.log.2020-01-01-{hour}"));
    fs::rename(beside, &path).unwrap();
    path
}

#[track_caller]
fn wait_gone(path: &Path) {
    wait_until("an old log is removed", LIMIT, || {
        if path.exists() { Err(path.display().to_string()) } else { Ok(()) }
    });
}
