//! The tables, by version. A landed entry never changes; a new one is added below it.

use rusqlite::Connection;

use crate::StoreError;

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE installation (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        region TEXT NOT NULL,
        account_id TEXT NOT NULL,
        domain TEXT NOT NULL
    ) STRICT;
    CREATE TABLE db_instance (
        resource_id TEXT PRIMARY KEY,
        identifier TEXT NOT NULL UNIQUE,
        socket_address TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER,
        deadline_at INTEGER,
        last_error TEXT
    ) STRICT;
    CREATE INDEX db_instance_due ON db_instance (due_at) WHERE due_at IS NOT NULL;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL,
        source_identifier TEXT NOT NULL,
        source_arn TEXT NOT NULL,
        category TEXT NOT NULL,
        message TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX event_at ON event (at);
",
    "
    CREATE TABLE db_parameter_group (
        name TEXT PRIMARY KEY,
        state TEXT NOT NULL
    ) STRICT;
",
    // The logs of instances that are there already name no connections before this moment.
    "
    CREATE TABLE client_watch (
        resource_id TEXT PRIMARY KEY REFERENCES db_instance ON DELETE CASCADE,
        state TEXT NOT NULL
    ) STRICT;
    INSERT INTO client_watch
        SELECT resource_id, json_object('since', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        FROM db_instance;
    CREATE TABLE sighting (
        resource_id TEXT NOT NULL REFERENCES db_instance ON DELETE CASCADE,
        user TEXT NOT NULL,
        database TEXT NOT NULL,
        application TEXT NOT NULL,
        address TEXT NOT NULL,
        tls INTEGER NOT NULL,
        connections INTEGER NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        PRIMARY KEY (resource_id, user, database, application, address, tls)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE installation ADD COLUMN certificate_override TEXT;
",
    // What lists of instances and events are asked for by: none reads what it does not answer.
    // `maintained_from` is in milliseconds: the middle of the certificate's life, or always where
    // another authority waits.
    "
    ALTER TABLE db_instance ADD COLUMN parameter_group TEXT
        AS (json_extract(state, '$.desired.parameter_group'));
    ALTER TABLE db_instance ADD COLUMN engine_source TEXT
        AS (json_extract(state, '$.desired.engine_source'));
    ALTER TABLE db_instance ADD COLUMN engine_version TEXT
        AS (json_extract(state, '$.desired.engine_version'));
    ALTER TABLE db_instance ADD COLUMN serves INTEGER
        AS (json_extract(state, '$.desired.running')
            AND NOT json_extract(state, '$.desired.deleted'));
    ALTER TABLE db_instance ADD COLUMN maintained_from INTEGER
        AS (CASE WHEN json_extract(state, '$.pending.ca_identifier') IS NOT NULL THEN 0
            ELSE 500 * (unixepoch(json_extract(state, '$.applied.certificate.not_before'))
                      + unixepoch(json_extract(state, '$.applied.certificate.not_after'))) END);
    CREATE INDEX db_instance_group ON db_instance (parameter_group, identifier);
    CREATE INDEX db_instance_engine ON db_instance (engine_source, engine_version);
    CREATE INDEX db_instance_serving ON db_instance (identifier) WHERE serves = 1;
    CREATE INDEX db_instance_maintenance
        ON db_instance (maintained_from, identifier);
    CREATE INDEX event_of_kind ON event (source, at);
    CREATE INDEX event_of_source ON event (source, source_identifier, at);
",
];

/// Brings the file to the newest version.
pub(crate) fn apply(connection: &Connection) -> Result<(), StoreError> {
    let found = check(connection)?;
    for (version, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        let next = version + 1;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {sql} PRAGMA user_version = {next}; COMMIT;"
        ))?;
    }
    Ok(())
}

/// The file's version, when this program can read it.
pub(crate) fn check(connection: &Connection) -> Result<usize, StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    let known = MIGRATIONS.len();
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(found) }
}
