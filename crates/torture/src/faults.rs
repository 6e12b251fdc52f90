//! What goes wrong: processes are killed or stand still, the disk is full, a folder cannot be
//! written, the clock is moved, files of certificates are damaged; and pgkeep is killed in the
//! middle of that.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use pgkeep_testkit::{Paused, kill_process, processes_under};

use crate::arena::{Arena, pause};
use crate::random::Random;

/// What can be injected.
#[derive(Debug, Clone, Copy)]
enum Fault {
    KillPgkeep,
    KillPostmaster,
    KillBackend,
    PausePostmaster,
    FillDisk,
    CloseFolder,
    MoveClock,
    DamagePair,
}

/// Each as often as it stands here.
const FAULTS: [Fault; 11] = [
    Fault::KillPgkeep,
    Fault::KillPgkeep,
    Fault::KillPgkeep,
    Fault::KillPostmaster,
    Fault::KillPostmaster,
    Fault::KillBackend,
    Fault::PausePostmaster,
    Fault::FillDisk,
    Fault::CloseFolder,
    Fault::MoveClock,
    Fault::DamagePair,
];

/// By how many seconds the clock is wrong: minutes, a day, and the lives of certificates.
const CLOCKS_S: [i64; 6] = [-7200, 1200, -86_400, 86_400, 190 * 86_400, 400 * 86_400];

/// Lets something go wrong, and makes it good again.
pub(crate) fn inject(arena: &Arena, random: &mut Random) {
    assert!(!arena.plane_alone().has_ended(), "pgkeep ended: {}", arena.plane().log());
    match random.one_of(&FAULTS) {
        Fault::KillPgkeep => {
            kill_pgkeep(arena);
            pause(random.between(0, 1500));
            arena.plane_alone().restart();
        }
        Fault::KillPostmaster => kill_server(arena, random, true),
        Fault::KillBackend => kill_server(arena, random, false),
        Fault::PausePostmaster => {
            let postmasters = servers(arena, true);
            if !postmasters.is_empty() {
                arena.figures.fault("postmaster stands still");
                let paused = Paused::process(random.one_of(&postmasters));
                hold(arena, random);
                drop(paused);
            }
        }
        Fault::FillDisk => {
            arena.figures.fault("disk full");
            let filler = arena.disk.fill(usize::MAX);
            during(arena, random, || fs::remove_file(&filler).expect("the filler"));
        }
        Fault::CloseFolder => close_folder(arena, random),
        Fault::MoveClock => {
            arena.figures.fault("clock moved");
            arena.set_clock(random.one_of(&CLOCKS_S));
            during(arena, random, || arena.set_clock(0));
        }
        Fault::DamagePair => damage_pair(arena, random),
    }
}

/// Lets some time pass, then makes good what went wrong. Pgkeep may be killed meanwhile, and be
/// back before or after.
fn during(arena: &Arena, random: &mut Random, make_good: impl Fn()) {
    hold(arena, random);
    let is_killed = random.happens(40);
    if is_killed {
        kill_pgkeep(arena);
        hold(arena, random);
    }
    // What stands in the way of its start ends it, with an error.
    let serves = if is_killed && random.happens(60) {
        arena.figures.fault("pgkeep started meanwhile");
        arena.plane_alone().try_restart()
    } else {
        !is_killed
    };
    hold(arena, random);
    make_good();
    if !serves {
        arena.plane_alone().restart();
    }
}

/// A while, in which a server may be killed.
fn hold(arena: &Arena, random: &mut Random) {
    pause(random.between(200, 2500));
    if random.happens(30) {
        kill_server(arena, random, true);
        pause(random.between(200, 1000));
    }
}

fn kill_pgkeep(arena: &Arena) {
    arena.figures.fault("pgkeep killed");
    kill_process(arena.plane().pid().expect("it runs"));
}

fn kill_server(arena: &Arena, random: &mut Random, postmaster: bool) {
    let servers = servers(arena, postmaster);
    if servers.is_empty() {
        return;
    }
    arena.figures.fault(if postmaster { "postmaster killed" } else { "child of one killed" });
    kill_process(random.one_of(&servers));
}

/// The processes that work in data directories: the postmasters, or all the others.
fn servers(arena: &Arena, postmasters: bool) -> Vec<i32> {
    let instances = arena.disk.path().join("instances");
    let mut all = processes_under(&instances);
    all.retain(|pid| {
        let link = fs::read_link(format!("/proc/{pid}/cwd"));
        link.is_ok_and(|cwd| cwd.starts_with(&instances))
    });
    let parent = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    let is_child = |pid: &i32| parent(*pid).is_some_and(|parent| all.contains(&parent));
    all.iter().filter(|pid| is_child(pid) != postmasters).copied().collect()
}

/// The folders of all instances.
fn folders(arena: &Arena) -> Vec<PathBuf> {
    let entries = fs::read_dir(arena.disk.path().join("instances")).into_iter().flatten();
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// Makes a folder read-only.
fn close_folder(arena: &Arena, random: &mut Random) {
    let root = arena.disk.path();
    let mut all: Vec<_> =
        ["instances", "run", "pool", "trash", "view"].map(|name| root.join(name)).into();
    for folder in folders(arena) {
        all.extend(["certificates", "log", ""].map(|name| folder.join(name)));
    }
    let folder = random.one_of(&all);
    let mode = |mode| fs::set_permissions(&folder, Permissions::from_mode(mode));
    if mode(0o500).is_ok() {
        arena.figures.fault("folder read-only");
        // It may have been removed meanwhile.
        during(arena, random, || drop(mode(0o700)));
    }
}

/// Damages a file of a certificate that is in use.
fn damage_pair(arena: &Arena, random: &mut Random) {
    let folders = folders(arena);
    if folders.is_empty() {
        return;
    }
    let metadata = random.one_of(&folders).join("rds-metadata");
    let file = random.one_of(&["server-key.pem", "server-cert.pem", "ca-cert.pem"]);
    let path = metadata.join(file);
    let damaged = match random.between(0, 4) {
        0 => fs::remove_file(&path),
        1 => fs::remove_file(&metadata),
        2 => fs::set_permissions(&path, Permissions::from_mode(0o644)),
        _ => OpenOptions::new().write(true).open(&path).and_then(|file| {
            let length = file.metadata()?.len();
            file.set_len(random.between(0, length.max(1)))
        }),
    };
    if damaged.is_ok() {
        arena.figures.fault("certificate damaged");
    }
}
