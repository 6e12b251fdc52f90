//! The session of `rdsadmin` that stays open to each running server, as the service has it: over
//! the network, encrypted, known by a client certificate.
//!
//! Nothing depends on it. Where none can be opened (a parameter group may leave only what rustls
//! does not speak, TLS 1.1 say), what would be done in it is done over the Unix socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pgkeep_model::DbiResourceId;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::PostgresError;
use crate::admin::Admin;
use crate::layout::InstanceFiles;
use crate::postmaster::Postmaster;

/// Who pgkeep is to servers, and how it knows them.
pub struct ClientIdentity<'a> {
    /// Its certificate.
    pub certificate_pem: &'a str,
    /// Its key.
    pub key_pem: &'a str,
    /// The roots of servers' certificates.
    pub roots_pem: &'a str,
}

/// The sessions that are kept open, one for each instance at most.
pub struct KeptSessions {
    tls: MakeRustlsConnect,
    open: Mutex<HashMap<DbiResourceId, Kept>>,
}

struct Kept {
    /// The process id of the postmaster, and the certificate that it presented.
    to: (i32, String),
    admin: Arc<Admin>,
}

impl KeptSessions {
    /// None is open yet.
    pub fn new(identity: &ClientIdentity<'_>) -> Result<Self, PostgresError> {
        let tls = client_config(identity).map_err(PostgresError::ClientCertificate)?;
        Ok(Self { tls: MakeRustlsConnect::new(tls), open: Mutex::default() })
    }

    /// Opens the session to a server that presents a certificate of this fingerprint, unless it is
    /// open; one to an earlier server, or under an earlier certificate, ends.
    pub async fn keep(
        &self,
        id: &DbiResourceId,
        (endpoint, address): (&str, SocketAddr),
        postmaster: &Postmaster,
        fingerprint: &str,
    ) -> Result<(), PostgresError> {
        let to = (postmaster.pid(), fingerprint.to_owned());
        let is_open = |kept: &Kept| kept.to == to && !kept.admin.client.is_closed();
        if self.open().get(id).is_some_and(is_open) {
            return Ok(());
        }
        let admin = Arc::new(Admin::connect_tls(endpoint, address, self.tls.clone()).await?);
        let mut open = self.open();
        open.retain(|_, kept| !kept.admin.client.is_closed());
        open.insert(id.clone(), Kept { to, admin });
        Ok(())
    }

    /// The session that is kept, or a short one over the Unix socket.
    pub async fn admin(
        &self,
        id: &DbiResourceId,
        files: &InstanceFiles,
        port: u16,
    ) -> Result<Arc<Admin>, PostgresError> {
        let kept = self.open().get(id).map(|kept| Arc::clone(&kept.admin));
        if let Some(kept) = kept
            && kept.answers().await
        {
            return Ok(kept);
        }
        Ok(Arc::new(Admin::connect(files, port).await?))
    }

    /// Ends the session of an instance.
    pub fn end(&self, id: &DbiResourceId) {
        self.open().remove(id);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<DbiResourceId, Kept>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn client_config(
    identity: &ClientIdentity<'_>,
) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(identity.roots_pem.as_bytes()) {
        roots.add(root?)?;
    }
    let certificate = CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes())?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)?;
    // Each session is the only one to its server: a ticket would only take up memory.
    config.resumption = Resumption::disabled();
    Ok(config)
}
