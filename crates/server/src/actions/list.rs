//! Lists of instances, by filters and page by page.

use std::slice::from_ref;

use pgkeep_model::{DbInstance, DbiResourceId};
use pgkeep_query::shapes::Filter;
use pgkeep_store::StoreError;
use pgkeep_workflow::Control;

use super::instance::identifier;
use crate::error::ApiError;
use crate::page::Page;
use crate::{filter, render};

const BY_IDENTIFIER: &str = "db-instance-id";
const BY_RESOURCE_ID: &str = "dbi-resource-id";

/// A page of instances that pass the filters and are to be `kept`: of `one`, of those that a filter
/// names, which are looked up, or of all, of which `read` answers what comes after an identifier,
/// at most so many.
pub(super) fn page(
    control: &Control,
    filters: Option<&[Filter]>,
    page: &Page,
    one: Option<DbInstance>,
    read: impl Fn(&str, usize) -> Result<Vec<DbInstance>, StoreError>,
    kept: impl Fn(&DbInstance) -> bool,
) -> Result<(Vec<DbInstance>, Option<String>), ApiError> {
    let kept = |instance: &DbInstance| passes(control, filters, instance) && kept(instance);
    let key = |instance: &DbInstance| instance.desired.identifier.to_string();
    let only = match one {
        Some(one) => Some(vec![one]),
        None => named(control, filters)?,
    };
    match only {
        Some(only) => Ok(page.cut(only.into_iter().filter(kept), key)),
        None => page.fill(|after, limit| Ok(read(after, limit)?), key, kept),
    }
}

/// Whether an instance passes the filters.
fn passes(control: &Control, filters: Option<&[Filter]>, instance: &DbInstance) -> bool {
    filter::passes(filters, |name| match name {
        BY_IDENTIFIER => {
            vec![instance.desired.identifier.to_string(), render::arn(control, instance)]
        }
        BY_RESOURCE_ID => vec![instance.resource_id.to_string()],
        other => common(other),
    })
}

/// What all instances have alike.
fn common(name: &str) -> Vec<String> {
    if name == "engine" { vec!["postgres".to_owned()] } else { Vec::new() }
}

/// The instances that alone can pass the filters, by identifier, if a filter tells which.
fn named(
    control: &Control,
    filters: Option<&[Filter]>,
) -> Result<Option<Vec<DbInstance>>, ApiError> {
    let filters = filters.unwrap_or_default();
    let (naming, others): (Vec<_>, Vec<_>) =
        filters.iter().partition(|it| [BY_IDENTIFIER, BY_RESOURCE_ID].contains(&&*it.name));
    if others.into_iter().any(|filter| !filter::passes(Some(from_ref(filter)), common)) {
        return Ok(Some(Vec::new()));
    }
    let Some(naming) = naming.first() else { return Ok(None) };
    let mut found = control.store().read(|state| {
        let found = naming.values.iter().filter_map(|text| {
            if naming.name == BY_IDENTIFIER {
                let identifier = identifier(control, &text.to_ascii_lowercase()).ok()?;
                state.instance(&identifier).transpose()
            } else {
                let end = text.get(3..)?.to_ascii_uppercase();
                let id = DbiResourceId::try_from(format!("db-{end}")).ok()?;
                state.instance_by_resource_id(&id).transpose()
            }
        });
        found.collect::<Result<Vec<_>, _>>()
    })?;
    found.sort_by(|one, other| one.desired.identifier.cmp(&other.desired.identifier));
    found.dedup_by(|one, other| one.resource_id == other.resource_id);
    Ok(Some(found))
}
