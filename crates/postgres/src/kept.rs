//! The session of `rdsadmin` that stays open to each running server, as the service has it: over
//! the network, encrypted and verified, so that it shows in `pg_stat_ssl`.
//!
//! It logs in with a password that is made for this one login and taken away right after it:
//! nothing that a client could find, guess or have the server read leads in. It spares a server
//! the processes that reloads and proofs would ask in, but nothing depends on it. Where there can
//! be none (a parameter group may leave only TLS 1.1, which rustls does not speak), pgkeep asks
//! over the Unix socket as it does for all else.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::admin::{Admin, RDSADMIN, literal, login};
use crate::{PostgresError, verifier};

/// A session of `rdsadmin`; dropping it ends it.
pub struct KeptSession(Arc<Admin>);

impl KeptSession {
    /// Opens one to the server of `admin`, which accepts connections at `address`, and whose
    /// certificate must be for `endpoint` and lead to one of `roots_pem`.
    pub async fn open(
        admin: &Admin,
        endpoint: &str,
        address: SocketAddr,
        roots_pem: &str,
    ) -> Result<Self, PostgresError> {
        let tls = client_config(roots_pem).map_err(PostgresError::Roots)?;
        let password = hex::encode(rand::random::<[u8; 32]>());
        let stored = verifier(&password, RDSADMIN, "scram-sha-256");
        set_password(admin, &literal(stored.reveal())).await?;
        let mut login = login(address.port());
        login.host(endpoint).hostaddr(address.ip()).ssl_mode(SslMode::Require).password(password);
        let connected = login.connect(MakeRustlsConnect::new(tls)).await;
        set_password(admin, "NULL").await?;
        let (client, connection) =
            connected.map_err(|source| PostgresError::Sql { what: "let rdsadmin in", source })?;
        tokio::spawn(connection);
        // New in 14. A parameter group may set it, for clients.
        let stay = "SELECT set_config(name, '0', false) FROM pg_settings
                    WHERE name = 'idle_session_timeout'";
        let stays = client.batch_execute(stay).await;
        stays.map_err(|source| PostgresError::Sql { what: "keep rdsadmin's session", source })?;
        Ok(Self(Arc::new(Admin { client })))
    }

    /// The session, to ask in: that costs the server no other process.
    pub fn admin(&self) -> Arc<Admin> {
        Arc::clone(&self.0)
    }
}

async fn set_password(admin: &Admin, password: &str) -> Result<(), PostgresError> {
    let sql = format!("ALTER ROLE {RDSADMIN} PASSWORD {password}");
    admin.run("set rdsadmin's password", &sql).await
}

fn client_config(
    roots_pem: &str,
) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        roots.add(root?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // It is the only session to its server: a ticket would only take up memory.
    config.resumption = Resumption::disabled();
    Ok(config)
}
