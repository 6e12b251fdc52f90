//! The state file: SQLite, one writer, migrations of our own.
//!
//! Rows hold what must survive; rules live in `model` and `workflow`. A change is a function over
//! the freshly read row inside one short transaction, so that no writer overwrites another's work.
//! No transaction is ever open while an effect on the world runs.
//!
//! WAL with `synchronous=NORMAL`: a killed process loses nothing. [`Store::durably`] adds the
//! fsync for what the API has promised, so that a power cut does not lose it either.

mod db_instance;
mod db_parameter_group;
mod error;
mod event;
mod installation;
mod migrations;
mod sighting;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pgkeep_model::DbInstance;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use db_instance::Claim;
pub use error::StoreError;
pub use event::EventFilter;
pub use installation::Installation;
pub use sighting::SIGHTINGS_KEPT;

/// The open state file.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    /// What [`Store::instances`] last read, each with its row.
    parsed: Mutex<Vec<(DbInstance, String)>>,
}

impl Store {
    /// Opens the file, making or migrating it as needed. The caller holds the data directory.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        migrations::apply(&connection)?;
        Ok(Self { connection: Mutex::new(connection), parsed: Mutex::default() })
    }

    /// Opens the file for reading, beside the process that writes it.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        migrations::check(&connection)?;
        Ok(Self { connection: Mutex::new(connection), parsed: Mutex::default() })
    }

    /// A state that lives in memory only, for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        migrations::apply(&connection)?;
        Ok(Self { connection: Mutex::new(connection), parsed: Mutex::default() })
    }

    /// Runs `write` in one transaction that is on the disk when this returns.
    pub fn durably<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write("FULL", write)
    }

    /// Runs `write` in one transaction that survives the end of this process.
    pub fn quickly<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write("NORMAL", write)
    }

    /// Runs `read` over one consistent snapshot.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        read(&Transaction { inner: transaction })
    }

    /// Every instance, by identifier. A row that is as it was at the last call is not parsed again:
    /// that takes most of the time, and requests come often.
    pub fn instances(&self) -> Result<Vec<DbInstance>, StoreError> {
        #[expect(clippy::redundant_closure_for_method_calls, reason = "lifetimes forbid the path")]
        let rows = self.read(|state| state.instance_rows())?;
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        parsed.truncate(rows.len());
        for (place, row) in rows.into_iter().enumerate() {
            if parsed.get(place).is_some_and(|(_, known)| *known == row) {
                continue;
            }
            let read = (serde_json::from_str(&row)?, row);
            match parsed.get_mut(place) {
                Some(known) => *known = read,
                None => parsed.push(read),
            }
        }
        Ok(parsed.iter().map(|(instance, _)| instance.clone()).collect())
    }

    /// The authority that `ModifyCertificates` chose for instances that choose none.
    pub fn certificate_override(&self) -> Result<Option<String>, StoreError> {
        #[expect(clippy::redundant_closure_for_method_calls, reason = "lifetimes forbid the path")]
        self.read(|state| state.certificate_override())
    }

    fn write<T>(
        &self,
        synchronous: &str,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        connection.pragma_update(None, "synchronous", synchronous)?;
        let inner = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let transaction = Transaction { inner };
        let result = write(&transaction)?;
        transaction.inner.commit()?;
        Ok(result)
    }

    /// A panic while the lock was held rolled its transaction back: the connection is sound.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open transaction. Each table's file adds its operations.
#[derive(Debug)]
pub struct Transaction<'connection> {
    inner: rusqlite::Transaction<'connection>,
}
