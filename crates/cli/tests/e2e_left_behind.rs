//! What a server that did not end in order leaves behind, and the next one has to get past: a log
//! to replay, children that go on, and a `postmaster.pid` whose number says something else by now.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use pgkeep_testkit::{
    ControlPlane, Instance, Options, Psql, kill_process, processes_under, wait_until,
};

const LIMIT: Duration = Duration::from_mins(1);

/// An instance with a table of one row.
fn one_instance(options: Options) -> (ControlPlane, Instance) {
    let plane = ControlPlane::start_with(options);
    plane.create("db", "16", &[]);
    let instance = plane.wait_available("db");
    Psql::to(&plane, &instance).query("CREATE TABLE kept AS SELECT 1 AS value");
    (plane, instance)
}

fn data(plane: &ControlPlane, instance: &Instance) -> PathBuf {
    plane.data_directory().join("instances").join(&instance.resource_id).join("data")
}

/// A client that never ends what it asked for, and the process that serves it.
fn computing(plane: &ControlPlane, instance: &Instance) -> (Child, i32) {
    let psql = Psql::to(plane, instance);
    let mut command = psql.clone().with("application_name", "computes").command();
    let client = command.args(["--command", "DO $$BEGIN LOOP END LOOP; END$$"]).spawn().unwrap();
    let pid = wait_until("it computes", LIMIT, || {
        let computes = "SELECT pid FROM pg_stat_activity
                        WHERE application_name = 'computes' AND state = 'active'";
        let pid = psql.query(computes);
        pid.parse().map_err(|_| pid)
    });
    (client, pid)
}

/// Kills pgkeep and the server, in this order, so that nothing was seen of the end of the latter.
/// Answers which server that was.
fn kill_both(plane: &mut ControlPlane, instance: &Instance) -> i32 {
    let postmaster = plane.postmaster(&instance.resource_id).unwrap();
    plane.kill();
    kill_process(postmaster);
    postmaster
}

/// Holds that another server than `before` serves what was there.
#[track_caller]
fn assert_kept(plane: &ControlPlane, instance: &Instance, before: i32) {
    wait_until("another server runs", LIMIT, || {
        let now = plane.postmaster(&instance.resource_id);
        if now.is_some_and(|it| it != before) { Ok(()) } else { Err(plane.log()) }
    });
    plane.wait_available("db");
    assert_eq!(Psql::to(plane, instance).query("SELECT count(*) FROM kept"), "1");
}

#[test]
fn children_that_outlive_their_postmaster_are_ended() {
    let (plane, instance) = one_instance(Options::default());
    let (mut client, pid) = computing(&plane, &instance);
    let postmaster = plane.postmaster(&instance.resource_id).unwrap();
    kill_process(postmaster);
    wait_until("it has ended", LIMIT, || {
        let there = processes_under(&data(&plane, &instance)).contains(&pid);
        if there { Err(plane.log()) } else { Ok(()) }
    });
    assert!(!client.wait().unwrap().success());
    assert_kept(&plane, &instance, postmaster);

    let (mut client, _) = computing(&plane, &instance);
    plane.delete("db");
    plane.wait_deleted("db");
    assert!(!client.wait().unwrap().success());
    plane.assert_clean();
}

/// Nothing is left of an instance that is deleted before its server was started again.
#[test]
fn children_do_not_outlive_a_deletion() {
    let (mut plane, instance) = one_instance(Options::default());
    let (mut client, pid) = computing(&plane, &instance);
    kill_both(&mut plane, &instance);
    plane.restart_with("PGKEEP_FAILPOINT", Some("start:before:stop".to_owned()));
    let stopped = plane.await_stop();
    thread::scope(|scope| {
        scope.spawn(|| plane.delete("db"));
        drop(stopped);
    });
    plane.wait_deleted("db");
    assert!(!processes_under(plane.data_directory()).contains(&pid));
    assert!(!client.wait().unwrap().success());
    plane.assert_clean();
}

/// A recovery that was cut off would begin anew from the same checkpoint, and so for ever.
#[test]
fn a_recovery_takes_as_long_as_it_takes() {
    let (mut plane, instance) = one_instance(Options::default());
    let before = kill_both(&mut plane, &instance);
    plane.restart_with("PGKEEP_START_LIMIT_MS", Some("1".to_owned()));
    assert_kept(&plane, &instance, before);
    assert!(!plane.log().contains("did not accept connections"), "{}", plane.log());
    plane.delete_all(&["db"]);
}

/// A thread of a process, of which there is no pidfd; both end with what is answered.
fn thread_of_this_process() -> (i32, Sender<()>) {
    let (say, said) = channel();
    let (end, ended) = channel::<()>();
    thread::spawn(move || {
        let own = fs::read_link("/proc/thread-self").unwrap();
        say.send(own.file_name().unwrap().to_str().unwrap().parse().unwrap()).unwrap();
        let _ = ended.recv();
    });
    (said.recv().unwrap(), end)
}

#[test]
fn the_number_of_a_dead_postmaster_is_that_of_a_thread() {
    let (mut plane, instance) = one_instance(Options::default());
    let before = kill_both(&mut plane, &instance);
    let (thread, _end) = thread_of_this_process();
    renumber(&plane, &instance, thread);
    plane.restart();
    assert_kept(&plane, &instance, before);
    plane.delete_all(&["db"]);
}

#[test]
fn a_postmaster_left_an_empty_lock_file() {
    let (mut plane, instance) = one_instance(Options::default());
    let before = kill_both(&mut plane, &instance);
    fs::write(data(&plane, &instance).join("postmaster.pid"), "").unwrap();
    plane.restart();
    assert_kept(&plane, &instance, before);
    plane.delete_all(&["db"]);
}

/// Who asks whether a server runs holds nothing of the stranger that has its number.
#[test]
fn looks_at_the_number_of_a_stranger_leave_nothing_open() {
    let (mut plane, instance) = one_instance(Options::default());
    kill_both(&mut plane, &instance);
    let left = fs::read(data(&plane, &instance).join("postmaster.pid")).unwrap();
    plane.restart();
    plane.wait_available("db");
    plane.call("StopDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    plane.wait_for("db", "stopped");
    let mut stranger = Command::new("sleep").arg("infinity").spawn().unwrap();
    fs::write(data(&plane, &instance).join("postmaster.pid"), left).unwrap();
    renumber(&plane, &instance, stranger.id().cast_signed());
    let open = || fs::read_dir(format!("/proc/{}/fd", plane.pid().unwrap())).unwrap().count();
    plane.api().fetch("/metrics");
    let before = open();
    for _ in 0..50 {
        assert_eq!(plane.api().fetch("/metrics").0, 200);
    }
    let after = open();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(after < before + 10, "{before} descriptors, then {after}");
    plane.delete_all(&["db"]);
}

/// Has `postmaster.pid` name another process.
fn renumber(plane: &ControlPlane, instance: &Instance, pid: i32) {
    let path = data(plane, instance).join("postmaster.pid");
    let left = fs::read_to_string(&path).unwrap();
    let (_, rest) = left.split_once('\n').unwrap();
    fs::write(&path, format!("{pid}\n{rest}")).unwrap();
}
