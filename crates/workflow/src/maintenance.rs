//! Changes that wait for the instance's weekly maintenance window.

use pgkeep_model::{DbInstance, MaintenanceWindow};
use time::OffsetDateTime;

use crate::driver::Driver;
use crate::{Control, WorkflowError};

/// When the next window with something to do opens.
pub(crate) fn next_window(instance: &DbInstance, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let waits = !instance.pending.is_empty();
    waits.then(|| window(instance).map(|window| window.next_start(now)))?
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
        if !open || instance.pending.is_empty() || instance.desired.deleted {
            return Ok(false);
        }
        control.store.quickly(|state| {
            state.update_instance(&instance.resource_id, |row| {
                row.apply_pending(|identifier| control.endpoint_of(identifier));
            })
        })?;
        Ok(true)
    }
}
