//! What several commands say of a DB instance.

use pgkeep_model::{DbInstance, DbInstanceIdentifier};
use pgkeep_store::Store;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::failure::hinted;

/// The instance of that name.
pub(crate) fn find(state: &Store, id: &DbInstanceIdentifier) -> anyhow::Result<DbInstance> {
    let found = state.read(|state| state.instance(id))?;
    found.ok_or_else(|| hinted(format!("there is no DB instance {id}"), "pgkeep ls lists them"))
}

/// The database that a client starts with.
pub(crate) fn database(instance: &DbInstance) -> &str {
    instance.desired.db_name.as_deref().unwrap_or("postgres")
}

/// Whole days from one moment to a later one; negative where it is past.
pub(crate) fn days_between(now: OffsetDateTime, later: OffsetDateTime) -> i64 {
    (later - now).whole_days()
}

/// A moment in UTC, to the second.
pub(crate) fn render_time(at: OffsetDateTime) -> String {
    at.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}
