//! tokio-postgres with rustls. The password comes from PGPASSWORD.

// export DATABASE_URL='postgresql://{user}@{host}:{port}/{dbname}?sslmode=require'
// export PGSSLROOTCERT={bundle_path}

use std::env::var;

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // rustls verifies chain and host name; `require` keeps plaintext out.
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(var("PGSSLROOTCERT")?)? {
        roots.add(certificate?)?;
    }
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let mut config: tokio_postgres::Config = var("DATABASE_URL")?.parse()?;
    config.password(var("PGPASSWORD")?);
    let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
    tokio::spawn(connection);
    let query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    println!("{}", client.query_one(query, &[]).await?.get::<_, String>(0));
    Ok(())
}
