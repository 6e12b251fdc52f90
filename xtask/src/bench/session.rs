//! A query over a verified connection: the end of every measurement of a start.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The password of every user of the benches.
pub(super) const PASSWORD: &str = "benchmark-1";

/// What `pg_hba.conf` refuses with.
const REFUSED_BY_HBA: SqlState = SqlState::INVALID_AUTHORIZATION_SPECIFICATION;

/// Where to connect, and as whom.
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) address: IpAddr,
    pub(super) user: &'static str,
}

impl Endpoint {
    /// Whether a client without TLS is let in, and not refused by `pg_hba.conf`.
    pub(super) async fn lets_plaintext_in(&self) -> Result<bool> {
        let mut config = self.config();
        match config.ssl_mode(SslMode::Disable).connect(NoTls).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(&REFUSED_BY_HBA) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host(&self.host).hostaddr(self.address).user(self.user).password(PASSWORD);
        config.dbname("postgres");
        config
    }

    /// Connects as `sslmode=verify-full` does and has `SELECT 1` answered.
    pub(super) async fn query(&self, tls: &MakeRustlsConnect) -> Result<()> {
        let mut config = self.config();
        let (client, connection) = config.ssl_mode(SslMode::Require).connect(tls.clone()).await?;
        let connection = tokio::spawn(connection);
        let row = client.query_one("SELECT 1", &[]).await?;
        ensure!(row.try_get::<_, i32>(0)? == 1, "SELECT 1 gave something else");
        drop(client);
        Ok(connection.await??)
    }
}

/// TLS that trusts the roots of a file alone and checks the host name.
pub(super) fn trust(roots: &Path) -> Result<MakeRustlsConnect> {
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(roots)
        .with_context(|| format!("cannot read {}", roots.display()))?;
    for certificate in certificates {
        store.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
