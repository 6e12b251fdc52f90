//! Watches who connects with and without TLS, so that it is known who breaks before
//! `rds.force_ssl` is switched on.
//!
//! The log names every connection while those without TLS are let in, so it is read, each minute
//! and never in a request; an unchanged one costs two `stat`. The open sessions show what the log
//! cannot: an application name that was set later, and everybody while a parameter group keeps
//! connections out of it. A look at them costs a session of the server's, so it is taken only after
//! somebody connected or, where the log does not tell that, every half hour.
//!
//! What was read may be too old to be kept; when a file came or went, [`crate::logs`] is told.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pgkeep_model::{
    ClientWatch, DbInstance, DbiResourceId, InstanceStatus, ReadTo, Sightings, Tally,
};
use pgkeep_postgres::{LogMark, Session, log_mark, read_connections};
use time::{Duration, OffsetDateTime};
use tracing::{debug, warn};

use crate::failpoint::pause;
use crate::{Control, WorkflowError};

/// Between two looks at the logs.
const PAUSE: std::time::Duration = std::time::Duration::from_mins(1);
/// Between two looks at the sessions of an instance whose log does not name connections. A look
/// costs the server 7 ms: for 100 such instances 0.4 ms a second.
const BLIND_PAUSE: Duration = Duration::minutes(30);

/// What an instance looked like when there was nothing more to do.
#[derive(Debug)]
struct Settled {
    looked_at: OffsetDateTime,
    log: LogMark,
    is_logged: bool,
    read_to: Option<ReadTo>,
    sampled_at: Option<OffsetDateTime>,
    /// Its server had been shut down before, so that nobody writes the log.
    is_over: bool,
}

/// Reads what is new until the runtime ends.
pub(crate) async fn watch_clients(control: Arc<Control>) {
    let mut settled = HashMap::new();
    loop {
        match control.to_watch(&mut settled) {
            Ok(instances) => {
                for instance in &instances {
                    if let Err(error) = control.watch(instance, &mut settled).await {
                        let error = &error as &dyn std::error::Error;
                        warn!(instance = %instance.desired.identifier, error, "clients not read");
                    }
                }
            }
            Err(error) => warn!(error = &error as &dyn std::error::Error, "clients not read"),
        }
        tokio::time::sleep(pause("PGKEEP_LOG_LOOK_MS", PAUSE)).await;
    }
}

impl Control {
    /// The instances whose servers are to run, and those that were stopped since they were settled:
    /// what their servers wrote to the end is still to be read, once. Forgets those that are gone.
    fn to_watch(
        &self,
        settled: &mut HashMap<DbiResourceId, Settled>,
    ) -> Result<Vec<DbInstance>, WorkflowError> {
        let mut instances = self.store.serving_instances()?;
        let serving: HashSet<_> = instances.iter().map(|it| it.resource_id.clone()).collect();
        let stopped: Vec<_> = settled.keys().filter(|id| !serving.contains(*id)).cloned().collect();
        for id in stopped {
            let instance = self.store.read(|state| state.instance_by_resource_id(&id))?;
            match (instance.filter(|it| !it.desired.deleted), settled.get_mut(&id)) {
                (Some(_), Some(before)) if before.is_over => before.looked_at = self.clock().now(),
                (Some(instance), _) => instances.push(instance),
                (None, _) => drop(settled.remove(&id)),
            }
        }
        Ok(instances)
    }

    async fn watch(
        self: &Arc<Self>,
        instance: &DbInstance,
        settled: &mut HashMap<DbiResourceId, Settled>,
    ) -> Result<(), WorkflowError> {
        let (id, now) = (&instance.resource_id, self.clock().now());
        let is_over = instance.status == InstanceStatus::Stopped;
        let major = instance.desired.engine_version.major;
        let is_logged = instance.applied.logs_plaintext(major);
        let before = settled.get_mut(id);
        let read_to = before.as_ref().and_then(|it| it.read_to.as_ref());
        let log = log_mark(&self.files(instance), read_to);
        let has_other_files = before.as_ref().is_none_or(|it| log.has_other_files(&it.log));
        let was_logged = before.as_ref().is_none_or(|it| it.is_logged);
        let sampled_at = before.as_ref().and_then(|it| it.sampled_at);
        let is_due = sampled_at.is_none_or(|sampled_at| now - sampled_at >= BLIND_PAUSE);
        let is_blind_for_long = instance.desired.running && !is_logged && (was_logged || is_due);
        let looked_at = before.as_ref().map(|it| it.looked_at);
        if let Some(before) = before {
            before.looked_at = now;
            before.is_over = is_over;
            if before.log == log && was_logged == is_logged && !is_blind_for_long {
                return Ok(());
            }
        }
        let (control, row) = (Arc::clone(self), instance.clone());
        let read = move || {
            let read = control.read_log(&row, is_logged, looked_at, now)?;
            if has_other_files {
                control.remove_old_logs(&row, &read.0);
            }
            Ok::<_, WorkflowError>(read)
        };
        let read = tokio::task::spawn_blocking(read).await;
        let (mut watch, connected) = read.map_err(WorkflowError::Interrupted)??;
        if connected || is_blind_for_long {
            self.sample(instance, &mut watch).await?;
        }
        let (read_to, sampled_at) = (watch.read_to, watch.sampled_at);
        let now_settled = Settled { looked_at: now, log, is_logged, read_to, sampled_at, is_over };
        settled.insert(id.clone(), now_settled);
        Ok(())
    }

    /// Reads the log to its end; answers how it stands then, and whether anybody connected.
    fn read_log(
        &self,
        instance: &DbInstance,
        is_logged: bool,
        looked_at: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<(ClientWatch, bool), WorkflowError> {
        let id = &instance.resource_id;
        let kept = self.store.read(|state| state.client_watch(id))?;
        let mut watch = kept.unwrap_or_else(|| ClientWatch::new(instance.created_at));
        watch.note_logging(is_logged, looked_at, now);
        let (files, mut connected) = (self.files(instance), false);
        loop {
            let reading = read_connections(&files, watch.read_to.as_ref(), false, now)?;
            watch.note_reading(reading.read_to, reading.lost, now);
            connected |= !reading.seen.is_empty();
            self.store.quickly(|state| state.record_sightings(id, &mut watch, &reading.seen))?;
            if !reading.more {
                return Ok((watch, connected));
            }
        }
    }

    /// Records the sessions that are open. They count as connections only where the log has none
    /// of them: those that began since an earlier look, all while connections were not logged.
    async fn sample(
        &self,
        instance: &DbInstance,
        watch: &mut ClientWatch,
    ) -> Result<(), WorkflowError> {
        let (files, now) = (self.files(instance), self.clock().now());
        if self.postmasters.running(&instance.resource_id, &files)?.is_none() {
            return Ok(());
        }
        let sessions = match self.sessions_of(instance).await {
            Ok(sessions) => sessions,
            // It is starting, hangs, or has no connection to spare: there will be another time.
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "sessions not looked at");
                return Ok(());
            }
        };
        let is_blind = watch.gap.is_some_and(|gap| gap.to.is_none());
        let counted_to = watch.sampled_at.filter(|_| is_blind);
        let mut seen = Sightings::default();
        for Session { client, tls, began_at } in sessions {
            // One that begins while this goes on is for the next look.
            let is_new = counted_to.is_some_and(|it| began_at > it && began_at <= now);
            seen.add(client, tls.is_some(), Tally::at(u64::from(is_new), now));
        }
        watch.sampled_at = Some(now);
        self.store.quickly(|state| state.record_sightings(&instance.resource_id, watch, &seen))?;
        Ok(())
    }
}
