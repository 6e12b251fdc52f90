//! The authorities over the years: once a day and at the start, never in a request, `pki` is asked
//! to make what they need from now on. Whoever asks for them has a value that does not change.

use std::sync::Arc;
use std::time::Duration;

use pgkeep_pki::Authorities;
use tokio::sync::watch;
use tracing::warn;

use crate::failpoint::pause;
use crate::{Control, Settings, WorkflowError};

/// From one look to the next, by the clock.
const PERIOD: Duration = Duration::from_hours(24);
/// How often the clock is asked, which runs on while a machine sleeps.
const PAUSE: Duration = Duration::from_hours(1);

/// Sees to the authorities until the runtime ends. What failed is tried again at the next pause.
pub(crate) async fn keep_authorities(control: Arc<Control>) {
    let period = pause("PGKEEP_AUTHORITIES_LOOK_MS", PERIOD);
    let mut last = control.clock().now();
    loop {
        tokio::time::sleep(period.min(PAUSE)).await;
        let now = control.clock().now();
        if (now - last).unsigned_abs() < period {
            continue;
        }
        let look = Arc::clone(&control);
        let looked = tokio::task::spawn_blocking(move || look.renew_authorities()).await;
        match looked.map_err(WorkflowError::Interrupted).flatten() {
            Ok(()) => last = now,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "authorities not seen to");
            }
        }
    }
}

impl Control {
    /// The authorities as they are now, for their public parts.
    pub fn authorities(&self) -> Arc<Authorities> {
        Arc::clone(&self.authorities.borrow())
    }

    /// Tells when the trust bundle has changed.
    pub fn follow_bundle(&self) -> watch::Receiver<Arc<Authorities>> {
        self.authorities.subscribe()
    }

    fn renew_authorities(&self) -> Result<(), WorkflowError> {
        let renewed = ensure_authorities(&self.settings)?;
        self.authorities.send_if_modified(|held| {
            let has_changed = held.bundle_pem() != renewed.bundle_pem();
            *held = renewed;
            has_changed
        });
        Ok(())
    }
}

/// Opens the authorities of a data directory, and makes what they need from now on; those that were
/// given stay as they are.
pub(crate) fn ensure_authorities(settings: &Settings) -> Result<Arc<Authorities>, WorkflowError> {
    if let Some(given) = &settings.authorities {
        return Ok(Arc::clone(given));
    }
    let region = settings.installation.region.as_str();
    let folder = settings.data_directory.join("authorities");
    Ok(Arc::new(Authorities::ensure(&folder, region, settings.clock.now())?))
}
