//! tokio-postgres, with rustls verifying against the root of the cell.

use std::error::Error;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Client, QUERY};

pub(crate) struct TokioPostgres;

impl Client for TokioPostgres {
    async fn ask(&self, url: &str, root: Option<&str>) -> Result<bool, Box<dyn Error>> {
        let mut config: tokio_postgres::Config = url.parse()?;
        config.password(std::env::var("PGPASSWORD")?);
        let mut roots = RootCertStore::empty();
        if let Some(path) = root {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
        let connection = tokio::spawn(connection);
        let ssl = client.query_one(QUERY, &[]).await?.try_get(0)?;
        drop(client);
        connection.await??;
        Ok(ssl)
    }
}
