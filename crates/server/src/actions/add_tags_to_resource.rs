//! `AddTagsToResource`.

use std::collections::BTreeMap;

use pgkeep_model::validate;
use pgkeep_query::shapes::{AddTagsToResourceMessage, Tag};
use pgkeep_workflow::Control;

use super::instance::{by_resource_name, change};
use crate::error::ApiError;

pub(super) fn answer(control: &Control, input: &AddTagsToResourceMessage) -> Result<(), ApiError> {
    by_resource_name(control, &input.resource_name)?;
    let added = tag_map(&input.tags)?;
    change(control, &input.resource_name, |_, instance| {
        instance.desired.tags.extend(added);
        let all = instance.desired.tags.iter();
        Ok(validate::tags(all.map(|(key, value)| (key.as_str(), value.as_str())))?)
    })?;
    Ok(())
}

/// Tags by key, checked.
pub(super) fn tag_map(tags: &[Tag]) -> Result<BTreeMap<String, String>, ApiError> {
    let pair =
        |tag: &Tag| (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
    let map: BTreeMap<String, String> = tags.iter().map(pair).collect();
    validate::tags(map.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
    Ok(map)
}
