//! `ModifyDBParameterGroup`.
//!
//! All values of a call are judged before one is written, together with what the group holds and
//! against every member that a value would reach.

use pgkeep_model::parameters::{ApplyType, ParameterDefinition, check_value, parameter};
use pgkeep_model::{ApplyMethod, DbParameterGroup, GroupParameter, InvalidParameter};
use pgkeep_query::shapes::{DbParameterGroupNameMessage, ModifyDbParameterGroupMessage, Parameter};
use pgkeep_workflow::Control;

use super::parameter_group::{check_members, event, find, require_custom, wake_members, write};
use crate::error::ApiError;

/// The service's bound of parameters in one call.
pub(super) const MOST_PARAMETERS: usize = 20;

pub(super) fn answer(
    control: &Control,
    input: &ModifyDbParameterGroupMessage,
) -> Result<DbParameterGroupNameMessage, ApiError> {
    require_few(input.parameters.len())?;
    let name = write(control, |state| {
        let mut group = find(state, &input.db_parameter_group_name)?;
        require_custom(&group)?;
        let mut events = Vec::new();
        for wish in &input.parameters {
            let (definition, method) = apply_method(&group, wish)?;
            let value = wish.parameter_value.as_deref().unwrap_or_default();
            check_value(definition, value)?;
            let changed = GroupParameter { value: Some(value.to_owned()), apply_method: method };
            group.parameters.insert(definition.name.to_owned(), changed);
            let (name, method) = (definition.name, method.as_str());
            events.push(event(
                control,
                &group.name,
                format!("Updated parameter {name} to {value} with apply method {method}."),
            ));
        }
        check_members(control, state, &group)?;
        state.put_parameter_group(&group)?;
        state.append_events(&events)?;
        wake_members(control, state, &group)?;
        Ok(group.name)
    })?;
    Ok(DbParameterGroupNameMessage { db_parameter_group_name: Some(name.to_string()) })
}

/// Refuses a call that names too many parameters, or none.
pub(super) fn require_few(count: usize) -> Result<(), ApiError> {
    match count {
        0 => Err(ApiError::missing("Parameters")),
        1..=MOST_PARAMETERS => Ok(()),
        _ => Err(ApiError::value(format!(
            "{count} parameters in one call; at most {MOST_PARAMETERS} can be changed at a time."
        ))),
    }
}

/// The parameter that is meant, and when its change is to apply.
pub(super) fn apply_method(
    group: &DbParameterGroup,
    wish: &Parameter,
) -> Result<(&'static ParameterDefinition, ApplyMethod), ApiError> {
    let name = wish.parameter_name.as_deref().unwrap_or_default();
    let definition = parameter(group.major, name)?;
    if !definition.is_modifiable {
        let name = name.to_owned();
        return Err(InvalidParameter::ParameterNotModifiable { name }.into());
    }
    let method = match wish.apply_method.as_deref() {
        Some("immediate") => ApplyMethod::Immediate,
        Some("pending-reboot") => ApplyMethod::PendingReboot,
        other => {
            return Err(ApiError::value(format!(
                "ApplyMethod of {name} is {}; it must be immediate or pending-reboot.",
                other.unwrap_or("absent")
            )));
        }
    };
    if method == ApplyMethod::Immediate && definition.apply_type != ApplyType::Dynamic {
        return Err(ApiError::combination(
            "cannot use immediate apply method for static parameter",
        ));
    }
    Ok((definition, method))
}
