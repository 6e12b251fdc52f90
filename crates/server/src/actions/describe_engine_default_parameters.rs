//! `DescribeEngineDefaultParameters`.

use pgkeep_model::parameters::catalogue;
use pgkeep_model::validate::parameter_group_family;
use pgkeep_query::shapes::{
    DescribeEngineDefaultParametersMessage, DescribeEngineDefaultParametersResult, EngineDefaults,
};
use pgkeep_workflow::Control;

use crate::error::ApiError;
use crate::page::Page;
use crate::{filter, parameters};

pub(super) fn answer(
    _: &Control,
    input: &DescribeEngineDefaultParametersMessage,
) -> Result<DescribeEngineDefaultParametersResult, ApiError> {
    let filters = input.filters.as_deref();
    filter::check(filters, &["parameter-name"])?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let family = &input.db_parameter_group_family;
    let wanted = catalogue(parameter_group_family(family)?)
        .iter()
        .filter(|it| filter::passes(filters, |_| vec![it.name.to_owned()]));
    let (page, marker) = page.cut(wanted, |it| it.name.to_owned());
    let engine_defaults = EngineDefaults {
        db_parameter_group_family: Some(family.clone()),
        marker,
        parameters: page.into_iter().map(parameters::default).collect(),
    };
    Ok(DescribeEngineDefaultParametersResult { engine_defaults: Some(engine_defaults) })
}
