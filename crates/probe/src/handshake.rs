//! A complete TLS handshake, observed: what was agreed, which chain was served, what a verifying
//! client would say of it.
//!
//! A verdict never aborts the handshake, for an aborted one is a line in the server's log and
//! hides what else there is to see. This is safe because nothing is ever sent inside the tunnel.
//! That the server holds the key of the leaf *is* checked: the handshake fails otherwise.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;

use crate::certificate::fingerprint;
use crate::error::ProbeError;
use crate::names::Cipher;
use crate::offers::known_cipher;
use crate::verdict::{Trust, Verdict, judge, parse_roots};
use crate::version::TlsVersion;
use crate::wire::Wire;
use crate::witness::{Witness, schemes};

const AWAITED: &str = "finish the TLS handshake";

/// What a handshake showed.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The version agreed on.
    pub protocol: TlsVersion,
    /// The cipher suite agreed on.
    pub cipher: Cipher,
    /// The group of the key exchange under its IANA name: `X25519`, `secp384r1`.
    pub group: Option<&'static str>,
    /// Whether the server agreed to the ALPN protocol `postgresql`, as 17 and later do.
    pub alpn: bool,
    /// The certificates served, in DER, the leaf first.
    pub chain: Vec<Vec<u8>>,
    /// [`fingerprint`] of the leaf.
    pub leaf_fingerprint: String,
    /// What a client that verifies would find.
    pub verdict: Verdict,
    /// Whether the handshake was finished and so showed that the server holds the leaf's key. A
    /// proof falls back to the unencrypted part of a handshake where rustls has no version or
    /// suite in common with the server.
    pub completed: bool,
}

/// The versions to offer; an end that is `None` is not limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct Versions {
    /// The lowest.
    pub min: Option<TlsVersion>,
    /// The highest.
    pub max: Option<TlsVersion>,
}

/// Makes a TLS handshake with `addr` over `SSLRequest`, as a client that calls the server
/// `server_name`, and leaves.
///
/// # Errors
/// [`ProbeError`] when no handshake is completed, or an argument cannot be used. Distrust is no
/// error but a [`Verdict`].
pub async fn handshake(
    addr: SocketAddr,
    server_name: &str,
    trust: Option<Trust<'_>>,
    versions: Versions,
    within: Duration,
) -> Result<Handshake, ProbeError> {
    let name = parse_server_name(server_name)?;
    let roots = trust.map(|trust| parse_roots(trust.roots_pem)).transpose()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let witness = Witness::new(algorithms, schemes(&algorithms));
    let config = config(&provider, &witness, versions)?;
    let connector = TlsConnector::from(Arc::new(config));

    let wire = Wire::open_tls(addr, within).await?;
    let connecting = connector.connect(name.clone(), wire.stream);
    let stream = wire.limit.wait(AWAITED, connecting).await?;
    let stream = stream.map_err(|error| explain(addr, error))?;
    let connection = stream.get_ref().1;
    let trust = roots.as_ref().zip(trust.map(|trust| trust.judged_at));
    let seen = describe(addr, connection, |chain| judge(chain, &name, trust, &algorithms));
    wire.limit.finish(stream).await;
    // No handshake ends without a signature; were it otherwise, nothing would be proved.
    let unsigned = || Err(rustls::Error::General("the server signed nothing".to_owned()));
    let signed = witness.shown().signature.map_or_else(unsigned, |(_, checked)| checked);
    signed.map_err(|source| ProbeError::Handshake { addr, source })?;
    seen
}

/// The name that is verified: a DNS name or an address.
pub(crate) fn parse_server_name(name: &str) -> Result<ServerName<'static>, ProbeError> {
    let failed = |source| ProbeError::ServerName { name: name.to_owned(), source };
    ServerName::try_from(name.to_owned()).map_err(failed)
}

fn describe(
    addr: SocketAddr,
    connection: &ClientConnection,
    judge: impl Fn(&[CertificateDer<'_>]) -> Verdict,
) -> Result<Handshake, ProbeError> {
    let unfinished = || ProbeError::Handshake { addr, source: rustls::Error::HandshakeNotComplete };
    let version = connection.protocol_version().ok_or_else(unfinished)?;
    let suite = connection.negotiated_cipher_suite().ok_or_else(unfinished)?.suite();
    let group = connection.negotiated_key_exchange_group();
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(Handshake {
        protocol: TlsVersion::from_code(version.into()).ok_or_else(unfinished)?,
        cipher: known_cipher(addr, suite.into())?,
        group: group.and_then(|group| group.name().as_str()),
        alpn: connection.alpn_protocol().is_some(),
        chain: chain.iter().map(|der| der.to_vec()).collect(),
        leaf_fingerprint: chain.first().map(|leaf| fingerprint(leaf)).unwrap_or_default(),
        verdict: judge(chain),
        completed: true,
    })
}

fn config(
    provider: &Arc<CryptoProvider>,
    witness: &Arc<Witness>,
    asked: Versions,
) -> Result<ClientConfig, ProbeError> {
    let min = asked.min.unwrap_or(TlsVersion::Tls10);
    let max = asked.max.unwrap_or(TlsVersion::Tls13);
    let range = min.code()..=max.code();
    let versions: Vec<_> = rustls::ALL_VERSIONS
        .iter()
        .copied()
        .filter(|version| range.contains(&version.version.into()))
        .collect();
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&versions)
        .map_err(|_| ProbeError::NoCommonVersion { min, max })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(witness) as _)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

pub(crate) fn explain(addr: SocketAddr, error: io::Error) -> ProbeError {
    let rustls_error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (rustls_error, error.kind()) {
        (Some(source), _) => ProbeError::Handshake { addr, source: source.clone() },
        (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            ProbeError::Closed { addr, awaited: AWAITED }
        }
        (None, _) => ProbeError::Io { addr, awaited: AWAITED, source: error },
    }
}
