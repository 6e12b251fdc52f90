//! The authorities over the years: once a day and at the start, never in a request, `pki` is asked
//! to make what they need from now on. Whoever asks for them has a value that does not change.
//!
//! `pgkeep authority` leaves revocations and authorities of the user's own in their folder, which
//! are heeded within a second, or at the next start: what follows from them is decided for each
//! instance like any other difference.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pgkeep_model::{DbInstance, EventCategory};
use pgkeep_pki::{Authorities, AuthorityInfo};
use time::OffsetDateTime;
use tokio::sync::watch;
use tracing::warn;

use crate::failpoint::pause;
use crate::{Control, Settings, WorkflowError};

/// The folder of the authorities in a data directory.
pub const AUTHORITIES: &str = "authorities";

/// From one look to the next, by the clock, which runs on while a machine sleeps.
const PERIOD: Duration = Duration::from_hours(24);
/// The same after one that failed.
const RETRY_PERIOD: Duration = Duration::from_hours(1);
/// How often the clock is asked, and the folder whether it was changed: one `stat`.
const PAUSE: Duration = Duration::from_secs(1);

/// Sees to the authorities until the runtime ends.
pub(crate) async fn keep_authorities(control: Arc<Control>) {
    if control.settings.authorities.is_some() {
        return;
    }
    let period = pause("PGKEEP_AUTHORITIES_LOOK_MS", PERIOD);
    let mut due = control.clock().now() + period;
    let mut seen = control.authorities().as_of();
    loop {
        tokio::time::sleep(period.min(PAUSE)).await;
        let (now, found) = (control.clock().now(), changed_at(&control.settings));
        // Longer than that only after the clock was put back.
        let waits = now < due && due - now <= period;
        if waits && found == seen {
            continue;
        }
        seen = found;
        let look = Arc::clone(&control);
        let looked = tokio::task::spawn_blocking(move || look.renew_authorities()).await;
        due = now + period;
        if let Err(error) = looked.map_err(WorkflowError::Interrupted).flatten() {
            due = now + period.min(RETRY_PERIOD);
            warn!(error = &error as &dyn std::error::Error, "authorities not seen to");
        }
    }
}

impl Control {
    /// The authorities as they are now, for their public parts.
    pub fn authorities(&self) -> Arc<Authorities> {
        Arc::clone(&self.authorities.borrow())
    }

    /// Tells when the trust bundle or a revocation list may have changed.
    pub fn follow_bundle(&self) -> watch::Receiver<Arc<Authorities>> {
        self.authorities.subscribe()
    }

    /// Whether the certificate of an instance was revoked.
    pub(crate) fn is_revoked(&self, instance: &DbInstance) -> bool {
        let certificate = instance.applied.certificate.as_ref();
        certificate.is_some_and(|it| self.authorities.borrow().is_revoked(&it.serial))
    }

    /// Until when what the authority of an instance signs now is valid; none if it is not there.
    pub fn signs_until(&self, instance: &DbInstance) -> Option<OffsetDateTime> {
        self.authorities.borrow().signs_until(&instance.desired.ca_identifier).ok()
    }

    fn renew_authorities(&self) -> Result<(), WorkflowError> {
        let before = self.authorities().describe();
        self.authorities.send_replace(ensure_authorities(&self.settings)?);
        self.tell_of_new(&before)?;
        // A certificate may have been revoked, or a better one may be had.
        let now = self.clock().now();
        self.store.quickly(|state| state.make_all_due(now))?;
        self.wake();
        Ok(())
    }
}

impl Control {
    /// Tells of roots and subordinates that were not there before, in events of every instance of
    /// their authority: the service has no event of authorities. A kill may lose them; bundles and
    /// metrics have the same.
    pub(crate) fn tell_of_new(&self, before: &[AuthorityInfo]) -> Result<(), WorkflowError> {
        let news = news(before, &self.authorities().describe());
        if news.is_empty() {
            return Ok(());
        }
        let mut events = Vec::new();
        for DbInstance { desired, .. } in self.store.instances()? {
            let own = news.iter().filter(|(authority, _)| *authority == desired.ca_identifier);
            let category = EventCategory::Notification;
            events.extend(
                own.map(|(_, text)| self.instance_event(&desired.identifier, category, &**text)),
            );
        }
        Ok(self.store.quickly(|state| state.append_events(&events))?)
    }
}

/// What authorities that were there have, and had not before: each with a sentence.
fn news(before: &[AuthorityInfo], after: &[AuthorityInfo]) -> Vec<(String, String)> {
    let mut news = Vec::new();
    for now in after {
        let name = &now.identifier;
        let Some(before) = before.iter().find(|it| it.identifier == *name) else { continue };
        for root in now.roots.iter().filter(|root| !before.roots.contains(root)) {
            let message = format!(
                "The trust bundle has another root of {name}, {}: clients need it before it signs.",
                root.subject
            );
            news.push((name.clone(), message));
        }
        if now.signer != before.signer {
            let (subject, end) = (&now.signer.subject, now.signs_until.date());
            let message =
                format!("New certificates by {name} are signed by {subject}, until {end}.");
            news.push((name.clone(), message));
        }
    }
    news
}

/// What is public of the authorities that are there; none where they cannot be read.
pub(crate) fn known_authorities(settings: &Settings) -> Vec<AuthorityInfo> {
    let region = settings.installation.region.as_str();
    Authorities::read(&folder(settings), region, settings.clock.now()).unwrap_or_default()
}

/// When a file or folder last came into the authorities' own, or went.
fn changed_at(settings: &Settings) -> Option<SystemTime> {
    std::fs::metadata(folder(settings)).and_then(|it| it.modified()).ok()
}

fn folder(settings: &Settings) -> PathBuf {
    settings.data_directory.join(AUTHORITIES)
}

/// Opens the authorities of a data directory, and makes what they need from now on; those that were
/// given stay as they are.
pub(crate) fn ensure_authorities(settings: &Settings) -> Result<Arc<Authorities>, WorkflowError> {
    if let Some(given) = &settings.authorities {
        return Ok(Arc::clone(given));
    }
    let region = settings.installation.region.as_str();
    let (folder, now) = (folder(settings), settings.clock.now());
    let passphrase = settings.passphrase.as_ref();
    Ok(Arc::new(Authorities::ensure(&folder, region, passphrase, now)?))
}
