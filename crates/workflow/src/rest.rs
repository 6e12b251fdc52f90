//! What is recorded when an instance comes to rest, and when it fails to.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use pgkeep_model::{
    Applied, CertificateRefusal, DbInstance, DbiResourceId, EventCategory, InstanceStatus,
};
use pgkeep_postgres::{PostgresError, Postmaster};
use pgkeep_probe::{ProbeError, ProofError};
use pgkeep_store::Claim;
use time::OffsetDateTime;
use tracing::{debug, info, warn};

use crate::deaths::pause_after;
use crate::decide::Effect;
use crate::driver::Driver;
use crate::maintenance::next_window;
use crate::turn::{Doing, Turn};
use crate::{WorkflowError, loopback_address};

/// Failed starts in a row after which the parameters are held responsible: with the pauses of
/// [`pause_after`] about 4 s, enough for the children of a killed postmaster to be gone.
const STARTS_BEFORE_INCOMPATIBLE: u32 = 5;
/// How many other loopback addresses are tried before a taken one counts as a failure.
const ADDRESSES_TO_TRY: u32 = 8;

impl Driver {
    /// Records that nothing is left to do, unless the wish changed meanwhile.
    pub(crate) async fn rest(
        self: &Arc<Self>,
        instance: &DbInstance,
        postmaster: Option<Postmaster>,
    ) -> Result<Turn, WorkflowError> {
        let id = &instance.resource_id;
        let control = &self.control;
        let status = if instance.desired.running {
            InstanceStatus::Available
        } else {
            InstanceStatus::Stopped
        };
        // Of one that was renamed, the name before is only now to go.
        control.publish_names_of(instance).await?;
        let until = control.signs_until(instance);
        let next = next_window(instance, until, control.clock().now());
        let settled = control.store.quickly(|state| {
            let mut settled = false;
            state.update_instance(id, |row| {
                settled = row.generation == instance.generation;
                if settled {
                    row.status = status;
                    row.applied.created = true;
                }
            })?;
            if settled {
                state.release(id, next)?;
                let events = events_at_rest(instance, status).into_iter();
                let events: Vec<_> = events
                    .map(|(category, message)| {
                        control.instance_event(&instance.desired.identifier, category, message)
                    })
                    .collect();
                state.append_events(&events)?;
            }
            Ok(settled)
        })?;
        if !settled {
            return Ok(Turn::Again);
        }
        let identifier = &instance.desired.identifier;
        if instance.status == status {
            debug!(instance = %identifier, %status, "at rest");
        } else {
            info!(instance = %identifier, %status, "at rest");
        }
        if let Some(postmaster) = postmaster {
            control.keep_session(instance);
            self.watch(instance, postmaster);
        }
        Ok(Turn::Over)
    }

    /// Records a failure: when to try again, and what to say of it.
    pub(crate) fn record_failure(
        &self,
        id: &DbiResourceId,
        claim: Claim,
        doing: Option<Doing>,
        error: &WorkflowError,
    ) -> Result<(), WorkflowError> {
        let control = &self.control;
        let now = control.clock().now();
        let message = chain(error);
        warn!(%id, attempt = claim.attempt, error = message, "an effect failed");
        if let WorkflowError::Postgres(_) = error {
            // It may be the one that did not answer.
            control.drop_session(id);
        }
        let taken = matches!(error, WorkflowError::Postgres(PostgresError::AddressInUse { .. }));
        // Those that are tried at once, elsewhere, count for no pause.
        let tries = if taken && control.shared_address().is_none() { ADDRESSES_TO_TRY } else { 0 };
        let elsewhere = claim.attempt <= tries;
        let status = failed_status(error, claim, now);
        control.store.quickly(|state| {
            let due = if elsewhere { now } else { now + pause_after(claim.attempt - tries) };
            let is_new = state.last_error(id)?.as_ref() != Some(&message);
            state.retry(id, due, &message)?;
            let Some(instance) = state.instance_by_resource_id(id)? else { return Ok(()) };
            let said = status.filter(|it| *it != instance.status && !instance.desired.deleted);
            state.update_instance(id, |row| {
                row.status = said.unwrap_or(row.status);
                if let WorkflowError::Proof { .. }
                | WorkflowError::Postgres(PostgresError::Setting { .. }) = error
                {
                    // The server may serve rightly once it has read its files anew; until then it
                    // is not known to.
                    row.applied.reload_digest = None;
                    if row.status == InstanceStatus::Available {
                        row.status = InstanceStatus::Modifying;
                    }
                }
                if let Some(refusal) = doing.and_then(|it| refusal(&row.applied, it, error, now)) {
                    row.applied.refusal = Some(refusal);
                }
                if elsewhere {
                    row.desired.address = IpAddr::V4(loopback_address());
                }
            })?;
            let put = said.map(|status| format!("Database instance put into {status}. {message}."));
            let issues = doing.is_some_and(|it| it.effect == Effect::IssueCertificate);
            let not_issued = (is_new && instance.applied.created && issues).then(|| {
                let authority = &instance.desired.ca_identifier;
                format!("Could not issue a new server certificate by {authority}: {message}.")
            });
            let events = [not_issued, put].into_iter().flatten().map(|message| {
                let identifier = &instance.desired.identifier;
                control.instance_event(identifier, EventCategory::Failure, message)
            });
            state.append_events(&events.collect::<Vec<_>>())
        })?;
        Ok(())
    }
}

