//! The tags of whatever a resource name (an ARN) stands for: a DB instance or a parameter group.

use std::collections::BTreeMap;

use pgkeep_model::{Arn, ArnResource, validate};
use pgkeep_query::shapes::Tag;
use pgkeep_store::Transaction;
use pgkeep_workflow::Control;

use super::parameter_group;
use crate::error::ApiError;

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// The tags that a request names, checked.
pub(super) fn tag_map(tags: &[Tag]) -> Result<Tags, ApiError> {
    let pair =
        |tag: &Tag| (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
    let map: Tags = tags.iter().map(pair).collect();
    check(&map)?;
    Ok(map)
}

/// The tags of a resource: those after no change.
pub(super) fn of(control: &Control, resource_name: &str) -> Result<Tags, ApiError> {
    change(control, resource_name, |_| {})
}

/// Changes the tags of a resource and answers them; what is refused is not written.
pub(super) fn change(
    control: &Control,
    resource_name: &str,
    change: impl FnOnce(&mut Tags),
) -> Result<Tags, ApiError> {
    let arn: Arn = resource_name.parse()?;
    let installation = control.installation();
    let is_here = arn.region == installation.region;
    parameter_group::write(control, |state| match &arn.resource {
        ArnResource::DbInstance(account, name)
            if is_here && *account == installation.account_id =>
        {
            let found = state.instance(name)?;
            let instance = found.ok_or_else(|| ApiError::no_instance(name.as_str()))?;
            let mut tags = instance.desired.tags.clone();
            change(&mut tags);
            check(&tags)?;
            state.update_instance(&instance.resource_id, |row| row.desired.tags = tags.clone())?;
            Ok(tags)
        }
        ArnResource::DbParameterGroup(account, name)
            if is_here && *account == installation.account_id =>
        {
            change_group(state, name.as_str(), change)
        }
        _ => Err(ApiError::value(format!("{resource_name} names nothing that has tags here."))),
    })
}

fn change_group(
    state: &Transaction<'_>,
    name: &str,
    change: impl FnOnce(&mut Tags),
) -> Result<Tags, ApiError> {
    let mut group = parameter_group::find(state, name)?;
    let before = group.tags.clone();
    change(&mut group.tags);
    check(&group.tags)?;
    if group.tags != before {
        parameter_group::require_custom(&group)?;
        state.put_parameter_group(&group)?;
    }
    Ok(group.tags)
}

fn check(tags: &Tags) -> Result<(), ApiError> {
    Ok(validate::tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))?)
}
