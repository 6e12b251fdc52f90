//! The driver: takes up what is due, and works on each instance until it is at rest.
//!
//! Each instance has at most one task at a time. Woken by a signal and by a timer; a wake-up
//! carries no data, what is due stands in the state file.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use pgkeep_model::DbiResourceId;
use pgkeep_store::{Claim, Transaction};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::deaths::Deaths;
use crate::turn::Turn;
use crate::{Control, WorkflowError};

/// How many instances begin at the same time: somewhat more than there are threads.
const BEGIN_AT_ONCE: usize = 8;
/// How many are taken up at a time, once all before had their turn. At a start all instances are
/// due: were they all taken up at once, a request would have to wait for all of them.
const TAKEN_UP_AT_ONCE: usize = 100;
/// How long an instance waits after work on it panicked.
const PANIC_PAUSE: time::Duration = time::Duration::minutes(1);
/// How long to wait after the state file could not be read.
const STATE_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
/// The longest sleep; what falls due earlier cuts it short. The clock that says what is due may be
/// moved, and a sleep does not count the time in which the machine sleeps.
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(10);

/// Works on instances until it is told to stop.
pub(crate) struct Driver {
    pub(crate) control: Arc<Control>,
    pub(crate) deaths: Deaths,
    busy: Mutex<HashSet<DbiResourceId>>,
    /// Held up to where work first waits for something.
    turns: Semaphore,
    /// Taken up, and without a turn yet.
    waiting: AtomicUsize,
    /// Due now, which the state file could not be told (a full disk, say).
    untold: Mutex<HashSet<DbiResourceId>>,
}

impl Driver {
    pub(crate) fn new(control: Arc<Control>) -> Arc<Self> {
        Arc::new(Self {
            control,
            deaths: Deaths::default(),
            busy: Mutex::default(),
            turns: Semaphore::new(BEGIN_AT_ONCE),
            waiting: AtomicUsize::new(0),
            untold: Mutex::default(),
        })
    }

    /// Runs until `shutdown` resolves, then lets effects under way come to their end.
    pub(crate) async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        let mut last = OffsetDateTime::UNIX_EPOCH;
        tokio::pin!(shutdown);
        loop {
            let pause = self.take_up_due(&mut tasks, &mut last).unwrap_or_else(|error| {
                error!(error = &error as &dyn std::error::Error, "could not tell what is due");
                STATE_PAUSE
            });
            tokio::select! {
                () = &mut shutdown => break,
                () = self.control.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Starts a task for each due instance, and says how long nothing else falls due. If the clock
    /// was put back since the `last` look, what is due later may have been meant for now.
    fn take_up_due(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        last: &mut OffsetDateTime,
    ) -> Result<std::time::Duration, WorkflowError> {
        let now = self.control.clock().now();
        if now < *last {
            warn!(from = %last, to = %now, "the clock was put back");
            self.control.store.quickly(|state| state.make_all_due(now))?;
        }
        *last = now;
        self.tell_due(now)?;
        if self.waiting.load(Ordering::Relaxed) > 0 {
            // The last of them to get its turn wakes this.
            return Ok(LONGEST_PAUSE);
        }
        // Those that are busy and due are passed over.
        let limit = TAKEN_UP_AT_ONCE.saturating_add(held(&self.busy).len());
        let (mut due, next) = self.control.store.read(|state| {
            let due = state.due(now, limit.try_into().unwrap_or(u32::MAX))?;
            Ok((due, state.next_due_after(now)?))
        })?;
        {
            // One that is busy ends with a wake-up, and is then looked at again.
            let busy = held(&self.busy);
            due.retain(|id| !busy.contains(id));
        }
        let claims = self.claim(due)?;
        self.waiting.fetch_add(claims.len(), Ordering::Relaxed);
        for (id, claim) in claims {
            held(&self.busy).insert(id.clone());
            let driver = Arc::clone(self);
            tasks.spawn(async move {
                let busy = Busy { driver, id };
                busy.driver.begin(&busy.id, claim).await;
            });
        }
        let pause = next.and_then(|at| (at - now).try_into().ok());
        Ok(pause.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
    }

    /// Takes up what is due, all at once: what is claimed is not found due again.
    fn claim(&self, due: Vec<DbiResourceId>) -> Result<Vec<(DbiResourceId, Claim)>, WorkflowError> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.control.store.quickly(|state| {
            let claims = due.into_iter().map(|id| Ok(state.claim(&id)?.map(|claim| (id, claim))));
            claims.filter_map(Result::transpose).collect()
        })?)
    }

    /// Brings an instance to rest, once it has its turn to begin: were all that are taken up ready
    /// to run, a request would have to wait for all of them.
    async fn begin(self: &Arc<Self>, id: &DbiResourceId, claim: Claim) {
        let turn = self.turns.acquire().await;
        if self.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.control.wake();
        }
        let mut work = Box::pin(self.bring_to_rest(id, claim));
        let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        drop(turn);
        if begun.is_pending() {
            work.await;
        }
    }

    async fn bring_to_rest(self: &Arc<Self>, id: &DbiResourceId, claim: Claim) {
        let result = async {
            let mut doing = None;
            loop {
                match self.turn(id, &mut doing).await {
                    Ok(Turn::Again) => {}
                    Ok(Turn::Over) => return Ok(()),
                    Err(error) => {
                        self.control.failures.count(doing.map(|it| it.effect));
                        return self.record_failure(id, claim, doing, &error);
                    }
                }
            }
        };
        if let Err(error) = result.await {
            warn!(%id, error = &error as &dyn std::error::Error, "could not record an outcome");
            tokio::time::sleep(STATE_PAUSE).await;
            self.make_due(id);
        }
    }

    /// Makes an instance due now, whether the state file can be written or not.
    pub(crate) fn make_due(&self, id: &DbiResourceId) {
        held(&self.untold).insert(id.clone());
        self.control.wake();
    }

    fn tell_due(&self, now: OffsetDateTime) -> Result<(), WorkflowError> {
        let mut untold = held(&self.untold);
        if !untold.is_empty() {
            let tell =
                |state: &Transaction<'_>| untold.iter().try_for_each(|id| state.wake_at(id, now));
            self.control.store.quickly(tell)?;
            untold.clear();
        }
        Ok(())
    }
}

/// An instance that is worked on, until this is dropped.
struct Busy {
    driver: Arc<Driver>,
    id: DbiResourceId,
}

impl Drop for Busy {
    /// Also when the work was cut off by a fault of pgkeep's own: then it is tried again, a while
    /// later.
    fn drop(&mut self) {
        let Self { driver, id } = self;
        let control = &driver.control;
        if std::thread::panicking() {
            let due = control.clock().now() + PANIC_PAUSE;
            let said = "pgkeep itself failed; its log says where";
            if let Err(error) = control.store.quickly(|state| state.retry(id, due, said)) {
                warn!(%id, error = &error as &dyn std::error::Error, "it is not tried again");
            }
        }
        held(&driver.busy).remove(id);
        control.wake();
        if control.taken.swap(false, Ordering::Relaxed) {
            control.refill.notify_one();
        }
    }
}

fn held(ids: &Mutex<HashSet<DbiResourceId>>) -> MutexGuard<'_, HashSet<DbiResourceId>> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}
