//! `DeleteDBParameterGroup`.

use pgkeep_query::errors::INVALID_DB_PARAMETER_GROUP_STATE;
use pgkeep_query::shapes::DeleteDbParameterGroupMessage;
use pgkeep_workflow::Control;

use super::parameter_group::{find, write};
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &DeleteDbParameterGroupMessage,
) -> Result<(), ApiError> {
    write(control, |state| {
        let group = find(state, &input.db_parameter_group_name)?;
        let name = &group.name;
        let refuse = |message| Err(ApiError::new(INVALID_DB_PARAMETER_GROUP_STATE, message));
        if name.is_default() {
            return refuse(format!("Default DBParameterGroup cannot be deleted: {name}"));
        }
        if state.has_members(name)? {
            return refuse(format!(
                "One or more database instances are still members of this parameter group {name}, \
                 so the group cannot be deleted"
            ));
        }
        Ok(state.remove_parameter_group(name)?)
    })
}
