//! The one way in which a survey connects: counted, spaced, limited, and with an end to patience.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Asked, Plan};
use crate::error::ProbeError;
use crate::wire::Wire;

const LIMIT: u32 = 99;
const LIMIT_FAST: u32 = 12;
/// So many questions a server may leave open until their time is over; then none is asked any
/// more. Together with the time for each this bounds a survey of a server that hangs.
const PATIENCE: u32 = 4;

/// The connections of a survey.
pub(super) struct Line<'a> {
    pub(super) plan: &'a Plan<'a>,
    made: AtomicU32,
    late: AtomicU32,
    cut_short: AtomicBool,
    /// The moment before which no connection is made.
    next_at: Mutex<Instant>,
    failures: Mutex<Vec<String>>,
}

impl<'a> Line<'a> {
    pub(super) fn new(plan: &'a Plan<'a>) -> Self {
        Self {
            plan,
            made: AtomicU32::new(0),
            late: AtomicU32::new(0),
            cut_short: AtomicBool::new(false),
            next_at: Mutex::new(Instant::now()),
            failures: Mutex::new(Vec::new()),
        }
    }

    /// Connects when it is this connection's turn, if another may be made.
    pub(super) async fn open(&self) -> Result<Wire, ProbeError> {
        let addr = self.plan.addr;
        let may = |made| (made < self.limit() && !self.is_tired()).then_some(made + 1);
        if self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, may).is_err() {
            self.cut_short.store(true, Ordering::Relaxed);
            return Err(ProbeError::LimitReached { addr });
        }
        if let Some(rate) = self.plan.rate {
            sleep_until(self.turn(Duration::from_secs(1) / rate.max(1))).await;
        }
        let opened = Wire::open(addr, self.plan.within).await;
        self.settle(opened)
    }

    /// Connects and asks for TLS.
    pub(super) async fn open_tls(&self) -> Result<Wire, ProbeError> {
        let wire = self.open().await?;
        let asked = wire.request_tls().await;
        self.settle(asked)
    }

    fn turn(&self, gap: Duration) -> Instant {
        let mut next_at = self.next_at.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next_at).max(Instant::now());
        *next_at = turn + gap;
        turn
    }

    fn is_tired(&self) -> bool {
        self.late.load(Ordering::Relaxed) >= PATIENCE
    }

    fn limit(&self) -> u32 {
        if self.plan.fast { LIMIT_FAST } else { LIMIT }
    }

    /// How many connections may still be made.
    pub(super) fn left(&self) -> usize {
        self.limit().saturating_sub(self.made()) as usize
    }

    pub(super) fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn is_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }

    /// Notes whether a question was left open until its time was over.
    pub(super) fn settle<T>(&self, result: Result<T, ProbeError>) -> Result<T, ProbeError> {
        if matches!(result, Err(ProbeError::TimedOut { .. })) {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// What became of a question; a failure is noted.
    pub(super) fn asked<T>(&self, result: Result<T, ProbeError>) -> Asked<T> {
        match result {
            Ok(answer) => Asked::Answer(answer),
            Err(ProbeError::LimitReached { .. }) => Asked::No,
            Err(error) => Asked::Failed(self.fail(&error)),
        }
    }

    /// Notes that a question got no usable answer, and says why.
    pub(super) fn fail(&self, error: &ProbeError) -> String {
        let text = explain(error);
        self.note(text.clone());
        text
    }

    /// Notes why a question got no usable answer, once.
    pub(super) fn note(&self, why: String) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failures.contains(&why) {
            failures.push(why);
        }
    }

    pub(super) fn into_failures(self) -> Vec<String> {
        self.failures.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error and all its sources.
pub(super) fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
