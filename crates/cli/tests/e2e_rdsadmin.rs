//! The session of `rdsadmin` that pgkeep keeps open to each server, and that nobody else gets one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use std::time::Duration;

use groups::{create_group, reboot, set, wait_applied};
use pgkeep_testkit::{ControlPlane, Instance, Psql, Session, for_each_major, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

for_each_major!(rdsadmin_is_for_pgkeep_alone);

fn rdsadmin_is_for_pgkeep_alone(major: u16) {
    let mut plane = ControlPlane::start();
    create_group(&plane, "own", &format!("postgres{major}")).unwrap();
    plane.create("db", &major.to_string(), &[("DBParameterGroupName", "own")]);
    let instance = plane.wait_available("db");
    let first = wait_kept(&plane, &instance, "", "TLSv1.3");
    nobody_else_becomes_rdsadmin(&plane, &instance);

    // It outlives what sessions of clients outlive.
    set(&plane, "own", &[("rds.force_ssl", "1", "immediate")]).unwrap();
    wait_applied(&plane, "db");
    plane.modify("db", &[("CACertificateIdentifier", "rds-ca-ecc384-g1")]);
    plane.wait_available("db");
    assert_eq!(wait_kept(&plane, &instance, "", "TLSv1.3"), first);

    plane.kill();
    plane.restart();
    let second = wait_kept(&plane, &instance, &first, "TLSv1.3");
    let has_bounds = major >= 12;
    if has_bounds {
        set(&plane, "own", &[("ssl_max_protocol_version", "TLSv1.2", "immediate")]).unwrap();
        wait_applied(&plane, "db");
    }
    reboot(&plane, "db");
    let third =
        wait_kept(&plane, &instance, &second, if has_bounds { "TLSv1.2" } else { "TLSv1.3" });
    if major >= 14 {
        no_timeout_ends_it(&plane, &instance, &third);
    }
    if major == 13 {
        without_a_session_all_goes_on(&plane, &instance);
    }
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// The process id of the one session, once it is another than `before`.
#[track_caller]
fn wait_kept(plane: &ControlPlane, instance: &Instance, before: &str, version: &str) -> String {
    let sql =
        "SELECT pid, datname, ssl, version, client_addr, application_name, backend_type, state
         FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE usename = 'rdsadmin' AND client_addr IS NOT NULL";
    let expected = format!("|rdsadmin|t|{version}|127.0.0.1|pgkeep|client backend|idle");
    wait_until("rdsadmin's session is open", LIMIT, || {
        let seen = Psql::to(plane, instance).query(sql);
        match seen.strip_suffix(&expected) {
            Some(pid) if pid != before && !pid.contains('\n') => Ok(pid.to_owned()),
            _ => Err(seen),
        }
    })
}

/// A client's session that begins after it and waits less long does end.
fn no_timeout_ends_it(plane: &ControlPlane, instance: &Instance, before: &str) {
    set(plane, "own", &[("idle_session_timeout", "500", "pending-reboot")]).unwrap();
    reboot(plane, "db");
    let kept = wait_kept(plane, instance, before, "TLSv1.2");
    let mut idler = Session::open(&Psql::to(plane, instance).with("application_name", "idler"));
    assert_eq!(idler.ask("SELECT 1;"), "1");
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'idler'";
    wait_until("the client's session has ended", LIMIT, || {
        let count = Psql::to(plane, instance).query(sql);
        if count == "0" { Ok(()) } else { Err(count) }
    });
    assert_eq!(wait_kept(plane, instance, "", "TLSv1.2"), kept);
}

/// rustls speaks no TLS 1.1: what pgkeep does, it then does over the Unix socket.
fn without_a_session_all_goes_on(plane: &ControlPlane, instance: &Instance) {
    let old = [
        ("ssl_min_protocol_version", "TLSv1.1", "immediate"),
        ("ssl_max_protocol_version", "TLSv1.1", "immediate"),
        ("rds.force_ssl", "0", "immediate"),
    ];
    set(plane, "own", &old).unwrap();
    wait_applied(plane, "db");
    reboot(plane, "db");
    set(plane, "own", &[("work_mem", "8192", "immediate")]).unwrap();
    wait_applied(plane, "db");
    let plain = Psql::to(plane, instance).with("sslmode", "disable").with("sslrootcert", "");
    let sql = "SELECT current_setting('work_mem'), count(*) FROM pg_stat_activity
               WHERE usename = 'rdsadmin' AND client_addr IS NOT NULL";
    assert_eq!(plain.query(sql), "8MB|0");
}

fn nobody_else_becomes_rdsadmin(plane: &ControlPlane, instance: &Instance) {
    let login = Psql::to(plane, instance).with("user", "rdsadmin").with("dbname", "rdsadmin");
    let rejects = "pg_hba.conf rejects connection";
    let attempts = [
        // There is a password only while pgkeep logs in.
        (login.clone(), "password authentication failed for user \"rdsadmin\""),
        (login.clone().with("sslmode", "disable"), rejects),
        (login.clone().with("dbname", "postgres"), rejects),
        (login.clone().with("replication", "true"), "no pg_hba.conf entry for replication"),
        (login.clone().with("user", "postgres_master"), rejects),
    ];
    for (number, (login, words)) in attempts.iter().enumerate() {
        let refusal = login.refusal();
        assert!(refusal.contains(words), "attempt {number}: {refusal}");
    }
}
