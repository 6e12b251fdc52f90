//! Lists of instances. Those that were read lately are not parsed again: that takes most of the
//! time of a request, and requests come often.

use std::collections::HashMap;

use pgkeep_model::{DbInstance, DbiResourceId};
use rusqlite::Params;
use time::OffsetDateTime;

use crate::db_instance::to_millis;
use crate::{Store, StoreError, Transaction};

/// How many instances are kept, at a few kilobytes each.
const KEPT: usize = 1000;

/// Instances as their rows are now. Nothing but this process writes them, under the lock that holds
/// this as well; a transaction that changes a row has it forgotten, whether it commits or not.
#[derive(Debug)]
pub(crate) struct Parsed {
    instances: HashMap<DbiResourceId, DbInstance>,
    most: usize,
}

impl Parsed {
    /// For the process that alone writes the file.
    pub(crate) fn of_only_writer() -> Self {
        Self { instances: HashMap::new(), most: KEPT }
    }

    /// For one that reads what another writes.
    pub(crate) fn of_reader() -> Self {
        Self { instances: HashMap::new(), most: 0 }
    }

    pub(crate) fn forget(&mut self, changed: &[DbiResourceId]) {
        for id in changed {
            self.instances.remove(id);
        }
    }

    fn instance(
        &mut self,
        state: &Transaction<'_>,
        id: DbiResourceId,
    ) -> Result<Option<DbInstance>, StoreError> {
        if let Some(instance) = self.instances.get(&id) {
            return Ok(Some(instance.clone()));
        }
        let read = state.instance_by_resource_id(&id)?;
        if let Some(instance) = &read
            && self.most > 0
        {
            if self.instances.len() == self.most {
                self.instances.clear();
            }
            self.instances.insert(id, instance.clone());
        }
        Ok(read)
    }
}

impl Store {
    /// Every instance, by identifier.
    pub fn instances(&self) -> Result<Vec<DbInstance>, StoreError> {
        self.list("SELECT resource_id FROM db_instance ORDER BY identifier", ())
    }

    /// The next instances by identifier after a text, at most so many.
    pub fn instances_after(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DbInstance>, StoreError> {
        let sql = "SELECT resource_id FROM db_instance
                   WHERE identifier > ?1 ORDER BY identifier LIMIT ?2";
        self.list(sql, (after, to_limit(limit)))
    }

    /// Every instance whose server is to run, by identifier.
    pub fn serving_instances(&self) -> Result<Vec<DbInstance>, StoreError> {
        self.list("SELECT resource_id FROM db_instance WHERE serves = 1 ORDER BY identifier", ())
    }

    /// The next instances by identifier after a text, at most so many, that another authority waits
    /// for or whose certificate is past the middle of its life.
    pub fn instances_to_maintain(
        &self,
        now: OffsetDateTime,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DbInstance>, StoreError> {
        let sql = "SELECT resource_id FROM db_instance INDEXED BY db_instance_maintenance
                   WHERE maintained_from <= ?1 AND identifier > ?2 ORDER BY identifier LIMIT ?3";
        self.list(sql, (to_millis(now), after, to_limit(limit)))
    }

    /// The instances of whose resource ids `sql` makes a list.
    fn list(&self, sql: &str, params: impl Params) -> Result<Vec<DbInstance>, StoreError> {
        self.read_with(|state, parsed| {
            let mut select = state.inner.prepare_cached(sql)?;
            let ids = select.query_map(params, |row| row.get::<_, String>(0))?;
            let mut list = Vec::new();
            for id in ids {
                list.extend(parsed.instance(state, DbiResourceId::try_from(id?)?)?);
            }
            Ok(list)
        })
    }
}

/// A number of rows as SQL has it.
pub(crate) fn to_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
