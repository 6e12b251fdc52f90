//! `RebootDBInstance`.

use pgkeep_model::InstanceStatus;
use pgkeep_query::shapes::{RebootDbInstanceMessage, RebootDbInstanceResult};
use pgkeep_workflow::Control;

use super::instance::{change, require_available};
use crate::error::ApiError;
use crate::render;

pub(super) fn answer(
    control: &Control,
    input: &RebootDbInstanceMessage,
) -> Result<RebootDbInstanceResult, ApiError> {
    let instance = change(control, &input.db_instance_identifier, |_, instance| {
        if input.force_failover == Some(true) {
            return Err(ApiError::combination(
                "ForceFailover can't be used: the DB instance has no standby.",
            ));
        }
        // A reboot is the way back from parameters that kept the server from starting.
        if instance.status != InstanceStatus::IncompatibleParameters {
            require_available(instance, || {
                "Instance cannot currently reboot due to an in-progress management operation."
                    .to_owned()
            })?;
        }
        instance.apply_at_restart();
        instance.desired.reboots += 1;
        instance.status = InstanceStatus::Rebooting;
        Ok(())
    })?;
    Ok(RebootDbInstanceResult { db_instance: Some(render::instance(control, &instance)) })
}
