//! What a server itself says of its TLS: the sessions of clients that are open now, and the
//! settings that it runs with.

use std::collections::BTreeMap;

use pgkeep_model::Client;
use time::{Duration, OffsetDateTime};

use crate::PostgresError;
use crate::admin::Admin;
use crate::text::Text;

/// An open session of a client from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is, under the application name that it has now.
    pub client: Client,
    /// What was agreed, if it is encrypted with TLS.
    pub tls: Option<SessionTls>,
    /// When it began.
    pub began_at: OffsetDateTime,
}

/// The TLS of a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionTls {
    /// The protocol version, in OpenSSL's words: `TLSv1.3`.
    pub version: String,
    /// The cipher suite, in OpenSSL's words.
    pub cipher: String,
}

impl Admin {
    /// The open sessions of clients, replication included; none of `rdsadmin`, which is pgkeep
    /// itself.
    pub async fn sessions(&self) -> Result<Vec<Session>, PostgresError> {
        let sql = "SELECT usename::text, coalesce(datname::text, ''), application_name,
                          coalesce(client_hostname, host(client_addr)),
                          CASE WHEN ssl THEN version END, CASE WHEN ssl THEN cipher END,
                          (extract(epoch FROM backend_start) * 1000000)::bigint
                   FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                   WHERE backend_type IN ('client backend', 'walsender')
                     AND client_addr IS NOT NULL AND usename <> 'rdsadmin'";
        let rows = self.client.query(sql, &[]).await;
        let what = "list its sessions";
        let rows = rows.map_err(|source| PostgresError::Sql { what, source })?;
        let session = |row: &tokio_postgres::Row| Session {
            client: Client {
                user: row.get::<_, Text>(0).0,
                database: row.get::<_, Text>(1).0,
                application: row.get::<_, Text>(2).0,
                address: row.get(3),
            },
            tls: row
                .get::<_, Option<String>>(4)
                .map(|version| SessionTls { version, cipher: row.get(5) }),
            began_at: OffsetDateTime::UNIX_EPOCH + Duration::microseconds(row.get(6)),
        };
        Ok(rows.iter().map(session).collect())
    }

    /// The settings of TLS that the server runs with, of those that its version has.
    pub async fn tls_settings(&self) -> Result<BTreeMap<String, String>, PostgresError> {
        let sql = "SELECT name, setting FROM pg_settings
                   WHERE name IN ('ssl_min_protocol_version', 'ssl_max_protocol_version',
                                  'ssl_ciphers', 'ssl_tls13_ciphers', 'ssl_groups')";
        let rows = self.client.query(sql, &[]).await;
        let what = "show its settings";
        let rows = rows.map_err(|source| PostgresError::Sql { what, source })?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}
