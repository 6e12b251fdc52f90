//! SIGKILL while an authority is being made: the next run finds a whole one or makes it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pgkeep_pki::Authorities;

use crate::support::{ECC, NOW, REGION, shared, write_private};

const HOME: &str = "PGKEEP_PKI_TEST_HOME";

#[test]
#[ignore = "the victim that the test below starts and kills"]
fn victim() {
    // Started by hand, there is nothing to do.
    let Some(home) = std::env::var_os(HOME) else { return };
    Authorities::ensure(Path::new(&home), REGION, None, NOW).unwrap();
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    // From before the first file to after the last: each number of files beside the place, then
    // the place itself.
    for stage in 0..=5 {
        let home = shared().restore(|identifier| identifier != ECC);
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::victim", "--ignored"])
            .env(HOME, home.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !reached(home.path(), stage) && victim.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "stage {stage} never came");
            thread::yield_now();
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        let made = Authorities::ensure(home.path(), REGION, None, NOW).unwrap();
        let again = Authorities::ensure(home.path(), REGION, None, NOW).unwrap();
        assert_eq!(made.bundle_pem(), again.bundle_pem());
        assert_clean(home.path());
    }
}

fn reached(home: &Path, stage: usize) -> bool {
    let count = |folder| fs::read_dir(folder).map(Iterator::count).ok();
    home.join(ECC).exists() || stage < 5 && count(hidden(home)).is_some_and(|files| files >= stage)
}

#[test]
fn what_a_killed_run_left_is_removed() {
    for files in 0..=4 {
        let home = shared().restore(|identifier| identifier != ECC);
        fs::create_dir(hidden(home.path())).unwrap();
        let names = ["root.pem", "root-key.pem", "subordinate.pem", "subordinate-key.pem"];
        for name in &names[..files] {
            write_private(&hidden(home.path()).join(name), "half of it");
        }
        Authorities::ensure(home.path(), REGION, None, NOW).unwrap();
        assert_clean(home.path());
    }
}

fn hidden(home: &Path) -> std::path::PathBuf {
    home.join(format!(".{ECC}.new"))
}

fn assert_clean(home: &Path) {
    let names = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name());
    let hidden: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}
