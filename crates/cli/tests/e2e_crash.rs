//! Kills from outside: of a server, of pgkeep, of both; and two of pgkeep on one data directory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs::{self, DirEntry};
use std::io;
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Instance, Psql, Session, kill_process, run, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

fn one_instance() -> (ControlPlane, Instance) {
    let plane = ControlPlane::start();
    plane.create("db", "16", &[]);
    let instance = plane.wait_available("db");
    (plane, instance)
}

#[track_caller]
fn end(plane: &ControlPlane) {
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// Waits until another postmaster than `before` serves the instance and the API says so.
#[track_caller]
fn wait_for_another(plane: &ControlPlane, instance: &Instance, before: i32) {
    let pid = wait_until("another server runs", LIMIT, || {
        let now = plane.postmaster(&instance.resource_id);
        now.filter(|pid| *pid != before).ok_or_else(|| format!("{now:?}"))
    });
    plane.wait_available("db");
    assert_eq!(plane.postmaster(&instance.resource_id), Some(pid));
    assert_eq!(Psql::to(plane, instance).query("SELECT count(*) FROM kept"), "1");
}

#[test]
fn a_killed_server_is_started_and_proved_again() {
    let (plane, instance) = one_instance();
    Psql::to(&plane, &instance).query("CREATE TABLE kept AS SELECT 1 AS value");
    for _ in 0..2 {
        let pid = plane.postmaster(&instance.resource_id).unwrap();
        kill_process(pid);
        wait_for_another(&plane, &instance, pid);
    }
    let events = plane.events("db");
    let told = "DB instance created.\n\
                DB instance shutdown.\nDB instance restarted.\n\
                DB instance shutdown.\nDB instance restarted.";
    assert_eq!(events, told);
    end(&plane);
}

/// One that PostgreSQL is asked to end before it replays its log, and then never ends.
#[test]
fn a_server_is_stopped_while_it_recovers() {
    let (plane, instance) = one_instance();
    let psql = Psql::to(&plane, &instance);
    psql.query("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value");
    let mut session = Session::open(&psql);
    kill_process(session.ask("SELECT pg_backend_pid();").parse().unwrap());
    let folder = plane.data_directory().join("instances").join(&instance.resource_id);
    wait_until("it recovers", LIMIT, || {
        let logs = fs::read_dir(folder.join("log/error")).unwrap();
        let read = |log: io::Result<DirEntry>| fs::read_to_string(log.unwrap().path()).unwrap();
        let log: String = logs.map(read).collect();
        if log.contains("reinitializing") { Ok(()) } else { Err(log) }
    });
    plane.call("StopDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    wait_until("it is stopped", LIMIT, || {
        let status = plane.instance("db").unwrap().status;
        if status == "stopped" { Ok(()) } else { Err(status) }
    });
    plane.call("StartDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    let instance = plane.wait_available("db");
    assert_eq!(Psql::to(&plane, &instance).query("SELECT count(*) FROM kept"), "1000");
    end(&plane);
}

#[test]
fn servers_and_sessions_outlive_a_killed_pgkeep() {
    let (mut plane, instance) = one_instance();
    let pid = plane.postmaster(&instance.resource_id);
    let mut session = Session::open(&Psql::to(&plane, &instance));
    let backend = session.ask("SELECT pg_backend_pid();");

    plane.kill();
    assert_eq!(session.ask("SELECT pg_backend_pid();"), backend);
    plane.restart();
    assert_eq!(plane.wait_available("db").xml, instance.xml, "nothing about it has changed");
    assert_eq!(plane.postmaster(&instance.resource_id), pid);
    assert_eq!(session.ask("SELECT pg_backend_pid();"), backend);
    assert_eq!(plane.events("db"), "DB instance created.");
    session.close();

    // The adopted server is watched like one that this pgkeep started.
    Psql::to(&plane, &instance).query("CREATE TABLE kept AS SELECT 1 AS value");
    let pid = pid.unwrap();
    kill_process(pid);
    wait_for_another(&plane, &instance, pid);
    end(&plane);
}

#[test]
fn both_can_be_killed_at_once() {
    let (mut plane, instance) = one_instance();
    Psql::to(&plane, &instance).query("CREATE TABLE kept AS SELECT 1 AS value");
    let pid = plane.postmaster(&instance.resource_id).unwrap();
    plane.kill();
    kill_process(pid);
    plane.restart();
    wait_for_another(&plane, &instance, pid);
    end(&plane);
}

/// An `initdb` outlives the pgkeep that ran it; what it made is nobody's.
#[test]
fn killed_while_it_prepares_ahead_of_need() {
    let (mut plane, _instance) = one_instance();
    let shelf = plane.data_directory().join("pool");
    let making = || {
        let engines = std::fs::read_dir(&shelf).into_iter().flatten().flatten();
        let folders = engines.flat_map(|engine| std::fs::read_dir(engine.path()).unwrap());
        let names = folders.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with('.')).collect::<Vec<_>>()
    };
    for _ in 0..3 {
        plane.restart();
        plane.create("second", "16", &[]);
        wait_until("it prepares another", LIMIT, || {
            let names = making();
            if names.is_empty() { Err("nothing is made".to_owned()) } else { Ok(()) }
        });
        plane.kill();
        plane.restart();
        plane.wait_available("second");
        plane.delete("second");
        plane.wait_deleted("second");
    }
    let trash = plane.data_directory().join("trash");
    wait_until("all that is prepared is whole, and the rest is gone", LIMIT, || {
        let mut names = making();
        names.extend(std::fs::read_dir(&trash).unwrap().map(|it| format!("{:?}", it.unwrap())));
        if names.is_empty() { Ok(()) } else { Err(format!("{names:?}")) }
    });
    end(&plane);
}

#[test]
fn a_data_directory_has_one_pgkeep() {
    let (plane, instance) = one_instance();
    let mut second = plane.command("serve");
    let refusal = run(second.args(["--listen", "127.0.0.1:0"]), "");
    assert_eq!(refusal.status.code(), Some(1));
    let refusal = refusal.failure();
    assert!(refusal.contains("error: another pgkeep (pid "), "{refusal}");
    assert!(refusal.contains(&plane.data_directory().display().to_string()), "{refusal}");
    assert!(refusal.contains("hint: "), "{refusal}");
    assert_eq!(plane.instance("db").unwrap().xml, instance.xml);
    end(&plane);
}
