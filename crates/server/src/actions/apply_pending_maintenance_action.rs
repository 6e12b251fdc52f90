//! `ApplyPendingMaintenanceAction`: a change of the certificate now, or in the window.
//!
//! A certificate is renewed in the window whether one opts in or not. `immediate` renews it at
//! once, also before half of its life.

use pgkeep_model::{DbInstance, InstanceStatus};
use pgkeep_query::shapes::{
    ApplyPendingMaintenanceActionMessage, ApplyPendingMaintenanceActionResult,
};
use pgkeep_workflow::Control;

use super::describe_pending_maintenance_actions::{OTHER_AUTHORITY, RENEWAL, pending};
use super::instance::{change, find, require_available};
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &ApplyPendingMaintenanceActionMessage,
) -> Result<ApplyPendingMaintenanceActionResult, ApiError> {
    let text = &input.resource_identifier;
    find(control, text).map_err(|error| error.no_resource(text))?;
    let instance = change(control, text, |_, instance| {
        require_available(instance, || {
            format!("Instance {} is not available.", instance.desired.identifier)
        })?;
        match (input.apply_action.as_str(), input.opt_in_type.as_str()) {
            (OTHER_AUTHORITY, opt_in) => change_authority(instance, opt_in),
            (RENEWAL, "immediate") => {
                let certificate = instance.applied.certificate.as_ref();
                instance.desired.replaced_serial = certificate.map(|it| it.serial.clone());
                Ok(())
            }
            (RENEWAL, "next-maintenance" | "undo-opt-in") => Ok(()),
            (RENEWAL, opt_in) => Err(unknown_opt_in(opt_in)),
            (action, _) => Err(not_pending(instance, action)),
        }
    })?;
    let pending = pending(control, &instance);
    Ok(ApplyPendingMaintenanceActionResult { resource_pending_maintenance_actions: Some(pending) })
}

fn change_authority(instance: &mut DbInstance, opt_in: &str) -> Result<(), ApiError> {
    let waiting = &mut instance.pending;
    let Some(authority) = waiting.ca_identifier.clone() else {
        return Err(not_pending(instance, OTHER_AUTHORITY));
    };
    match opt_in {
        "immediate" => {
            waiting.ca_identifier = None;
            instance.desired.ca_identifier = authority;
            instance.status = InstanceStatus::Modifying;
        }
        "next-maintenance" => {}
        "undo-opt-in" => waiting.ca_identifier = None,
        other => return Err(unknown_opt_in(other)),
    }
    instance.pending.ca_at_restart = false;
    Ok(())
}

fn unknown_opt_in(opt_in: &str) -> ApiError {
    ApiError::value(format!(
        "Invalid opt-in type: {opt_in}. Valid types are immediate, next-maintenance, undo-opt-in."
    ))
}

fn not_pending(instance: &DbInstance, action: &str) -> ApiError {
    let identifier = &instance.desired.identifier;
    ApiError::combination(format!("No maintenance action {action} is pending for {identifier}."))
}
