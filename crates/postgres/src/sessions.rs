//! The sessions of clients that are open now, as the server itself sees them.

use pgkeep_model::Client;
use time::{Duration, OffsetDateTime};

use crate::PostgresError;
use crate::admin::Admin;

/// An open session of a client from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is, under the application name that it has now.
    pub client: Client,
    /// Whether it is encrypted with TLS.
    pub tls: bool,
    /// When it began.
    pub began_at: OffsetDateTime,
}

impl Admin {
    /// The open sessions of clients, replication included; none of the Unix socket or of
    /// `rdsadmin`, which are pgkeep's own.
    pub async fn sessions(&self) -> Result<Vec<Session>, PostgresError> {
        let sql = "SELECT usename::text, coalesce(datname::text, ''), application_name,
                          coalesce(client_hostname, host(client_addr)), ssl,
                          (extract(epoch FROM backend_start) * 1000000)::bigint
                   FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                   WHERE backend_type IN ('client backend', 'walsender')
                     AND client_addr IS NOT NULL AND usename <> 'rdsadmin'";
        let rows = self.client.query(sql, &[]).await;
        let what = "list its sessions";
        let rows = rows.map_err(|source| PostgresError::Sql { what, source })?;
        let session = |row: &tokio_postgres::Row| Session {
            client: Client {
                user: row.get(0),
                database: row.get(1),
                application: row.get(2),
                address: row.get(3),
            },
            tls: row.get(4),
            began_at: OffsetDateTime::UNIX_EPOCH + Duration::microseconds(row.get(5)),
        };
        Ok(rows.iter().map(session).collect())
    }
}
