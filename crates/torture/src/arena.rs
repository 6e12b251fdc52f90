//! What all threads share: the control plane, the disk, the clock, and the end of a round.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use pgkeep_testkit::{
    Api, ControlPlane, Disk, Instance, Options, Refusal, processes_under, wait_until,
};

use crate::client::AUTHORITIES;
use crate::figures::Figures;

/// Room for every instance, the prepared ones, and some segments of WAL of each.
const DISK: &str = "2g";
/// Before a client asks again.
const ASK_PAUSE_MS: u64 = 200;
/// For an answer, whatever happens to pgkeep and its disk meanwhile.
const ANSWER_LIMIT: Duration = Duration::from_mins(2);

/// The place of the torture.
pub(crate) struct Arena {
    // Ends before the disk that it is on.
    plane: RwLock<ControlPlane>,
    pub(crate) disk: Disk,
    clock: PathBuf,
    ahead: AtomicI64,
    over: AtomicBool,
    pub(crate) figures: Figures,
}

impl Arena {
    pub(crate) fn open() -> Self {
        let disk = Disk::mount(DISK);
        let clock = std::env::temp_dir().join(format!("pgkeep-clock-{}", std::process::id()));
        let environment = [
            ("PGKEEP_CLOCK_FILE", clock.display().to_string()),
            // A minute in use, which would be most of the time that is measured.
            ("PGKEEP_PAIR_LOOK_MS", "1000".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        let data_directory = Some(disk.path().to_owned());
        let environment = environment.into();
        let plane =
            ControlPlane::start_with(Options { data_directory, environment, ..Options::default() });
        for authority in AUTHORITIES {
            plane.authority(authority);
        }
        let (ahead, over) = (AtomicI64::new(0), AtomicBool::new(false));
        let figures = Figures::default();
        Self { plane: RwLock::new(plane), disk, clock, ahead, over, figures }
    }

    pub(crate) fn plane(&self) -> RwLockReadGuard<'_, ControlPlane> {
        self.plane.read().expect("no thread has failed")
    }

    /// To start it anew; nobody asks it meanwhile.
    pub(crate) fn plane_alone(&self) -> RwLockWriteGuard<'_, ControlPlane> {
        self.plane.write().expect("no thread has failed")
    }

    /// Whether the round is over.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn set_over(&self, over: bool) {
        self.over.store(over, Ordering::SeqCst);
    }

    /// Moves the clock of pgkeep from the true time by so many seconds.
    pub(crate) fn set_clock(&self, ahead_s: i64) {
        let beside = self.clock.with_extension("new");
        fs::write(&beside, ahead_s.to_string()).expect("a file for the clock");
        fs::rename(&beside, &self.clock).expect("the file for the clock");
        self.ahead.store(ahead_s, Ordering::SeqCst);
    }

    fn api(&self) -> Api {
        let ahead = time::Duration::seconds(self.ahead.load(Ordering::SeqCst));
        self.plane().api().clone().ahead(ahead)
    }

    /// What the API says of an instance, if it says anything.
    pub(crate) fn look(&self, identifier: &str) -> Option<Instance> {
        let parameters = [("DBInstanceIdentifier", identifier)];
        let answer = self.api().try_call("DescribeDBInstances", &parameters).ok()?.ok()?;
        self.plane().read_instances(&answer).pop()
    }

    /// Asks until there is an answer that says whether it was done. What was asked before without
    /// such an answer may have been done, so the same is asked again until it is accepted, or
    /// refused in a way by which `is_done` knows that it was done.
    ///
    /// An error is a refusal: it was not done.
    pub(crate) fn ask(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        is_done: impl Fn(&Refusal) -> bool,
    ) -> Result<(), Refusal> {
        let mut may_be_done = false;
        let asked: Result<(), Refusal> =
            wait_until(action, ANSWER_LIMIT, || match self.api().try_call(action, parameters) {
                Ok(Ok(_)) => Ok(Ok(())),
                Ok(Err(refusal)) if may_be_done && is_done(&refusal) => Ok(Ok(())),
                Ok(Err(refusal)) if may_be_done || is_vague(&refusal) => {
                    may_be_done = true;
                    pause(ASK_PAUSE_MS);
                    Err(refusal.to_string())
                }
                Ok(Err(refusal)) => Ok(Err(refusal)),
                Err(error) => {
                    may_be_done = true;
                    pause(ASK_PAUSE_MS);
                    Err(error.to_string())
                }
            });
        match &asked {
            Ok(()) => self.figures.operation(action),
            Err(_) => self.figures.refusal(),
        }
        asked
    }
}

/// Whether a refusal leaves open if something was done: the disk is full, say, or the clock was
/// moved between the signature and its check.
fn is_vague(refusal: &Refusal) -> bool {
    ["InternalFailure", "RequestExpired", "SignatureDoesNotMatch"].contains(&&*refusal.code)
}

impl Drop for Arena {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show_servers(&self.disk.path().join("instances"));
        }
        let _ = fs::remove_file(&self.clock);
    }
}

/// Shows what the servers are doing, and what they said last.
fn show_servers(instances: &Path) {
    for pid in processes_under(instances) {
        let read = |name| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let (line, state, at) = (read("cmdline").replace('\0', " "), read("stat"), read("wchan"));
        let state = state.rsplit_once(") ").map_or("", |(_, rest)| &rest[..8.min(rest.len())]);
        eprintln!("{pid} {state} {at}: {line}");
    }
    let folders = fs::read_dir(instances).into_iter().flatten().flatten();
    for folder in folders.map(|it| it.path().join("log/error")) {
        for file in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            let lines: Vec<_> = text.lines().rev().take(40).collect();
            eprintln!("--- {}", file.path().display());
            lines.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// Lets time pass, which is what a torture is made of.
#[expect(clippy::disallowed_methods, reason = "the pace of faults and clients, not a wait")]
pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}
