//! `RemoveTagsFromResource`.

use pgkeep_query::shapes::RemoveTagsFromResourceMessage;
use pgkeep_workflow::Control;

use super::tags;
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &RemoveTagsFromResourceMessage,
) -> Result<(), ApiError> {
    tags::change(control, &input.resource_name, |tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key));
    })?;
    Ok(())
}
