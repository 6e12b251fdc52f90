//! What was done, and how it went.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is counted while all threads run.
#[derive(Debug)]
pub(crate) struct Figures {
    begun: Instant,
    counts: Mutex<Counts>,
}

impl Default for Figures {
    fn default() -> Self {
        Self { begun: Instant::now(), counts: Mutex::default() }
    }
}

#[derive(Debug, Default)]
struct Counts {
    operations: BTreeMap<String, u64>,
    refused: u64,
    faults: BTreeMap<&'static str, u64>,
    acknowledged: u64,
    checked: u64,
    rounds: u64,
    longest: Duration,
}

impl Figures {
    /// An operation that was accepted.
    pub(crate) fn operation(&self, name: &str) {
        self.with(|it| *it.operations.entry(name.to_owned()).or_default() += 1);
    }

    /// An operation that was refused, since the instance was busy.
    pub(crate) fn refusal(&self) {
        self.with(|it| it.refused += 1);
    }

    pub(crate) fn fault(&self, name: &'static str) {
        eprintln!("{:.1} s: {name}", self.begun.elapsed().as_secs_f64());
        self.with(|it| *it.faults.entry(name).or_default() += 1);
    }

    /// A row that PostgreSQL said it has.
    pub(crate) fn acknowledged(&self) {
        self.with(|it| it.acknowledged += 1);
    }

    /// Rows that were acknowledged and are there, for the first time.
    pub(crate) fn checked(&self, rows: usize) {
        self.with(|it| it.checked += rows as u64);
    }

    /// The end of a round, after which all was well within some time.
    pub(crate) fn well(&self, after: Duration) {
        self.with(|it| {
            it.rounds += 1;
            it.longest = it.longest.max(after);
        });
    }

    /// How many operations were accepted.
    pub(crate) fn operations(&self) -> u64 {
        self.with(|it| it.operations.values().sum())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Counts) -> T) -> T {
        f(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|it| {
            let operations: u64 = it.operations.values().sum();
            writeln!(f, "operations accepted: {operations} (refused as busy: {})", it.refused)?;
            for (name, count) in &it.operations {
                writeln!(f, "  {name}: {count}")?;
            }
            writeln!(f, "faults injected: {}", it.faults.values().sum::<u64>())?;
            for (name, count) in &it.faults {
                writeln!(f, "  {name}: {count}")?;
            }
            let unseen = it.acknowledged - it.checked;
            writeln!(f, "rows acknowledged: {}", it.acknowledged)?;
            writeln!(f, "  found again: {}, in instances deleted before: {unseen}", it.checked)?;
            // A row that is lost ends the run.
            writeln!(f, "rows lost: 0")?;
            write!(f, "rounds: {}, longest time to be well again: ", it.rounds)?;
            write!(f, "{:.1} s", it.longest.as_secs_f64())
        })
    }
}
