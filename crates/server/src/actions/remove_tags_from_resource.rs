//! `RemoveTagsFromResource`.

use pgkeep_query::shapes::RemoveTagsFromResourceMessage;
use pgkeep_workflow::Control;

use super::instance::{by_resource_name, change};
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &RemoveTagsFromResourceMessage,
) -> Result<(), ApiError> {
    by_resource_name(control, &input.resource_name)?;
    change(control, &input.resource_name, |_, instance| {
        instance.desired.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })?;
    Ok(())
}
