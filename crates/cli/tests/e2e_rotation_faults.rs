//! Whatever befalls a rotation or a renewal, at whichever of its steps: a client that verifies is
//! never shown a wrong certificate, and the instance comes to the one that was asked for.
//!
//! The steps are those that the log of an undisturbed rotation names. At each, before and after,
//! pgkeep stops itself, and the world is changed. That pgkeep itself is killed there is in
//! `e2e_crash_matrix`, with the same client beside it; files that go wrong while nothing is done,
//! in `e2e_repair`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

mod pair;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use pair::{metadata, put_stranger_key};
use pgkeep_testkit::{
    ControlPlane, Disk, Instance, Options, Psql, Session, Witness, kill_process, wait_until,
};
use pgkeep_workflow::Effect;

const FAILPOINT: &str = "PGKEEP_FAILPOINT";
const LIMIT: Duration = Duration::from_mins(2);
const AUTHORITIES: [&str; 2] = ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"];
/// The words of the events.
const RESTARTED: &str = "DB instance restarted.";
const NOT_ISSUED: &str = "Could not issue a new server certificate by ";
const PUT_BACK: &str = "Put the previous server certificate back in use";

#[test]
fn a_killed_postmaster() {
    let seen = Rotations::new(None).disturb(Fault::Killed);
    let restarts = seen.iter().filter(|it| it.events.contains(RESTARTED)).count();
    assert_eq!(restarts, seen.len(), "{seen:#?}");
}

#[test]
fn a_full_disk() {
    let seen = Rotations::new(Some(Disk::mount("192m"))).disturb(Fault::FullDisk);
    let told = seen.iter().filter(|it| it.log.contains("No space left on device")).count();
    assert!(told > 0, "{seen:#?}");
}

#[test]
fn a_read_only_folder_of_certificates() {
    let seen = Rotations::new(None).disturb(Fault::ReadOnly("certificates"));
    // It matters to the first step alone.
    for it in seen.iter().filter(|it| it.step == "issue-certificate:before") {
        assert!(it.events.contains(NOT_ISSUED), "{it:#?}");
        assert!(it.events.contains("certificates/"), "{it:#?}");
        assert!(it.events.contains("Permission denied"), "{it:#?}");
    }
}

#[test]
fn a_read_only_folder_of_the_instance() {
    let seen = Rotations::new(None).disturb(Fault::ReadOnly(""));
    for it in seen.iter().filter(|it| it.step == "issue-certificate:before") {
        assert!(it.events.contains(NOT_ISSUED), "{it:#?}");
        assert!(it.events.contains("Permission denied"), "{it:#?}");
    }
}

/// Before the server has read the new pair it refuses it, unless the damage is noticed first;
/// afterwards the files alone are damaged.
#[test]
fn a_key_of_another_certificate() {
    let seen = Rotations::new(None).disturb(Fault::OtherKey);
    for it in &seen {
        let refusal = it.events.lines().find(|event| event.contains(PUT_BACK));
        assert!(refusal.is_none_or(|event| event.contains("private key")), "{it:#?}");
        let damage = "the files of the one in use were damaged: the key is n";
        let is_damage = it.events.contains(damage);
        match &*it.step {
            "issue-certificate:before" => assert!(refusal.is_none() && !is_damage, "{it:#?}"),
            "issue-certificate:after" | "reload:before" => {
                assert!(refusal.is_some() || is_damage, "{it:#?}");
            }
            _ => assert!(refusal.is_none() && is_damage, "{it:#?}"),
        }
    }
}

