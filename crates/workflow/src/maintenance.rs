//! What waits for the instance's weekly maintenance window: changes, and the renewal of its
//! certificate from half of its life on.

use pgkeep_model::{CertificateRecord, DbInstance, EventCategory, MaintenanceWindow};
use pgkeep_store::StoreError;
use time::{Duration, OffsetDateTime};

use crate::driver::Driver;
use crate::{Control, WorkflowError};

/// How long before its end a certificate is renewed whatever the window: for a pgkeep that was down
/// in every window since half of its life.
const LAST_CALL: Duration = Duration::days(30);
/// After a certificate that was not served, before another is issued for the same wish.
const REFUSAL_PAUSE: Duration = Duration::hours(1);
/// The same while the one in use is for another endpoint: clients that verify need the new one.
const REFUSAL_PAUSE_RENAMED: Duration = Duration::minutes(1);

/// When the next window with something to do opens. What its authority signs is valid until
/// `signs_until`, if that is there.
pub(crate) fn next_window(
    instance: &DbInstance,
    signs_until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let window = window(instance);
    let change =
        window.filter(|_| instance.pending.waits_for_window()).map(|it| it.next_start(now));
    let certificate = instance.applied.certificate.as_ref().filter(|_| instance.desired.running);
    let certificate = certificate.filter(|it| gains(it, signs_until));
    let waits = waits_until(instance, now);
    let renewal = certificate.map(|it| renewal(it, window, now).max(waits.unwrap_or(now)));
    [change, renewal, waits].into_iter().flatten().min()
}

/// Until when no other certificate is issued, after one that was refused.
pub(crate) fn waits_until(instance: &DbInstance, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let refusal = instance.applied.refusal.as_ref();
    // One of a time to come is of a clock that was wrong.
    let same =
        refusal.filter(|refusal| refusal.generation == instance.generation && refusal.at <= now);
    let certificate = instance.applied.certificate.as_ref();
    let renamed = certificate.is_some_and(|it| it.endpoint != instance.desired.endpoint);
    let pause = if renamed { REFUSAL_PAUSE_RENAMED } else { REFUSAL_PAUSE };
    same.map(|refusal| refusal.at + pause).filter(|until| *until > now)
}

/// Whether an instance's certificate is to be renewed now: also one that is not valid yet, issued
/// by a clock that was wrong.
pub(crate) fn renews(
    instance: &DbInstance,
    signs_until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> bool {
    let certificate = instance.applied.certificate.as_ref();
    certificate.is_some_and(|certificate| {
        instance.desired.replaced_serial.as_ref() == Some(&certificate.serial)
            || certificate.not_before > now
            || (gains(certificate, signs_until)
                && renewal(certificate, window(instance), now) <= now)
    })
}

/// Whether another certificate would live longer. One of an authority of the user's own ends with
/// that, and until another is imported there is nothing to gain.
fn gains(certificate: &CertificateRecord, signs_until: Option<OffsetDateTime>) -> bool {
    signs_until.is_none_or(|end| end > certificate.not_after)
}

/// When the certificate of an instance is renewed, if it is past half of its life.
pub fn due_renewal(
    instance: &DbInstance,
    signs_until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let certificate = instance.applied.certificate.as_ref()?;
    if !gains(certificate, signs_until) {
        return None;
    }
    let CertificateRecord { not_before, not_after, .. } = certificate;
    let is_due = *not_before + (*not_after - *not_before) / 2 <= now;
    is_due.then(|| renewal(certificate, window(instance), now))
}

/// The first time, not before `now`, at which a certificate is to be renewed.
fn renewal(
    certificate: &CertificateRecord,
    window: Option<MaintenanceWindow>,
    now: OffsetDateTime,
) -> OffsetDateTime {
    let CertificateRecord { not_before, not_after, .. } = certificate;
    let from = now.max(*not_before + (*not_after - *not_before) / 2);
    let opening = window.filter(|window| !window.contains(from)).map(|it| it.next_start(from));
    opening.unwrap_or(from).min(from.max(*not_after - LAST_CALL))
}

/// The window; one that does not parse was never accepted by the API.
fn window(instance: &DbInstance) -> Option<MaintenanceWindow> {
    instance.desired.maintenance_window.parse().ok()
}

impl Driver {
    /// Makes what waits the wish, when the window is open; answers whether it did.
    pub(crate) fn open_window(&self, instance: &DbInstance) -> Result<bool, WorkflowError> {
        let control: &Control = &self.control;
        let now = control.clock().now();
        let open = window(instance).is_some_and(|window| window.contains(now));
        if !open || !instance.pending.waits_for_window() || instance.desired.deleted {
            return Ok(false);
        }
        let apply = |row: &mut DbInstance| {
            row.apply_pending(|identifier| control.endpoint_of(identifier));
        };
        let id = &instance.resource_id;
        match control.store.quickly(|state| state.update_instance(id, apply)) {
            Err(StoreError::IdentifierTaken(name)) => {
                let identifier = &instance.desired.identifier;
                let message = format!(
                    "Did not rename the DB instance to {name}, as another has that name by now."
                );
                let event = control.instance_event(identifier, EventCategory::Failure, message);
                control.store.quickly(|state| {
                    state.update_instance(id, |row| {
                        row.pending.identifier = None;
                        apply(row);
                    })?;
                    state.append_events(&[event])
                })?;
            }
            applied => drop(applied?),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod decades;

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn renewal_waits_for_half_of_the_life_and_the_window() {
        let certificate = CertificateRecord {
            ca_identifier: String::new(),
            endpoint: String::new(),
            serial: String::new(),
            fingerprint: String::new(),
            not_before: datetime!(2026-01-01 0:00 UTC),
            not_after: datetime!(2027-01-01 0:00 UTC),
        };
        let window: MaintenanceWindow = "sun:04:00-sun:05:00".parse().unwrap();
        let at = |now| renewal(&certificate, Some(window), now);
        // Half of the life is Thursday, 2 July, 12:00.
        let first = datetime!(2026-07-05 4:00 UTC);
        assert_eq!(at(datetime!(2026-01-01 0:00 UTC)), first);
        assert_eq!(at(datetime!(2026-06-28 4:30 UTC)), first, "a window before that");
        let inside = datetime!(2026-07-05 4:59:59 UTC);
        assert_eq!(at(inside), inside);
        assert_eq!(at(datetime!(2026-07-05 5:00 UTC)), datetime!(2026-07-12 4:00 UTC));
        // 30 days before the end is Wednesday, 2 December.
        assert_eq!(at(datetime!(2026-11-30 0:00 UTC)), datetime!(2026-12-02 0:00 UTC));
        let late = datetime!(2026-12-10 0:00 UTC);
        assert_eq!(at(late), late);
        assert_eq!(renewal(&certificate, None, late), late);
    }
}
