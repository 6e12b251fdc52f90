//! `CreateDBParameterGroup`.

use std::collections::BTreeMap;

use pgkeep_model::{DbParameterGroup, DbParameterGroupName, validate};
use pgkeep_query::shapes::{CreateDbParameterGroupMessage, CreateDbParameterGroupResult};
use pgkeep_workflow::Control;

use super::parameter_group::{insert, render, write};
use super::tags::tag_map;
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &CreateDbParameterGroupMessage,
) -> Result<CreateDbParameterGroupResult, ApiError> {
    let group = DbParameterGroup {
        name: DbParameterGroupName::custom(&input.db_parameter_group_name)?,
        major: validate::parameter_group_family(&input.db_parameter_group_family)?,
        description: input.description.clone(),
        parameters: BTreeMap::new(),
        tags: tag_map(input.tags.as_deref().unwrap_or_default())?,
    };
    if group.description.is_empty() {
        return Err(ApiError::missing("Description"));
    }
    write(control, |state| insert(state, &group))?;
    Ok(CreateDbParameterGroupResult { db_parameter_group: Some(render(control, &group)) })
}
