//! `ListTagsForResource`.

use pgkeep_query::shapes::{ListTagsForResourceMessage, TagListMessage};
use pgkeep_workflow::Control;

use super::tags;
use crate::error::ApiError;
use crate::{filter, render};

pub(super) fn answer(
    control: &Control,
    input: &ListTagsForResourceMessage,
) -> Result<TagListMessage, ApiError> {
    filter::check(input.filters.as_deref(), &[])?;
    let own = tags::of(control, &input.resource_name)?;
    Ok(TagListMessage { tag_list: render::tags(&own) })
}
