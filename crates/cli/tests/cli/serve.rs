//! `serve` and the commands beside it, as processes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};

use crate::support::{Finished, Foreground, Place};

const READY: &str = "pgkeep serves the RDS API on http://127.0.0.1:";

fn serve(place: &Place) -> Foreground {
    Foreground::start(place.plane(&["serve"]), READY).0
}

#[test]
fn a_foreign_folder_is_refused_and_left_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    fs::set_permissions(place.data(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(place.data().join("thesis.txt"), "words").unwrap();
    let before = fs::metadata(place.data()).unwrap();
    let refused = Finished::of(&place.plane(&["serve"]).output().unwrap());
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("is not empty and not pgkeep's\nhint: "), "{refused:?}");
    let after = fs::metadata(place.data()).unwrap();
    assert_eq!((before.uid(), before.mode()), (after.uid(), after.mode()));
    assert_eq!(fs::read_dir(place.data()).unwrap().count(), 1);
}

#[test]
fn without_a_state_the_commands_say_what_to_do() {
    let place = Place::new();
    for command in ["ls", "env", "bundle"] {
        let refused = place.run(&[command]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
        assert!(refused.err.contains("there is no data directory"), "{refused:?}");
        assert!(refused.err.contains("hint: start pgkeep first: pgkeep serve"), "{refused:?}");
    }
    fs::create_dir(place.data()).unwrap();
    let refused = place.run(&["ls"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("holds no state of pgkeep's yet\nhint: "), "{refused:?}");
}

#[test]
fn one_pgkeep_holds_a_data_directory_and_the_next_goes_on_with_it() {
    let place = Place::new();
    let mut first = serve(&place);
    let refused = Finished::of(&place.plane(&["serve"]).output().unwrap());
    assert_eq!(refused.code, Some(1));
    let holds = format!("error: another pgkeep (pid {}) holds", first.pid());
    assert!(refused.err.contains(&holds), "{refused:?}");
    assert!(refused.err.contains("hint: use that one: eval"), "{refused:?}");

    let environment = place.run(&["env"]).succeeded();
    let bundle = place.run(&["bundle"]).succeeded();
    assert_eq!(place.run(&["ls"]).succeeded(), "There are no DB instances.\n");
    assert_eq!(place.run(&["ls", "--json"]).succeeded(), "[]\n");
    assert_eq!(first.stop(), Some(0));

    let stopped = place.run(&["env"]);
    assert_eq!(stopped.code, Some(1));
    assert!(stopped.err.contains("no pgkeep serves"), "{stopped:?}");
    let other = place.plane(&["serve", "--region", "eu-west-1"]).output().unwrap();
    let other = Finished::of(&other);
    assert!(other.err.contains("was made with --region \"us-east-1\""), "{other:?}");
    assert!(other.err.contains("hint: leave --region out"), "{other:?}");

    let mut second = serve(&place);
    let keys = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains("AWS_")).skip(1).map(str::to_owned).collect()
    };
    assert_eq!(keys(&place.run(&["env"]).succeeded()), keys(&environment));
    assert_eq!(place.run(&["bundle"]).succeeded(), bundle);
    second.kill();
    let stale = place.run(&["env"]);
    assert!(stale.err.contains("no pgkeep serves"), "{stale:?}");
}

/// The oracle is the openssl command.
#[test]
fn the_bundle_is_three_roots_in_every_form() {
    let place = Place::new();
    let _serving = serve(&place);
    let subjects = |bundle: &[&str], openssl: &[&str]| {
        let output = place.pgkeep(bundle).output().unwrap().stdout;
        let mut command = Command::new("openssl");
        command.args(openssl).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&output).unwrap();
        let read = Finished::of(&child.wait_with_output().unwrap()).succeeded();
        read.lines().filter(|line| line.starts_with("subject=")).count()
    };
    let pkcs7 = ["pkcs7", "-print_certs", "-noout", "-inform", "der"];
    assert_eq!(subjects(&["bundle", "--p7b"], &pkcs7), 3);
    let x509 = ["x509", "-noout", "-subject"];
    assert_eq!(subjects(&["bundle", "--ca", "rds-ca-ecc384-g1"], &x509), 1);
    let pem = place.run(&["bundle", "--region", "us-east-1"]).succeeded();
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 3);
    assert_eq!(place.run(&["bundle", "--region", "eu-west-1"]).code, Some(1));
    let unknown = place.run(&["bundle", "--ca", "rds-ca-2019"]);
    assert!(unknown.err.contains("hint: the authorities are rds-ca-rsa2048-g1"), "{unknown:?}");
}

#[test]
fn what_is_written_is_for_its_owner_alone() {
    let place = Place::new();
    let _serving = serve(&place);
    let mode = |name: &str| fs::metadata(place.data().join(name)).unwrap().mode() & 0o777;
    for folder in ["", "authorities", "instances", "run", "bundles"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["credentials", "state.db", "api-url", "lock"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert_eq!(mode("global-bundle.pem"), 0o644);
    let owner = fs::metadata(place.data()).unwrap().uid();
    assert_ne!(owner, 0, "servers never run as root");
}

/// Files of a process that nobody may attach to are root's (`proc(5)`).
#[test]
fn nobody_else_reads_the_memory_of_serve() {
    let place = Place::new();
    let serving = serve(&place);
    let owner = |name: &str| fs::metadata(format!("/proc/{}/{name}", serving.pid())).unwrap().uid();
    assert_eq!((owner("mem"), owner("environ")), (0, 0));
}

#[test]
fn doctor_runs_no_program_as_root() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    for user in ["nosuch", "root"] {
        let doctor = place.plane(&["doctor", "--user", user]).output().unwrap();
        let doctor = Finished::of(&doctor);
        assert_eq!(doctor.code, Some(1));
        assert!(doctor.out.starts_with("fail  user: "), "{doctor:?}");
        assert!(!doctor.out.contains("engines: "), "{doctor:?}");
    }
}
