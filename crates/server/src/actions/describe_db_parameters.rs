//! `DescribeDBParameters`.
//!
//! A value is shown as it was sent, also where PostgreSQL writes it otherwise, so that tools which
//! read back what they wrote see no difference.

use pgkeep_model::DbParameterGroup;
use pgkeep_model::parameters::{ParameterDefinition, ValueSource, catalogue};
use pgkeep_query::shapes::{DbParameterGroupDetails, DescribeDbParametersMessage, Parameter};
use pgkeep_workflow::Control;

use super::parameter_group::find;
use crate::error::ApiError;
use crate::page::Page;
use crate::{filter, parameters};

pub(super) fn answer(
    control: &Control,
    input: &DescribeDbParametersMessage,
) -> Result<DbParameterGroupDetails, ApiError> {
    let filters = input.filters.as_deref();
    filter::check(filters, &["parameter-name"])?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let source = source(input.source.as_deref())?;
    let name = &input.db_parameter_group_name;
    let group = control.store().read(|state| Ok(find(state, name)))??;
    let all = catalogue(group.major).iter().map(|definition| shown(&group, definition));
    let wanted = all.filter(|it| {
        let own_source = it.source.as_deref();
        source.is_none_or(|source| own_source == Some(source.as_str()))
            && filter::passes(filters, |_| it.parameter_name.clone().into_iter().collect())
    });
    let (parameters, marker) = page.cut(wanted, |it| it.parameter_name.clone().unwrap_or_default());
    Ok(DbParameterGroupDetails { parameters, marker })
}

/// A parameter as the group has it. For a value that nobody set, the service names a reboot.
fn shown(group: &DbParameterGroup, definition: &ParameterDefinition) -> Parameter {
    let own = group.parameters.get(definition.name);
    let set = own.and_then(|own| Some((own.value.clone()?, own.apply_method)));
    let default = parameters::default(definition);
    match set {
        Some((value, method)) => Parameter {
            parameter_value: Some(value),
            source: Some(ValueSource::User.as_str().to_owned()),
            apply_method: Some(method.as_str().to_owned()),
            ..default
        },
        None => Parameter { apply_method: Some("pending-reboot".to_owned()), ..default },
    }
}

fn source(text: Option<&str>) -> Result<Option<ValueSource>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = ValueSource::ALL.into_iter().find(|source| source.as_str() == text);
    found.map(Some).ok_or_else(|| {
        ApiError::value(format!("Invalid Source {text}. Use user, system or engine-default."))
    })
}
