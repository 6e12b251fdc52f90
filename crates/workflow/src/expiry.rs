//! Events that warn before a certificate ends which was not renewed.
//!
//! Only the leaf is looked at: its issuers end no earlier. That of an authority of the user's own
//! ends with it, and nobody but the user can do something about that.

use pgkeep_model::{DbInstance, EventCategory, ExpiryWarning, due_expiry_warning};
use time::OffsetDateTime;

use crate::maintenance::renews;
use crate::{Control, WorkflowError};

impl Control {
    /// Appends the event of a warning that is due and was not given.
    pub(crate) fn warn_of_expiry(&self, instance: &DbInstance) -> Result<(), WorkflowError> {
        let now = self.clock().now();
        let until = self.signs_until(instance);
        let Some((warning, message)) = warning(instance, until, now) else { return Ok(()) };
        self.store.quickly(|state| {
            // Its time is now: what has not failed yet is done, not spoken of.
            let has_failed = instance.applied.refusal.is_some()
                || state.last_error(&instance.resource_id)?.is_some();
            if renews(instance, until, now) && !has_failed {
                return Ok(());
            }
            let warned = state.update_instance(&instance.resource_id, |row| {
                row.applied.warned = Some(warning);
            })?;
            let identifier = &instance.desired.identifier;
            let event = self.instance_event(identifier, EventCategory::Notification, message);
            if warned.is_some() { state.append_events(&[event]) } else { Ok(()) }
        })?;
        Ok(())
    }
}

fn warning(
    instance: &DbInstance,
    signs_until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Option<(ExpiryWarning, String)> {
    let certificate = instance.applied.certificate.as_ref()?;
    let days = due_expiry_warning(certificate.not_after, now)?;
    let warning = ExpiryWarning { serial: certificate.serial.clone(), days };
    if instance.applied.warned.as_ref() == Some(&warning) {
        return None;
    }
    let left = (certificate.not_after - now).whole_days();
    let when = if left >= 0 { format!("ends in {left} days") } else { "has ended".to_owned() };
    let authority = &certificate.ca_identifier;
    let ends_with = signs_until.filter(|end| *end <= certificate.not_after);
    let with = ends_with.map(|_| format!(", with its authority {authority}")).unwrap_or_default();
    let on = certificate.not_after.date();
    let message = format!("The server certificate {when}, on {on}{with}.");
    Some((warning, message))
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::decide::tests::{certificate, instance};

    #[test]
    fn each_certificate_is_warned_of_once_at_each_time() {
        let end = datetime!(2027-01-01 0:00 UTC);
        let mut instance = instance();
        let mut record = certificate(&instance);
        record.not_after = end;
        instance.applied.certificate = Some(record);
        let mut said = Vec::new();
        for day in -100..2 {
            let now = end + Duration::days(day);
            if let Some((given, message)) = warning(&instance, None, now) {
                instance.applied.warned = Some(given);
                said.push((day, message));
            }
        }
        let expected = [-90, -30, -7].map(|day| {
            (day, format!("The server certificate ends in {} days, on 2027-01-01.", -day))
        });
        assert_eq!(said, expected);
        instance.applied.certificate.as_mut().unwrap().serial = "another".to_owned();
        let with_authority = warning(&instance, Some(end), end - Duration::days(7)).unwrap().1;
        let expected = "The server certificate ends in 7 days, on 2027-01-01, with its authority \
                        rds-ca-rsa2048-g1.";
        assert_eq!(with_authority, expected);
        let late = warning(&instance, None, end + Duration::days(3)).unwrap().1;
        assert_eq!(late, "The server certificate has ended, on 2027-01-01.");
    }
}
