//! A server in between: it ends TLS with a certificate of its own and goes on to PostgreSQL, as a
//! load balancer, a pooler or an attacker does.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::pki::{Leaf, SERVER_NAME};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

/// Starts a proxy to `server`, which shows `leaf` and signs with `key_pem`. With the root of the
/// server it goes on with TLS, without one it does not. What comes without TLS goes on as it is.
pub async fn start(
    server: SocketAddr,
    leaf: &Leaf,
    key_pem: &str,
    root: Option<&str>,
) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(server_config(leaf, key_pem)));
    let connector = root.map(|root| TlsConnector::from(Arc::new(client_config(root))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, connector) = (acceptor.clone(), connector.clone());
            // A client that leaves is no failure of the proxy.
            tokio::spawn(async move { serve(client, server, acceptor, connector).await.ok() });
        }
    });
    addr
}

async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    acceptor: TlsAcceptor,
    connector: Option<TlsConnector>,
) -> std::io::Result<()> {
    loop {
        let mut request = [0; 8];
        client.read_exact(&mut request).await?;
        match request {
            GSS_REQUEST => client.write_all(b"N").await?,
            SSL_REQUEST => {
                client.write_all(b"S").await?;
                let client = acceptor.accept(client).await?;
                return match connector {
                    Some(connector) => join(client, tls(server, connector).await?).await,
                    None => join(client, TcpStream::connect(server).await?).await,
                };
            }
            // A startup without TLS, or a handshake that comes unasked, which is cut off.
            [0, ..] => {
                let mut server = TcpStream::connect(server).await?;
                server.write_all(&request).await?;
                return join(client, server).await;
            }
            _ => return Ok(()),
        }
    }
}

async fn tls(
    server: SocketAddr,
    connector: TlsConnector,
) -> std::io::Result<impl AsyncRead + AsyncWrite + Unpin> {
    let mut server = TcpStream::connect(server).await?;
    server.write_all(&SSL_REQUEST).await?;
    assert_eq!(server.read_u8().await?, b'S');
    connector.connect(ServerName::try_from(SERVER_NAME).unwrap(), server).await
}

async fn join(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
) -> std::io::Result<()> {
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
}

fn server_config(leaf: &Leaf, key_pem: &str) -> ServerConfig {
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let shown = certificates(&leaf.chain_pem);
    let resolver = SingleCertAndKey::from(CertifiedKey::new(shown, key));
    let mut config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_cert_resolver(Arc::new(resolver));
    config.ignore_client_order = true;
    config
}

fn client_config(root: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(root));
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}
