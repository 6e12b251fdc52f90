//! `ResetDBParameterGroup`.

use pgkeep_model::parameters::is_dynamic;
use pgkeep_model::{ApplyMethod, GroupParameter};
use pgkeep_query::shapes::{DbParameterGroupNameMessage, ResetDbParameterGroupMessage};
use pgkeep_workflow::Control;

use super::modify_db_parameter_group::{apply_method, require_few};
use super::parameter_group::{check_members, find, require_custom, wake_members, write};
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &ResetDbParameterGroupMessage,
) -> Result<DbParameterGroupNameMessage, ApiError> {
    let all = input.reset_all_parameters.unwrap_or(false);
    let named = input.parameters.as_deref().unwrap_or_default();
    match (all, named.len()) {
        (true, 0) => {}
        (true, _) => {
            return Err(ApiError::combination(
                "ResetAllParameters can't be used with a list of parameters.",
            ));
        }
        (false, count) => require_few(count)?,
    }
    let name = write(control, |state| {
        let mut group = find(state, &input.db_parameter_group_name)?;
        require_custom(&group)?;
        let mut reset = Vec::new();
        if all {
            let own = group.parameters.keys();
            reset.extend(own.map(|name| {
                let dynamic = is_dynamic(group.major, name);
                let method =
                    if dynamic { ApplyMethod::Immediate } else { ApplyMethod::PendingReboot };
                (name.clone(), method)
            }));
        }
        for wish in named {
            let (definition, method) = apply_method(&group, wish)?;
            reset.push((definition.name.to_owned(), method));
        }
        for (name, apply_method) in reset {
            group.parameters.insert(name, GroupParameter { value: None, apply_method });
        }
        check_members(control, state, &group)?;
        state.put_parameter_group(&group)?;
        wake_members(control, state, &group)?;
        Ok(group.name)
    })?;
    Ok(DbParameterGroupNameMessage { db_parameter_group_name: Some(name.to_string()) })
}
