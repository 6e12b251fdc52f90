//! `Filters` of the describe operations.

use pgkeep_query::shapes::Filter;

use crate::error::ApiError;

/// Checks that each filter's name is one of `known`.
pub(crate) fn check(filters: Option<&[Filter]>, known: &[&str]) -> Result<(), ApiError> {
    let unknown = filters.unwrap_or_default().iter().find(|it| !known.contains(&it.name.as_str()));
    match unknown {
        None => Ok(()),
        Some(filter) => Err(ApiError::value(format!("Unrecognized filter name: {}", filter.name))),
    }
}

/// Whether an item passes: for each filter one of its values is one of the item's.
pub(crate) fn passes(filters: Option<&[Filter]>, values: impl Fn(&str) -> Vec<String>) -> bool {
    filters.unwrap_or_default().iter().all(|filter| {
        let own = values(&filter.name);
        filter.values.iter().any(|wanted| own.iter().any(|it| it.eq_ignore_ascii_case(wanted)))
    })
}