/// That the certificate in use is not served, if an error says so of one that is valid by now and
/// was not proved before. It is for the wish that was tried: one that came meanwhile does not wait.
fn refusal(
    applied: &Applied,
    doing: Doing,
    error: &WorkflowError,
    now: OffsetDateTime,
) -> Option<CertificateRefusal> {
    let certificate = applied.certificate.as_ref().filter(|it| it.not_before <= now)?;
    let is_refused = refuses_certificate(error) && applied.proved.as_ref() != Some(certificate);
    is_refused.then(|| CertificateRefusal {
        at: now,
        generation: doing.generation,
        reason: chain(error),
    })
}

/// Whether an error says that the certificate in use is not the one that clients get, or that the
/// server does not start with it.
fn refuses_certificate(error: &WorkflowError) -> bool {
    match error {
        WorkflowError::Proof { source, .. } => matches!(
            **source,
            ProofError::Fingerprint { .. }
                | ProofError::Chain { .. }
                | ProofError::Name { .. }
                | ProofError::Unanswered(
                    _,
                    ProbeError::TlsDeclined { .. } | ProbeError::Handshake { .. }
                )
        ),
        WorkflowError::Postgres(PostgresError::NotStarted { message }) => {
            message.contains("rds-metadata/") || message.contains("private key")
        }
        _ => false,
    }
}

/// The status of an instance that does not come to rest, once that is certain.
fn failed_status(
    error: &WorkflowError,
    claim: Claim,
    now: OffsetDateTime,
) -> Option<InstanceStatus> {
    let not_started = matches!(error, WorkflowError::Postgres(PostgresError::NotStarted { .. }));
    if not_started && claim.attempt >= STARTS_BEFORE_INCOMPATIBLE {
        return Some(InstanceStatus::IncompatibleParameters);
    }
    if matches!(error, WorkflowError::DataDirectoryGone(_)) {
        return Some(InstanceStatus::Failed);
    }
    let late = claim.deadline_at.is_some_and(|deadline| now >= deadline);
    late.then_some(InstanceStatus::Failed)
}

fn events_at_rest(
    before: &DbInstance,
    status: InstanceStatus,
) -> Vec<(EventCategory, &'static str)> {
    if before.status == status {
        return Vec::new();
    }
    if status == InstanceStatus::Stopped {
        return vec![(EventCategory::Notification, "DB instance stopped.")];
    }
    if !before.applied.created {
        return vec![(EventCategory::Creation, "DB instance created.")];
    }
    match before.status {
        InstanceStatus::Rebooting => {
            vec![(EventCategory::Availability, "DB instance restarted.")]
        }
        InstanceStatus::Starting => {
            vec![(EventCategory::Notification, "DB instance started.")]
        }
        InstanceStatus::Failed | InstanceStatus::IncompatibleParameters => {
            vec![(EventCategory::Recovery, "DB instance is available again.")]
        }
        _ => Vec::new(),
    }
}

/// An error with everything that led to it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{certificate, instance};
    use crate::maintenance::waits_until;

    #[test]
    fn a_wish_that_came_during_a_refused_one_does_not_wait() {
        let message = "could not load private key file".to_owned();
        let error = WorkflowError::Postgres(PostgresError::NotStarted { message });
        let mut row = instance();
        let tried = Doing { effect: Effect::Start, generation: row.generation };
        let in_use = certificate(&row);
        let now = in_use.not_before;
        row.applied.certificate = Some(in_use);
        row.applied.refusal = refusal(&row.applied, tried, &error, now);
        assert!(waits_until(&row, now).is_some());
        row.generation += 1;
        assert_eq!(waits_until(&row, now), None);

        row.applied.proved.clone_from(&row.applied.certificate);
        assert_eq!(refusal(&row.applied, tried, &error, now), None);
    }
}
