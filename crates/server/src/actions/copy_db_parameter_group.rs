//! `CopyDBParameterGroup`.

use pgkeep_model::{Arn, ArnResource, DbParameterGroup, DbParameterGroupName};
use pgkeep_query::shapes::{CopyDbParameterGroupMessage, CopyDbParameterGroupResult};
use pgkeep_workflow::Control;

use super::parameter_group::{find, insert, render, write};
use super::tags::tag_map;
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &CopyDbParameterGroupMessage,
) -> Result<CopyDbParameterGroupResult, ApiError> {
    let source = source_name(&input.source_db_parameter_group_identifier)?;
    let name = DbParameterGroupName::custom(&input.target_db_parameter_group_identifier)?;
    let tags = tag_map(input.tags.as_deref().unwrap_or_default())?;
    let copy = write(control, |state| {
        let source = find(state, &source)?;
        if source.name.is_default() {
            return Err(ApiError::value("Cannot copy a default parameter group."));
        }
        let description = input.target_db_parameter_group_description.clone();
        let copy = DbParameterGroup { name, description, tags, ..source };
        insert(state, &copy)?;
        Ok(copy)
    })?;
    Ok(CopyDbParameterGroupResult { db_parameter_group: Some(render(control, &copy)) })
}

/// The group's name out of a name or an ARN.
fn source_name(text: &str) -> Result<String, ApiError> {
    if !text.starts_with("arn:") {
        return Ok(text.to_owned());
    }
    let arn: Arn = text.parse()?;
    match arn.resource {
        ArnResource::DbParameterGroup(_, name) => Ok(name.to_string()),
        _ => Err(ApiError::no_parameter_group(text)),
    }
}