/// What befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The postmaster gets SIGKILL.
    Killed,
    /// There is no byte left on the disk.
    FullDisk,
    /// Nothing can be written into a folder of the instance, by the user that pgkeep is.
    ReadOnly(&'static str),
    /// The key in use is replaced by that of another certificate.
    OtherKey,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
enum Wish {
    OtherAuthority,
    Renewal,
}

/// What was told of one disturbance.
#[derive(Debug)]
struct Told {
    step: String,
    events: String,
    log: String,
}

/// An instance whose certificate is replaced again and again, under the eyes of a client.
struct Rotations {
    plane: ControlPlane,
    instance: Instance,
    /// That of `AUTHORITIES` which is wanted.
    authority: usize,
    witness: Witness,
    session: Option<Session>,
    /// Goes last.
    disk: Option<Disk>,
}

impl Rotations {
    fn new(disk: Option<Disk>) -> Self {
        let data_directory = disk.as_ref().map(|disk| disk.path().to_owned());
        let environment = vec![("PGKEEP_PAIR_LOOK_MS".to_owned(), "20".to_owned())];
        // A stock would be made anew after every kill, and fill a small disk.
        let options = Options { data_directory, environment, pool: 0, ..Options::default() };
        let plane = ControlPlane::start_with(options);
        plane.create("db", "16", &[("CACertificateIdentifier", AUTHORITIES[0])]);
        let instance = plane.wait_available("db");
        let witness = Witness::of(&plane, &instance);
        Self { plane, instance, authority: 0, witness, session: None, disk }
    }

    /// Disturbs every step of either wish, and clears away.
    fn disturb(mut self, fault: Fault) -> Vec<Told> {
        if fault != Fault::Killed {
            self.session = Some(Session::open(&Psql::to(&self.plane, &self.instance)));
        }
        let mut told = Vec::new();
        for wish in [Wish::OtherAuthority, Wish::Renewal] {
            for effect in self.effects(wish) {
                for moment in ["before", "after"] {
                    told.push(self.disturb_step(
                        wish,
                        format!("{}:{moment}", effect.name()),
                        fault,
                    ));
                }
            }
        }
        if let Some(session) = self.session {
            session.close();
        }
        self.plane.delete_all(&["db"]);
        told
    }

    /// What is done for a wish that nothing disturbs.
    fn effects(&mut self, wish: Wish) -> Vec<Effect> {
        let (logged, before) = (self.plane.log().len(), self.pair_in_use());
        self.prepare(wish);
        self.ask(wish);
        self.wait_done(wish, &before, logged);
        let said = self.plane.log()[logged..].to_owned();
        let is_done = |effect: &Effect| said.contains(&doing(*effect));
        let effects: Vec<_> = Effect::ALL.into_iter().filter(is_done).collect();
        assert!(effects.len() > 2, "{effects:?}");
        effects
    }

    fn disturb_step(&mut self, wish: Wish, step: String, fault: Fault) -> Told {
        eprintln!("{wish:?}, {step}: {fault:?}");
        // Killed, so that its server runs on.
        self.plane.kill();
        self.plane.restart_with(FAILPOINT, Some(format!("{step}:stop")));
        self.plane.wait_available("db");
        let before = self.pair_in_use();
        let (logged, told) = (self.plane.log().len(), self.plane.events("db").len());
        let postmaster = self.plane.postmaster(&self.instance.resource_id);
        self.prepare(wish);
        let end = thread::scope(|scope| {
            // The answer may have to wait until it goes on.
            scope.spawn(|| self.ask(wish));
            let stopped = self.plane.await_stop();
            let end = self.begin(fault);
            drop(stopped);
            end
        });
        wait_until("it fails or is done", LIMIT, || {
            let has_failed = ["an effect failed", "could not record"]
                .iter()
                .any(|words| self.plane.log()[logged..].contains(words));
            if has_failed { Ok(()) } else { self.is_done(&before) }
        });
        if let Some(session) = &mut self.session {
            self.witness.assert_served();
            assert_eq!(session.ask("SELECT 1;"), "1");
        }
        end();
        self.wait_done(wish, &before, logged);
        if fault == Fault::Killed {
            self.witness.assert_not_misled();
        } else {
            self.witness.assert_served();
            assert_eq!(self.plane.postmaster(&self.instance.resource_id), postmaster);
        }
        let events = self.plane.events("db")[told..].to_owned();
        Told { step, events, log: self.plane.log()[logged..].to_owned() }
    }

    /// Changes the world; the answer changes it back.
    fn begin(&self, fault: Fault) -> Box<dyn FnOnce()> {
        match fault {
            Fault::Killed => {
                let pid = self.plane.postmaster(&self.instance.resource_id).unwrap();
                kill_process(pid);
                Box::new(|| {})
            }
            Fault::FullDisk => {
                let filler = self.disk.as_ref().unwrap().fill(1000);
                Box::new(move || fs::remove_file(filler).unwrap())
            }
            Fault::ReadOnly(name) => {
                let folder = metadata(&self.plane, &self.instance).with_file_name(name);
                let set = |mode| {
                    let folder = folder.clone();
                    move || fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap()
                };
                set(0o500)();
                Box::new(set(0o700))
            }
            Fault::OtherKey => {
                let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
                put_stranger_key(&self.plane, &self.instance, &curve);
                Box::new(|| {})
            }
        }
    }

    fn prepare(&mut self, wish: Wish) {
        if matches!(wish, Wish::OtherAuthority) {
            self.authority = 1 - self.authority;
        }
    }

    fn ask(&self, wish: Wish) {
        match wish {
            Wish::OtherAuthority => {
                let authority = AUTHORITIES[self.authority];
                self.plane.modify("db", &[("CACertificateIdentifier", authority)]);
            }
            Wish::Renewal => {
                let arn = self.instance.xml.text("DBInstanceArn").unwrap();
                let parameters = [
                    ("ResourceIdentifier", &*arn),
                    ("ApplyAction", "server-certificate-rotation"),
                    ("OptInType", "immediate"),
                ];
                self.plane.call("ApplyPendingMaintenanceAction", &parameters).unwrap();
            }
        }
    }

    fn pair_in_use(&self) -> PathBuf {
        fs::read_link(metadata(&self.plane, &self.instance)).unwrap()
    }

    /// Whether another pair than that, of the wanted authority, is in use by a server that runs.
    fn is_done(&self, before: &PathBuf) -> Result<(), String> {
        let instance = self.plane.instance("db").map_err(|refusal| refusal.to_string())?;
        let authority = instance.xml.text("CAIdentifier").unwrap();
        let pair = self.pair_in_use();
        let state = format!("{} by {authority}, {}", instance.status, pair.display());
        let is_wanted = instance.status == "available" && authority == AUTHORITIES[self.authority];
        if !is_wanted || pair == *before {
            return Err(state);
        }
        let answer = Psql::to(&self.plane, &instance).run("SELECT 1");
        if !answer.status.success() {
            return Err(format!("{state}: {}", answer.stderr));
        }
        let serial = pair.file_name().unwrap().to_str().unwrap();
        let served = instance.served_certificate();
        if !served.serial.eq_ignore_ascii_case(serial) {
            return Err(format!("{state}: {} is served", served.serial));
        }
        let root = self.plane.authority(&authority);
        assert_eq!(self.plane.verify(&served, &instance.endpoint, &root), Ok(()));
        // What is not recorded yet would be done again, and stop pgkeep as soon as it starts.
        let log = self.plane.log();
        let last = log.rfind("doing instance=db").unwrap_or(0);
        if log[last..].contains("at rest instance=db") { Ok(()) } else { Err(state) }
    }

    /// Waits for what was wanted; where the pair before was put back, it is asked for anew, since
    /// the same wish would wait an hour.
    fn wait_done(&self, wish: Wish, before: &PathBuf, logged: usize) {
        let is_put_back = wait_until("it is as wanted", LIMIT, || {
            let state = self.is_done(before);
            let is_put_back = self.plane.log()[logged..].contains(&doing(Effect::PutBack))
                && self.pair_in_use() == *before
                && self.plane.instance("db").is_ok_and(|it| it.status == "available");
            if is_put_back { Ok(true) } else { state.map(|()| false) }
        });
        if is_put_back {
            self.ask(wish);
            wait_until("it is as wanted", LIMIT, || self.is_done(before));
        }
    }
}

/// What the log says when an effect begins.
fn doing(effect: Effect) -> String {
    format!("effect=\"{}\"", effect.name())
}
