//! Postmasters that ended unasked, and when each may be started again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pgkeep_model::{DbInstance, DbiResourceId};
use pgkeep_postgres::Postmaster;
use time::{Duration, OffsetDateTime};

use crate::driver::Driver;

/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::milliseconds(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::seconds(60);
/// A server that ran this long before it ended is started again at once.
const STEADY: Duration = Duration::seconds(60);

/// The pause after the `count`-th failure in a row.
pub(crate) fn pause_after(count: u32) -> Duration {
    let doubled = FIRST_PAUSE * 2_i32.saturating_pow(count.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE)
}

#[derive(Debug)]
struct Record {
    watched_pid: i32,
    count: u32,
    not_before: Option<OffsetDateTime>,
}

/// What is known of each instance's postmasters in the life of this process.
#[derive(Debug, Default)]
pub(crate) struct Deaths {
    records: Mutex<HashMap<DbiResourceId, Record>>,
}

impl Deaths {
    /// When the instance may be started, if not at once. What is further away than any pause was
    /// said by a clock that has been put back.
    pub(crate) fn not_before(
        &self,
        id: &DbiResourceId,
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        let at = self.with(|records| records.get(id).and_then(|record| record.not_before));
        at.filter(|at| *at > now && *at - now <= LONGEST_PAUSE)
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<DbiResourceId, Record>) -> T) -> T {
        f(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn watch(&self, id: &DbiResourceId, pid: i32) -> bool {
        self.with(|records| {
            let new = Record { watched_pid: 0, count: 0, not_before: None };
            let record = records.entry(id.clone()).or_insert(new);
            let is_new = record.watched_pid != pid;
            record.watched_pid = pid;
            is_new
        })
    }

    fn ended(&self, id: &DbiResourceId, now: OffsetDateTime, started_at: Option<OffsetDateTime>) {
        self.with(|records| {
            let Some(record) = records.get_mut(id) else { return };
            // The next one may get the same number.
            record.watched_pid = 0;
            let steady = started_at.is_none_or(|started| now - started > STEADY);
            record.count = if steady { 0 } else { record.count + 1 };
            record.not_before = (!steady).then(|| now + pause_after(record.count));
        });
    }
}

impl Driver {
    /// Makes the instance due when its postmaster ends.
    pub(crate) fn watch(self: &Arc<Self>, instance: &DbInstance, postmaster: Postmaster) {
        let id = instance.resource_id.clone();
        if !self.deaths.watch(&id, postmaster.pid()) {
            return;
        }
        let started_at = instance.applied.started_at;
        let driver = Arc::clone(self);
        tokio::spawn(async move {
            postmaster.ended().await;
            let now = driver.control.clock().now();
            driver.deaths.ended(&id, now, started_at);
            driver.make_due(&id);
        });
    }
}
