//! What a server shows of itself to a client that knows every version.

use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;

use super::expected::{Endpoint, Expected};
use crate::certificate::fingerprint;
use crate::error::ProbeError;
use crate::handshake::{Handshake, Versions, handshake, parse_server_name};
use crate::offers::greet;
use crate::verdict::{Trust, judge, parse_roots};
use crate::version::TlsVersion;

/// Makes a handshake that offers everything; where rustls shares no version or suite with the
/// server, as with a highest version of TLS 1.1 or only CBC suites, reads what the server shows
/// unencrypted.
pub(super) async fn show(
    endpoint: &Endpoint,
    expected: &Expected,
    within: Duration,
) -> Result<Handshake, ProbeError> {
    let Endpoint { addr, server_name } = endpoint;
    let trust = Trust { roots_pem: &expected.roots_pem, judged_at: expected.judged_at };
    let begun = Instant::now();
    let attempt = handshake(*addr, server_name, Some(trust), Versions::default(), within).await;
    let Err(ProbeError::Handshake { source: rustls::Error::AlertReceived(_), .. }) = attempt else {
        return attempt;
    };
    let greeting = greet(*addr, within.saturating_sub(begun.elapsed())).await?;
    if greeting.version == TlsVersion::Tls13 {
        return attempt;
    }
    let roots = parse_roots(trust.roots_pem)?;
    let ders: Vec<_> = greeting.chain.iter().map(|der| CertificateDer::from(&der[..])).collect();
    let verdict = judge(
        &ders,
        &parse_server_name(server_name)?,
        Some((&roots, trust.judged_at)),
        &aws_lc_rs::default_provider().signature_verification_algorithms,
    );
    let leaf_fingerprint = greeting.chain.first().map(|leaf| fingerprint(leaf));
    Ok(Handshake {
        protocol: greeting.version,
        cipher: greeting.cipher,
        group: None,
        alpn: false,
        leaf_fingerprint: leaf_fingerprint.unwrap_or_default(),
        chain: greeting.chain,
        verdict,
        completed: false,
    })
}
