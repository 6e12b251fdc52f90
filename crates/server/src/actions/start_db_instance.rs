//! `StartDBInstance`.

use pgkeep_model::InstanceStatus;
use pgkeep_query::shapes::{StartDbInstanceMessage, StartDbInstanceResult};
use pgkeep_workflow::Control;

use super::instance::change;
use crate::error::ApiError;
use crate::render;

pub(super) fn answer(
    control: &Control,
    input: &StartDbInstanceMessage,
) -> Result<StartDbInstanceResult, ApiError> {
    let instance = change(control, &input.db_instance_identifier, |_, instance| {
        let identifier = &instance.desired.identifier;
        match instance.status {
            InstanceStatus::Stopped => {}
            InstanceStatus::Deleting => return Err(ApiError::being_deleted(identifier)),
            _ => {
                return Err(ApiError::instance_state(format!(
                    "Instance {identifier} is not stopped."
                )));
            }
        }
        instance.apply_at_restart();
        instance.desired.running = true;
        instance.status = InstanceStatus::Starting;
        Ok(())
    })?;
    Ok(StartDbInstanceResult { db_instance: Some(render::instance(control, &instance)) })
}
