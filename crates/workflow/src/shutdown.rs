//! Shutting every server down when pgkeep itself ends.

use std::sync::Arc;

use pgkeep_model::{DbInstance, EventCategory, InstanceStatus};
use pgkeep_postgres::Shutdown;
use tokio::task::JoinSet;

use crate::{Control, WorkflowError};

/// Shuts the servers of all instances down, all at once, after [`crate::run`] has ended, and takes
/// their names out of the hosts file. What is
/// desired stays, so the next run starts them again; until then nothing says `available`.
pub async fn stop_all(control: &Arc<Control>) -> Result<(), WorkflowError> {
    let instances = control.store.instances()?;
    let mut stopping = JoinSet::new();
    for instance in instances {
        let control = Arc::clone(control);
        stopping.spawn(async move { stop(&control, &instance).await });
    }
    let mut outcome = Ok(());
    while let Some(stopped) = stopping.join_next().await {
        // One that does not stop must not keep the others from being waited for.
        outcome = outcome.and(stopped.map_err(WorkflowError::Interrupted).flatten());
    }
    // Names that lead to no server are taken back; the next run publishes them again.
    outcome.and(control.withdraw_names().await)
}

async fn stop(control: &Control, instance: &DbInstance) -> Result<(), WorkflowError> {
    let id = &instance.resource_id;
    let Some(postmaster) = control.postmasters.running(id, &control.files(instance))? else {
        return Ok(());
    };
    // Said before it is done, so that a kill in between leaves no false `available`.
    control.store.quickly(|state| {
        let identifier = &instance.desired.identifier;
        let shutdown = "DB instance shutdown.";
        state.update_instance(id, |row| {
            if row.status == InstanceStatus::Available {
                row.status = InstanceStatus::Starting;
            }
        })?;
        let event = control.instance_event(identifier, EventCategory::Availability, shutdown);
        state.append_events(&[event])
    })?;
    Ok(postmaster.stop(Shutdown::Fast).await?)
}
