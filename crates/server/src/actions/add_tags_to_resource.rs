//! `AddTagsToResource`.

use pgkeep_query::shapes::AddTagsToResourceMessage;
use pgkeep_workflow::Control;

use super::tags;
use crate::error::ApiError;

pub(super) fn answer(control: &Control, input: &AddTagsToResourceMessage) -> Result<(), ApiError> {
    let added = tags::tag_map(&input.tags)?;
    tags::change(control, &input.resource_name, |tags| tags.extend(added))?;
    Ok(())
}
