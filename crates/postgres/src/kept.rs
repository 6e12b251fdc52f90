//! The session of `rdsadmin` that stays open to each server, as the service has one: over the
//! network, encrypted, and verified as a client does with `verify-full`.
//!
//! It comes in by a password of 256 random bits that is on no disk and that the server knows only
//! while the session is opened: set before and taken away after over the Unix socket, which only
//! pgkeep can reach. Without one, nobody becomes `rdsadmin` over the network. A client certificate
//! would have to be kept from the server itself, whose users reach files that pgkeep reads, and be
//! made known to each running server with a reload.
//!
//! Nothing depends on the session, and pgkeep does nothing in it.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use pgkeep_model::Clock;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Client;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::PostgresError;
use crate::admin::{Admin, config};
use crate::layout::InstanceFiles;
use crate::password::verifier;

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// How servers are known to be those that they should be.
pub struct ServerTrust(MakeRustlsConnect);

impl ServerTrust {
    /// By certificates that lead to these roots and are valid by this clock.
    pub fn new(roots_pem: &str, clock: Arc<dyn Clock>) -> Result<Self, PostgresError> {
        let tls = client_config(roots_pem, clock).map_err(PostgresError::Roots)?;
        Ok(Self(MakeRustlsConnect::new(tls)))
    }
}

fn client_config(roots_pem: &str, clock: Arc<dyn Clock>) -> Result<ClientConfig, BoxedError> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        roots.add(root?)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock)))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A server is connected to once: a ticket would only take up memory.
    config.resumption = Resumption::disabled();
    Ok(config)
}

struct Time(Arc<dyn Clock>);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Time").finish_non_exhaustive()
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.0.now().unix_timestamp().try_into().ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// An open session, until it is dropped.
pub struct KeptSession {
    _client: Client,
    connection: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl KeptSession {
    /// Opens it to the server at `address`, whose certificate must be for `endpoint`, by a password
    /// made of `secret`, 32 random bytes for this once.
    ///
    /// # Errors
    /// [`PostgresError::Sql`] also where TLS cannot be agreed upon: a parameter group may leave
    /// only what rustls does not speak, TLS 1.1 say.
    pub async fn open(
        files: &InstanceFiles,
        endpoint: &str,
        address: SocketAddr,
        trust: &ServerTrust,
        secret: [u8; 32],
    ) -> Result<Self, PostgresError> {
        let password = hex::encode(secret);
        let admin = Admin::connect(files, address.port()).await?;
        let known = verifier(&password, "", "scram-sha-256");
        admin.set_own_password(Some(&known)).await?;
        let mut config = config(address.port());
        config.host(endpoint).hostaddr(address.ip()).ssl_mode(SslMode::Require).password(password);
        let connected = config.connect(trust.0.clone()).await;
        admin.set_own_password(None).await?;
        let (client, connection) =
            connected.map_err(|source| PostgresError::Sql { what: "let rdsadmin in", source })?;
        let connection = Box::pin(async move {
            // How it ends is the server's affair.
            let _ = connection.await;
        });
        Ok(Self { _client: client, connection })
    }

    /// Waits until the server ends it.
    pub async fn ended(self) {
        self.connection.await;
    }
}
