//! `StopDBInstance`.

use pgkeep_model::InstanceStatus;
use pgkeep_query::errors::NOT_IMPLEMENTED;
use pgkeep_query::shapes::{StopDbInstanceMessage, StopDbInstanceResult};
use pgkeep_workflow::Control;

use super::instance::{change, require_available};
use crate::error::ApiError;
use crate::render;

pub(super) fn answer(
    control: &Control,
    input: &StopDbInstanceMessage,
) -> Result<StopDbInstanceResult, ApiError> {
    let instance = change(control, &input.db_instance_identifier, |_, instance| {
        let identifier = instance.desired.identifier.clone();
        require_available(instance, || {
            format!("Instance {identifier} is not in available state.")
        })?;
        if input.db_snapshot_identifier.is_some() {
            return Err(ApiError::new(
                NOT_IMPLEMENTED,
                "pgkeep has no snapshots yet, so the DB instance was not stopped.",
            ));
        }
        instance.desired.running = false;
        instance.status = InstanceStatus::Stopping;
        Ok(())
    })?;
    Ok(StopDbInstanceResult { db_instance: Some(render::instance(control, &instance)) })
}
