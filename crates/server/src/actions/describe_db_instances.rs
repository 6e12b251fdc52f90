//! `DescribeDBInstances`.

use pgkeep_query::shapes::{DbInstanceMessage, DescribeDbInstancesMessage};
use pgkeep_workflow::Control;

use super::instance::find;
use crate::error::ApiError;
use crate::page::Page;
use crate::{filter, render};

const FILTERS: [&str; 5] =
    ["db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine"];

pub(super) fn answer(
    control: &Control,
    input: &DescribeDbInstancesMessage,
) -> Result<DbInstanceMessage, ApiError> {
    let filters = input.filters.as_deref();
    filter::check(filters, &FILTERS)?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let all = match input.db_instance_identifier.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => vec![find(control, text)?],
        None => control.store().instances()?,
    };
    let matching = all.into_iter().filter(|instance| {
        filter::passes(filters, |name| match name {
            "db-instance-id" => {
                vec![instance.desired.identifier.to_string(), render::arn(control, instance)]
            }
            "dbi-resource-id" => vec![instance.resource_id.to_string()],
            "engine" => vec!["postgres".to_owned()],
            _ => Vec::new(),
        })
    });
    let (instances, marker) = page.cut(matching, |it| it.desired.identifier.to_string());
    let db_instances = instances.iter().map(|it| render::instance(control, it)).collect();
    Ok(DbInstanceMessage { db_instances, marker })
}
