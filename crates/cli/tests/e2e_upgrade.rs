//! Another version of pgkeep in the place of one that runs: no session notices, and a state that is
//! too new is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use pgkeep_testkit::{ControlPlane, Options, Psql, Session, run};

/// Puts a copy of the program there as a package manager does: as a new file.
fn install(program: &Path) {
    let beside = program.with_extension("new");
    fs::copy(ControlPlane::built(), &beside).unwrap();
    fs::rename(beside, program).unwrap();
}

#[test]
fn no_session_ends_when_the_program_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("pgkeep");
    install(&program);
    let options =
        Options { program: Some(program.clone()), stop_instances: false, ..Options::default() };
    let mut plane = ControlPlane::start_with(options);
    let before = ["10", "18"].map(|major| {
        plane.create(&format!("db-{major}"), major, &[]);
        let instance = plane.wait_available(&format!("db-{major}"));
        let mut session = Session::open(&Psql::to(&plane, &instance));
        let backend = session.ask("SELECT pg_backend_pid();");
        let postmaster = plane.postmaster(&instance.resource_id);
        (instance, session, backend, postmaster)
    });
    plane.end();
    install(&program);
    plane.restart();
    for (instance, mut session, backend, postmaster) in before {
        assert_eq!(plane.wait_available(&instance.identifier).xml, instance.xml);
        assert_eq!(plane.postmaster(&instance.resource_id), postmaster);
        assert_eq!(session.ask("SELECT pg_backend_pid();"), backend);
        session.close();
        // It is adopted, not only looked at.
        plane.modify(&instance.identifier, &[("DBPortNumber", "6543")]);
        let moved = plane.wait_available(&instance.identifier);
        assert_eq!(Psql::to(&plane, &moved).query("SELECT inet_server_port()"), "6543");
    }
    plane.delete_all(&["db-10", "db-18"]);
}

/// `user_version`, by the format of SQLite's files (section 1.3).
const VERSION_AT: u64 = 60;

#[test]
fn a_state_of_a_newer_version_is_refused() {
    let mut plane = ControlPlane::start();
    plane.end();
    let path = plane.data_directory().join("state.db");
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut own = [0; 4];
    file.read_exact_at(&mut own, VERSION_AT).unwrap();
    file.write_all_at(&1000_u32.to_be_bytes(), VERSION_AT).unwrap();
    for command in ["serve", "ls"] {
        let refused = run(&mut plane.command(command), "");
        assert_eq!(refused.status.code(), Some(1));
        let said = refused.failure();
        assert!(
            said.contains("the state file has version 1000, this pgkeep reads up to "),
            "{said}"
        );
        assert!(said.contains("\nhint: install that version or a later one"), "{said}");
    }
    file.write_all_at(&own, VERSION_AT).unwrap();
    plane.restart();
    plane.assert_clean();
}
