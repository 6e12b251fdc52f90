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
mod parsed;
#[cfg(test)]
mod plans;
mod sighting;

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pgkeep_model::DbiResourceId;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use db_instance::Claim;
pub use error::StoreError;
pub use event::EventFilter;
pub use installation::Installation;
pub use sighting::SIGHTINGS_KEPT;

use parsed::Parsed;

/// The open state file.
#[derive(Debug)]
pub struct Store {
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    connection: Connection,
    parsed: Parsed,
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
        Ok(Self::of(connection, Parsed::of_only_writer()))
    }

    /// Opens the file for reading, beside the process that writes it.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        migrations::check(&connection)?;
        Ok(Self::of(connection, Parsed::of_reader()))
    }

    /// A state that lives in memory only, for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        migrations::apply(&connection)?;
        Ok(Self::of(connection, Parsed::of_only_writer()))
    }

    fn of(connection: Connection, parsed: Parsed) -> Self {
        Self { held: Mutex::new(Held { connection, parsed }) }
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
        self.read_with(|state, _| read(state))
    }

    fn read_with<T>(
        &self,
        read: impl FnOnce(&Transaction<'_>, &mut Parsed) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Held { connection, parsed } = &mut *self.lock();
        let inner = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        read(&Transaction { inner, changed: RefCell::default() }, parsed)
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
        let Held { connection, parsed } = &mut *self.lock();
        connection.pragma_update(None, "synchronous", synchronous)?;
        let inner = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let transaction = Transaction { inner, changed: RefCell::default() };
        let result = write(&transaction);
        parsed.forget(&transaction.changed.borrow());
        let result = result?;
        transaction.inner.commit()?;
        Ok(result)
    }

    /// A panic while the lock was held rolled its transaction back: the connection is sound.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open transaction. Each table's file adds its operations.
#[derive(Debug)]
pub struct Transaction<'connection> {
    inner: rusqlite::Transaction<'connection>,
    /// The instances whose rows it wrote.
    changed: RefCell<Vec<DbiResourceId>>,
}
