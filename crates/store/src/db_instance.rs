//! The table of DB instances, which is also the driver's list of work.
//!
//! `due_at` says when the driver looks next: set to the present with every change of what is
//! desired, emptied by a claim, set again when the driver lets go. At the start of a process every
//! row is due, so a claim needs no lease: a crash equals a failed attempt.

use std::ops::RangeInclusive;

use pgkeep_model::{DbInstance, DbInstanceIdentifier, DbiResourceId, EngineSource};
use rusqlite::{OptionalExtension, params};
use time::OffsetDateTime;

use crate::{StoreError, Transaction};

/// An instance that the driver has taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// How often it was taken up since it last came to rest, this time included.
    pub attempt: u32,
    /// When to give up; none for what is retried for ever.
    pub deadline_at: Option<OffsetDateTime>,
}

impl Transaction<'_> {
    /// Adds an instance, due at once, to be given up at `deadline_at`.
    pub fn insert_instance(
        &self,
        instance: &DbInstance,
        deadline_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.changed.borrow_mut().push(instance.resource_id.clone());
        let result = self.inner.execute(
            "INSERT INTO db_instance
                 (resource_id, identifier, socket_address, state, due_at, deadline_at)
             VALUES (?1, ?2, ?3, ?4, 0, ?5)",
            params![
                instance.resource_id.as_str(),
                instance.desired.identifier.as_str(),
                socket_address(instance),
                serde_json::to_string(instance)?,
                to_millis(deadline_at),
            ],
        );
        result.map(|_| ()).map_err(|error| name_conflict(error, instance))
    }

    /// Writes an instance back.
    pub fn put_instance(&self, instance: &DbInstance) -> Result<(), StoreError> {
        self.changed.borrow_mut().push(instance.resource_id.clone());
        let result = self.inner.execute(
            "UPDATE db_instance SET identifier = ?2, socket_address = ?3, state = ?4
             WHERE resource_id = ?1",
            params![
                instance.resource_id.as_str(),
                instance.desired.identifier.as_str(),
                socket_address(instance),
                serde_json::to_string(instance)?,
            ],
        );
        result.map(|_| ()).map_err(|error| name_conflict(error, instance))
    }

    /// Changes what the row now holds; answers the row as it was written.
    pub fn update_instance(
        &self,
        id: &DbiResourceId,
        change: impl FnOnce(&mut DbInstance),
    ) -> Result<Option<DbInstance>, StoreError> {
        let Some(mut instance) = self.instance_by_resource_id(id)? else { return Ok(None) };
        let before = instance.clone();
        change(&mut instance);
        if instance != before {
            self.put_instance(&instance)?;
        }
        Ok(Some(instance))
    }

    /// Removes an instance.
    pub fn remove_instance(&self, id: &DbiResourceId) -> Result<(), StoreError> {
        self.changed.borrow_mut().push(id.clone());
        self.inner.execute("DELETE FROM db_instance WHERE resource_id = ?1", [id.as_str()])?;
        Ok(())
    }

    /// The instance of that name.
    pub fn instance(&self, id: &DbInstanceIdentifier) -> Result<Option<DbInstance>, StoreError> {
        self.one("SELECT state FROM db_instance WHERE identifier = ?1", id.as_str())
    }

    /// The instance with that resource id.
    pub fn instance_by_resource_id(
        &self,
        id: &DbiResourceId,
    ) -> Result<Option<DbInstance>, StoreError> {
        self.one("SELECT state FROM db_instance WHERE resource_id = ?1", id.as_str())
    }

    /// Whether an instance runs on an engine from a source, whose version as a text is in a range.
    pub fn has_engine(
        &self,
        source: EngineSource,
        versions: &RangeInclusive<String>,
    ) -> Result<bool, StoreError> {
        let mut select = self.inner.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM db_instance
                 WHERE engine_source = ?1 AND engine_version BETWEEN ?2 AND ?3)",
        )?;
        let source = serde_json::to_value(source)?;
        let bounds = params![source.as_str(), versions.start(), versions.end()];
        Ok(select.query_row(bounds, |row| row.get(0))?)
    }

    fn one(&self, sql: &str, key: &str) -> Result<Option<DbInstance>, StoreError> {
        let mut select = self.inner.prepare_cached(sql)?;
        let text: Option<String> = select.query_row([key], |row| row.get(0)).optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Makes an instance due, with a new time to give up.
    pub fn make_due(
        &self,
        id: &DbiResourceId,
        now: OffsetDateTime,
        deadline_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        self.inner.execute(
            "UPDATE db_instance SET attempt = 0, due_at = ?2, deadline_at = ?3
             WHERE resource_id = ?1",
            params![id.as_str(), to_millis(now), deadline_at.map(to_millis)],
        )?;
        Ok(())
    }

    /// Makes an instance due at a time, without a new count of attempts.
    pub fn wake_at(&self, id: &DbiResourceId, at: OffsetDateTime) -> Result<(), StoreError> {
        self.inner.execute(
            "UPDATE db_instance SET due_at = coalesce(min(due_at, ?2), ?2) WHERE resource_id = ?1",
            params![id.as_str(), to_millis(at)],
        )?;
        Ok(())
    }

    /// Makes every instance due: the world is unknown at the start of a process.
    pub fn make_all_due(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        self.inner.execute("UPDATE db_instance SET due_at = ?1", [to_millis(now)])?;
        Ok(())
    }

    /// The instances that are due, the longest due first, `limit` of them at most.
    pub fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<DbiResourceId>, StoreError> {
        let mut select = self.inner.prepare_cached(
            "SELECT resource_id FROM db_instance WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2",
        )?;
        let rows =
            select.query_map(params![to_millis(now), limit], |row| row.get::<_, String>(0))?;
        rows.map(|id| Ok(DbiResourceId::try_from(id?)?)).collect()
    }

    /// When the next instance falls due that is not due yet.
    pub fn next_due_after(
        &self,
        now: OffsetDateTime,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let sql = "SELECT min(due_at) FROM db_instance WHERE due_at > ?1";
        let millis: Option<i64> = self.inner.query_row(sql, [to_millis(now)], |row| row.get(0))?;
        Ok(millis.map(from_millis).transpose()?)
    }

    /// Takes up a due instance: the attempt is counted before anything is done.
    pub fn claim(&self, id: &DbiResourceId) -> Result<Option<Claim>, StoreError> {
        let mut update = self.inner.prepare_cached(
            "UPDATE db_instance SET attempt = attempt + 1, due_at = NULL
             WHERE resource_id = ?1 AND due_at IS NOT NULL RETURNING attempt, deadline_at",
        )?;
        let row = update
            .query_row([id.as_str()], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, Option<i64>>(1)?))
            })
            .optional()?;
        let Some((attempt, deadline_at)) = row else { return Ok(None) };
        Ok(Some(Claim { attempt, deadline_at: deadline_at.map(from_millis).transpose()? }))
    }

    /// Lets go of an instance that came to rest, until `due_at` or until it changes.
    pub fn release(
        &self,
        id: &DbiResourceId,
        due_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        self.inner.execute(
            "UPDATE db_instance SET attempt = 0, last_error = NULL, deadline_at = NULL,
                 due_at = coalesce(min(due_at, ?2), due_at, ?2) WHERE resource_id = ?1",
            params![id.as_str(), due_at.map(to_millis)],
        )?;
        Ok(())
    }

    /// Lets go of an instance whose effect failed, to be tried again at `due_at`.
    pub fn retry(
        &self,
        id: &DbiResourceId,
        due_at: OffsetDateTime,
        error: &str,
    ) -> Result<(), StoreError> {
        self.inner.execute(
            "UPDATE db_instance SET last_error = ?3, due_at = coalesce(min(due_at, ?2), ?2)
             WHERE resource_id = ?1",
            params![id.as_str(), to_millis(due_at), error],
        )?;
        Ok(())
    }

    /// What the last attempt failed on, while it has not succeeded since.
    pub fn last_error(&self, id: &DbiResourceId) -> Result<Option<String>, StoreError> {
        let row = self.inner.query_row(
            "SELECT last_error FROM db_instance WHERE resource_id = ?1",
            [id.as_str()],
            |row| row.get(0),
        );
        Ok(row.optional()?.flatten())
    }
}

fn socket_address(instance: &DbInstance) -> String {
    std::net::SocketAddr::new(instance.desired.address, instance.desired.port).to_string()
}

fn name_conflict(error: rusqlite::Error, instance: &DbInstance) -> StoreError {
    let message = error.to_string();
    if message.contains("db_instance.identifier") {
        StoreError::IdentifierTaken(instance.desired.identifier.to_string())
    } else if message.contains("db_instance.socket_address") {
        StoreError::AddressTaken(socket_address(instance))
    } else {
        error.into()
    }
}

/// Milliseconds since the epoch, the unit of every time in the state file.
pub(crate) fn to_millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

pub(crate) fn from_millis(millis: i64) -> Result<OffsetDateTime, time::error::ComponentRange> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
}
