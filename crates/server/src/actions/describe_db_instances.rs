//! `DescribeDBInstances`.

use pgkeep_query::shapes::{DbInstanceMessage, DescribeDbInstancesMessage};
use pgkeep_workflow::Control;

use super::instance::find;
use super::list;
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
    let one = input.db_instance_identifier.as_deref().filter(|text| !text.is_empty());
    let one = one.map(|text| find(control, text)).transpose()?;
    let read = |after: &str, limit| control.store().instances_after(after, limit);
    let (instances, marker) = list::page(control, filters, &page, one, read, |_| true)?;
    let db_instances = instances.iter().map(|it| render::instance(control, it)).collect();
    Ok(DbInstanceMessage { db_instances, marker })
}
