//! `cargo xtask torture`: several clients, each with an instance, ask for one thing after the other
//! while everything goes wrong; writers fill the instances with numbered rows over verified TLS.
//! Then there is quiet, and within a minute all must be as was asked: every instance, the files and
//! processes, and every row that PostgreSQL acknowledged.
//!
//! A seed determines what each thread chooses, not how the threads meet.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic ends the torture, which has failed"
)]

mod arena;
mod client;
mod faults;
mod figures;
mod random;
mod wish;
mod writer;

use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use pgkeep_testkit::wait_until;

use crate::arena::{Arena, pause};
use crate::client::{Client, PASSWORD};
use crate::random::Random;
use crate::wish::Slot;

/// How long it may take until all is well.
const WELL_LIMIT: Duration = Duration::from_mins(1);
/// The length of a round, unless less is left.
const ROUND: Duration = Duration::from_secs(30);
const CLIENTS: usize = 4;
const MAJORS: [&str; 9] = ["10", "11", "12", "13", "14", "15", "16", "17", "18"];

#[derive(Parser)]
#[command(about = "Asks pgkeep for one thing after the other while everything goes wrong")]
struct Options {
    /// What determines the choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long to go on
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// End after so many operations
    #[arg(long, default_value_t = u64::MAX)]
    operations: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    eprintln!("torture: seed {}", options.seed);
    let run = thread::spawn(move || torture(&options));
    if run.join().is_ok() {
        return ExitCode::SUCCESS;
    }
    let seed = Options::parse().seed;
    eprintln!("\nerror: the torture with the seed {seed} failed");
    ExitCode::FAILURE
}

fn torture(options: &Options) {
    let end = Instant::now() + Duration::from_secs_f64(options.minutes * 60.0);
    let mut random = Random::new(options.seed);
    let majors = [(); 3].map(|()| random.one_of(&MAJORS));
    eprintln!("PostgreSQL {}", majors.join(", "));
    let arena = Arena::open();
    let slots: [Slot; CLIENTS] = Default::default();
    let mut clients: Vec<_> = slots
        .iter()
        .enumerate()
        .map(|(number, slot)| {
            Client::new(&arena, slot, format!("t{number}"), &majors, random.fork())
        })
        .collect();
    let is_left =
        |arena: &Arena| Instant::now() < end && arena.figures.operations() < options.operations;
    while is_left(&arena) {
        let round_end = end.min(Instant::now() + ROUND);
        let quiet = round(&arena, &slots, &mut clients, &mut random, || {
            Instant::now() < round_end && is_left(&arena)
        });
        let left = WELL_LIMIT.saturating_sub(quiet.elapsed());
        wait_until("all is well", left, || check(&arena, &slots));
        arena.figures.well(quiet.elapsed());
        check_secrets(&arena);
        eprintln!(
            "well after {:.1} s: {} operations",
            quiet.elapsed().as_secs_f64(),
            arena.figures.operations()
        );
    }
    drop(clients);
    end_all(&arena, &slots);
    eprintln!("\nseed {}, PostgreSQL {}\n{}", options.seed, majors.join(", "), arena.figures);
}

/// Clients, writers and faults side by side. Answers when there was quiet.
fn round(
    arena: &Arena,
    slots: &[Slot],
    clients: &mut [Client<'_>],
    random: &mut Random,
    goes_on: impl Fn() -> bool,
) -> Instant {
    arena.set_over(false);
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (client, slot) in clients.iter_mut().zip(slots) {
            let random = random.fork();
            threads.push(scope.spawn(|| client.work()));
            threads.push(scope.spawn(|| writer::write(arena, slot, random)));
        }
        while goes_on() && threads.iter().all(|it| !it.is_finished()) {
            faults::inject(arena, random);
            pause(random.between(100, 3000));
        }
        arena.set_over(true);
        Instant::now()
    })
}

/// Whether all is as was asked.
fn check(arena: &Arena, slots: &[Slot]) -> Result<(), String> {
    let plane = arena.plane();
    let all = plane.instances();
    let wishes: Vec<_> = slots.iter().filter_map(Slot::wish).collect();
    let names = |names: Vec<&str>| names.join(", ");
    let mut expected: Vec<_> = wishes.iter().map(|wish| &*wish.identifier).collect();
    expected.sort_unstable();
    let found: Vec<_> = all.iter().map(|it| &*it.identifier).collect();
    if found != expected {
        return Err(format!("instances: {}, not {}", names(found), names(expected)));
    }
    for wish in &wishes {
        let instance = all.iter().find(|it| it.identifier == wish.identifier).unwrap();
        wish.check(&plane, instance)?;
        wish.check_rows(&plane, instance, &arena.figures)?;
    }
    plane.check_world(&all)
}

/// No password is in the log or in the state.
fn check_secrets(arena: &Arena) {
    let has_one = |text: &[u8]| text.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes());
    let log = arena.plane().log();
    assert!(!log.contains("panicked"), "pgkeep panicked");
    assert!(!has_one(log.as_bytes()), "a password is in the log");
    for name in ["state.db", "state.db-wal"] {
        let state = fs::read(arena.disk.path().join(name)).unwrap_or_default();
        assert!(!has_one(&state), "a password is in {name}");
    }
}

/// Deletes all, after which nothing is left.
fn end_all(arena: &Arena, slots: &[Slot]) {
    let wishes: Vec<_> = slots.iter().filter_map(Slot::wish).collect();
    let names: Vec<_> = wishes.iter().map(|wish| &*wish.identifier).collect();
    arena.plane().delete_all(&names);
}
