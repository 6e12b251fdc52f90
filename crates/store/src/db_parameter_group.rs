//! The table of DB parameter groups. The default groups are no rows: they cannot change.

use pgkeep_model::{DbInstance, DbParameterGroup, DbParameterGroupName};
use rusqlite::{OptionalExtension, params};
use time::OffsetDateTime;

use crate::db_instance::to_millis;
use crate::{StoreError, Transaction};

impl Transaction<'_> {
    /// Adds or replaces a group.
    pub fn put_parameter_group(&self, group: &DbParameterGroup) -> Result<(), StoreError> {
        self.inner.execute(
            "INSERT INTO db_parameter_group (name, state) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET state = excluded.state",
            (group.name.as_str(), serde_json::to_string(group)?),
        )?;
        Ok(())
    }

    /// The group of that name, a default one included.
    pub fn parameter_group(
        &self,
        name: &DbParameterGroupName,
    ) -> Result<Option<DbParameterGroup>, StoreError> {
        if let Some(group) = default_groups().find(|group| group.name == *name) {
            return Ok(Some(group));
        }
        let mut select =
            self.inner.prepare_cached("SELECT state FROM db_parameter_group WHERE name = ?1")?;
        let text: Option<String> =
            select.query_row([name.as_str()], |row| row.get(0)).optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Every group, the default ones included, by name.
    pub fn parameter_groups(&self) -> Result<Vec<DbParameterGroup>, StoreError> {
        let mut select = self.inner.prepare_cached("SELECT state FROM db_parameter_group")?;
        let rows = select.query_map([], |row| row.get::<_, String>(0))?;
        let mut groups: Vec<DbParameterGroup> = default_groups().collect();
        for text in rows {
            groups.push(serde_json::from_str(&text?)?);
        }
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(groups)
    }

    /// Removes a group.
    pub fn remove_parameter_group(&self, name: &DbParameterGroupName) -> Result<(), StoreError> {
        self.inner.execute("DELETE FROM db_parameter_group WHERE name = ?1", [name.as_str()])?;
        Ok(())
    }

    /// The instances that are associated with a group, by identifier.
    pub fn members(&self, name: &DbParameterGroupName) -> Result<Vec<DbInstance>, StoreError> {
        let mut select = self.inner.prepare_cached(
            "SELECT state FROM db_instance WHERE parameter_group = ?1 ORDER BY identifier",
        )?;
        let rows = select.query_map([name.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
    }

    /// Whether an instance is associated with a group.
    pub fn has_members(&self, name: &DbParameterGroupName) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM db_instance WHERE parameter_group = ?1)";
        Ok(self.inner.query_row(sql, [name.as_str()], |row| row.get(0))?)
    }

    /// Makes every instance that is associated with a group due at a time, as
    /// [`wake_at`](Self::wake_at).
    pub fn wake_members(
        &self,
        name: &DbParameterGroupName,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.inner.execute(
            "UPDATE db_instance SET due_at = coalesce(min(due_at, ?2), ?2)
             WHERE parameter_group = ?1",
            params![name.as_str(), to_millis(at)],
        )?;
        Ok(())
    }
}

fn default_groups() -> impl Iterator<Item = DbParameterGroup> {
    pgkeep_model::MAJORS.map(DbParameterGroup::default_of)
}
