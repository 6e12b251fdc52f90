//! The session of `rdsadmin` that pgkeep keeps open to each server, and that nobody else can have
//! one, with or without a password or a certificate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use std::time::Duration;

use groups::{Superuser, create_group, reboot, set, wait_applied};
use pgkeep_testkit::{ControlPlane, Instance, Psql, for_each_major, kill_process, run, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

for_each_major!(one_major);

fn one_major(major: u16) {
    let mut plane = ControlPlane::start();
    create_group(&plane, "own", &format!("postgres{major}")).unwrap();
    plane.create("db", &major.to_string(), &[("DBParameterGroupName", "own")]);
    let instance = plane.wait_available("db");
    let first = wait_kept(&plane, &instance, "", "TLSv1.3");
    nobody_else_becomes_rdsadmin(&plane, &instance);
    it_is_no_client(&plane);

    // It stays through a reload and another certificate, as other sessions do.
    set(&plane, "own", &[("rds.force_ssl", "1", "immediate")]).unwrap();
    wait_applied(&plane, "db");
    plane.modify("db", &[("CACertificateIdentifier", "rds-ca-ecc384-g1")]);
    plane.wait_available("db");
    assert_eq!(wait_kept(&plane, &instance, "", "TLSv1.3"), first);

    // The server ends all sessions when one of them breaks.
    kill_process(first.parse().unwrap());
    let second = wait_kept(&plane, &instance, &first, "TLSv1.3");
    plane.kill();
    plane.restart();
    let third = wait_kept(&plane, &instance, &second, "TLSv1.3");
    if major >= 12 {
        set(&plane, "own", &[("ssl_max_protocol_version", "TLSv1.2", "immediate")]).unwrap();
        wait_applied(&plane, "db");
    }
    reboot(&plane, "db");
    let version = if major >= 12 { "TLSv1.2" } else { "TLSv1.3" };
    let fourth = wait_kept(&plane, &instance, &third, version);
    stop_and_start(&plane);
    wait_kept(&plane, &instance, &fourth, version);
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
    let sql = "SELECT pid, datname, ssl, version, client_addr, application_name, backend_type
               FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE usename = 'rdsadmin' AND client_addr IS NOT NULL";
    let expected = format!("|rdsadmin|t|{version}|127.0.0.1||client backend");
    wait_until("rdsadmin's session is open", LIMIT, || {
        let seen = Psql::to(plane, instance).run(sql);
        match seen.stdout.trim().strip_suffix(&expected) {
            Some(pid) if pid != before && !pid.contains('\n') => Ok(pid.to_owned()),
            _ => Err(format!("{seen:?}")),
        }
    })
}

fn nobody_else_becomes_rdsadmin(plane: &ControlPlane, instance: &Instance) {
    let master = Psql::to(plane, instance);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE usename = 'rdsadmin' AND client_addr IS NOT NULL";
    let refusal = master.run(end).failure();
    assert!(refusal.contains("terminate"), "{refusal}");

    let metadata = plane.data_directory().join("instances").join(&instance.resource_id);
    let metadata = metadata.join("rds-metadata");
    let file = |name: &str| metadata.join(name).display().to_string();
    let login = master.with("user", "rdsadmin").with("dbname", "rdsadmin");
    let (rejects, wrong) = ("pg_hba.conf rejects connection", "password authentication failed");
    let attempts = [
        (login.clone(), wrong),
        (login.clone().with("password", ""), "no password supplied"),
        (login.clone().with("sslmode", "disable"), rejects),
        (login.clone().with("dbname", "postgres"), rejects),
        (login.clone().with("replication", "true"), "pg_hba.conf"),
        // The server's own, the one certificate that its users' statements can name.
        (
            login.with("sslcert", &file("server-cert.pem")).with("sslkey", &file("server-key.pem")),
            "alert unsupported certificate",
        ),
    ];
    for (number, (login, words)) in attempts.iter().enumerate() {
        let refusal = login.refusal();
        assert!(refusal.contains(words), "attempt {number}: {refusal}");
    }
    // There is no password to find out.
    let sql = "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'rdsadmin'";
    assert_eq!(Superuser::of(plane, instance).query(plane, instance, sql), "t");
}

fn it_is_no_client(plane: &ControlPlane) {
    for more in [&["--json"][..], &["--if-forced", "--json"]] {
        let shown = run(plane.command("tls").arg("db").args(more), "").stdout;
        assert!(shown.contains("\"identifier\"") && !shown.contains("rdsadmin"), "{shown}");
    }
}

fn stop_and_start(plane: &ControlPlane) {
    plane.call("StopDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    plane.wait_for("db", "stopped");
    plane.call("StartDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    plane.wait_available("db");
}

/// rustls speaks no TLS 1.1.
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
    let sql = "SELECT current_setting('work_mem'), (SELECT count(*) FROM pg_stat_activity
                 WHERE usename = 'rdsadmin' AND client_addr IS NOT NULL)";
    assert_eq!(plain.query(sql), "8MB|0");
}
