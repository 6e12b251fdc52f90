//! The tables of clients that were seen, and of how they were watched.
//!
//! What was seen and how far the log was read are written in one transaction, so that a kill
//! neither loses a connection nor counts it twice. Both go with their instance.

use pgkeep_model::{Client, ClientWatch, DbiResourceId, Sightings, Tally};
use rusqlite::{OptionalExtension, params};
use time::OffsetDateTime;

use crate::db_instance::{from_millis, to_millis};
use crate::{StoreError, Transaction};

/// Rows kept for an instance; with TLS and without are two. At a few hundred bytes each they
/// stay within some megabytes.
pub const SIGHTINGS_KEPT: u32 = 10_000;

impl Transaction<'_> {
    /// How an instance's clients were watched; none before the first time.
    pub fn client_watch(&self, id: &DbiResourceId) -> Result<Option<ClientWatch>, StoreError> {
        let sql = "SELECT state FROM client_watch WHERE resource_id = ?1";
        let mut select = self.inner.prepare_cached(sql)?;
        let text: Option<String> = select.query_row([id.as_str()], |row| row.get(0)).optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Adds what was seen of an instance's clients, forgets what was seen the longest ago past
    /// [`SIGHTINGS_KEPT`] rows, and writes how they were watched. Nothing is kept of an instance
    /// that is gone.
    pub fn record_sightings(
        &self,
        id: &DbiResourceId,
        watch: &mut ClientWatch,
        seen: &Sightings,
    ) -> Result<(), StoreError> {
        if self.instance_by_resource_id(id)?.is_none() {
            return Ok(());
        }
        let mut upsert = self.inner.prepare_cached(
            "INSERT INTO sighting VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO UPDATE SET connections = connections + excluded.connections,
                 first_seen = min(first_seen, excluded.first_seen),
                 last_seen = max(last_seen, excluded.last_seen)",
        )?;
        for (client, tls, tally) in seen.iter() {
            upsert.execute(params![
                id.as_str(),
                client.user,
                client.database,
                client.application,
                client.address,
                tls,
                i64::try_from(tally.connections).unwrap_or(i64::MAX),
                to_millis(tally.first_seen),
                to_millis(tally.last_seen),
            ])?;
        }
        if !seen.is_empty() {
            watch.forgotten += self.forget_oldest(id)?;
        }
        self.inner.execute(
            "INSERT INTO client_watch VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET state = excluded.state",
            (id.as_str(), serde_json::to_string(watch)?),
        )?;
        Ok(())
    }

    fn forget_oldest(&self, id: &DbiResourceId) -> Result<u64, StoreError> {
        let forgotten = self.inner.execute(
            "DELETE FROM sighting WHERE (resource_id, user, database, application, address, tls) IN
                 (SELECT resource_id, user, database, application, address, tls FROM sighting
                  WHERE resource_id = ?1 ORDER BY last_seen DESC LIMIT -1 OFFSET ?2)",
            params![id.as_str(), SIGHTINGS_KEPT],
        )?;
        Ok(forgotten as u64)
    }

    /// The clients of an instance that were seen at a time or later.
    pub fn sightings(
        &self,
        id: &DbiResourceId,
        from: OffsetDateTime,
    ) -> Result<Sightings, StoreError> {
        let mut select = self.inner.prepare_cached(
            "SELECT user, database, application, address, tls, connections, first_seen, last_seen
             FROM sighting WHERE resource_id = ?1 AND last_seen >= ?2",
        )?;
        let mut rows = select.query(params![id.as_str(), to_millis(from)])?;
        let mut seen = Sightings::default();
        while let Some(row) = rows.next()? {
            let client = Client {
                user: row.get(0)?,
                database: row.get(1)?,
                application: row.get(2)?,
                address: row.get(3)?,
            };
            let tally = Tally {
                connections: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
                first_seen: from_millis(row.get(6)?)?,
                last_seen: from_millis(row.get(7)?)?,
            };
            seen.add(client, row.get(4)?, tally);
        }
        Ok(seen)
    }
}
