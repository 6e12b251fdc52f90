//! boto3, unchanged: the programs in `clients/` say what it must find.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use pgkeep_testkit::{ControlPlane, Options, program, run};

/// Runs a program of `clients/` in Python against a control plane.
#[track_caller]
fn run_program(plane: &ControlPlane, name: &str) {
    let mut python = program("PGKEEP_PYTHON", "python3");
    plane.lead(&mut python);
    let programs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let outcome = run(python.arg(programs.join(name)), "");
    assert!(
        !outcome.stderr.contains("No module named 'boto"),
        "this test needs boto3 in the Python of PGKEEP_PYTHON, else python3: {outcome:?}"
    );
    outcome.success();
}

#[test]
fn a_life_with_waiters_and_paginators() {
    let plane = ControlPlane::start();
    run_program(&plane, "boto3_story.py");
    plane.assert_clean();
}

/// Without prepared instances the state `creating` lasts as long as `initdb` runs.
#[test]
fn what_is_refused_and_in_which_words() {
    let plane = ControlPlane::start_with(Options { pool: 0, ..Options::default() });
    run_program(&plane, "boto3_refusals.py");
    plane.assert_clean();
}

/// A registry without packages: nothing is ever available, the log says why, and all can be
/// deleted.
#[test]
fn more_instances_than_a_page() {
    let nowhere = tempfile::tempdir().unwrap();
    // As root pgkeep becomes another user, who must get in.
    fs::set_permissions(nowhere.path(), Permissions::from_mode(0o755)).unwrap();
    let folder = |name: &str| nowhere.path().join(name).display().to_string();
    fs::create_dir(folder("registry")).unwrap();
    let environment = vec![
        ("PGKEEP_CACHE_DIR".to_owned(), folder("cache")),
        ("PGKEEP_ENGINE_REGISTRY".to_owned(), folder("registry")),
    ];
    let plane = ControlPlane::start_with(Options { environment, ..Options::default() });
    run_program(&plane, "boto3_pages.py");
    assert!(plane.log().contains("@embedded-postgres"), "the package it lacks: {}", plane.log());
    plane.assert_clean();
}

/// A registry and a machine without engines matter as little here as an instance would.
#[test]
fn parameters_of_every_family() {
    let plane = ControlPlane::start_with(Options { pool: 0, ..Options::default() });
    run_program(&plane, "boto3_parameters.py");
    plane.assert_clean();
}

#[test]
fn changes_of_the_certificate_that_wait() {
    let plane = ControlPlane::start();
    run_program(&plane, "boto3_maintenance.py");
    plane.assert_clean();
}

#[test]
fn the_authority_of_new_instances() {
    let plane = ControlPlane::start();
    run_program(&plane, "boto3_certificates.py");
    plane.assert_clean();
}
