//! A session that verifies whom it talks to, as psql with `sslmode=verify-full` does: the chain
//! must lead to the bundle and nothing else, and the certificate be for the endpoint's name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use pgkeep_query::Secret;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Whom to become where.
pub(super) struct Login<'a> {
    pub(super) endpoint: &'a str,
    pub(super) address: SocketAddr,
    pub(super) user: &'a str,
    pub(super) database: &'a str,
    pub(super) password: &'a Secret,
    pub(super) roots_pem: &'a str,
}

/// What the server says of the session.
pub(super) struct Session {
    pub(super) server_version: String,
    pub(super) protocol: String,
    pub(super) cipher: String,
    pub(super) bits: i32,
}

impl Session {
    /// Connects, asks, and leaves.
    pub(super) async fn open(login: &Login<'_>) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config
            .host(login.endpoint)
            .hostaddr(login.address.ip())
            .port(login.address.port())
            .user(login.user)
            .dbname(login.database)
            .password(login.password.expose())
            .ssl_mode(SslMode::Require)
            .connect_timeout(CONNECT_LIMIT)
            .application_name("pgkeep quickstart");
        let connector = MakeRustlsConnect::new(tls(login.roots_pem)?);
        let connected = config.connect(connector).await;
        let (client, connection) = connected.context("cannot connect with verify-full")?;
        let connection = tokio::spawn(connection);
        let sql = "SELECT current_setting('server_version'), version, cipher, bits
             FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        let row = client.query_one(sql, &[]).await.context("the server sees no TLS")?;
        drop(client);
        connection.await.context("the session broke off")?.context("the session broke off")?;
        Ok(Self {
            server_version: row.try_get(0)?,
            protocol: row.try_get(1)?,
            cipher: row.try_get(2)?,
            bits: row.try_get(3)?,
        })
    }
}

fn tls(roots_pem: &str) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        roots.add(root.context("the bundle cannot be read")?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(config)
}
