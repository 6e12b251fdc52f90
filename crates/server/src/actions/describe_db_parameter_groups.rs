//! `DescribeDBParameterGroups`.

use pgkeep_query::shapes::{DbParameterGroupsMessage, DescribeDbParameterGroupsMessage};
use pgkeep_workflow::Control;

use super::parameter_group::{find, render};
use crate::error::ApiError;
use crate::filter;
use crate::page::Page;

pub(super) fn answer(
    control: &Control,
    input: &DescribeDbParameterGroupsMessage,
) -> Result<DbParameterGroupsMessage, ApiError> {
    filter::check(input.filters.as_deref(), &[])?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let wanted = input.db_parameter_group_name.as_deref().filter(|name| !name.is_empty());
    let groups = control.store().read(|state| match wanted {
        Some(name) => Ok(find(state, name).map(|group| vec![group])),
        None => state.parameter_groups().map(Ok),
    })??;
    let (groups, marker) = page.cut(groups, |group| group.name.to_string());
    let db_parameter_groups = groups.iter().map(|group| render(control, group)).collect();
    Ok(DbParameterGroupsMessage { db_parameter_groups, marker })
}
