//! Proves that an endpoint does what was intended: a reload is no proof, for PostgreSQL keeps the
//! old certificate when the new one does not fit and says so only in its log.
//!
//! The checks run side by side, each over its own connection, and all are finished before one is
//! judged, so that every connection ends in order. What PostgreSQL writes to its log is kept to
//! what cannot be avoided: a completed handshake is silent, a refused version costs a message
//! with its hint, refused plaintext one message.

mod error;
mod expected;
mod show;

use std::net::SocketAddr;
use std::time::Duration;

use crate::handshake::Handshake;
use crate::names::openssl_cipher_name;
use crate::offers::{VersionAnswer, offers};
use crate::plaintext::{PlaintextAnswer, plaintext};
use crate::version::TlsVersion;

pub use error::ProofError;
pub use expected::{Endpoint, Expected, Plaintext, PlaintextPolicy, Seen};

/// Proves that `endpoint` does what is `expected`, or says what it does instead.
///
/// # Errors
/// [`ProofError`] with the first difference: the handshake's, then the minimum version's, then
/// that of plaintext.
pub async fn prove(
    endpoint: &Endpoint,
    expected: &Expected,
    within: Duration,
) -> Result<Seen, ProofError> {
    let addr = endpoint.addr;
    let Plaintext { user, database, .. } = &expected.plaintext;
    let below = expected.min_version.and_then(TlsVersion::below);
    let offer_below = async {
        match below {
            Some(version) => offers(addr, version, within).await.map(Some),
            None => Ok(None),
        }
    };
    let (shown, below_answer, plaintext) = tokio::join!(
        show::show(endpoint, expected, within),
        offer_below,
        plaintext(addr, user, database, within),
    );
    let handshake = shown.map_err(|error| {
        ProofError::Unanswered("which certificate and which TLS are served", error)
    })?;
    check_handshake(endpoint, expected, &handshake)?;
    let below_answer = below_answer.map_err(|error| {
        ProofError::Unanswered("that TLS below the minimum version is refused", error)
    })?;
    check_below(addr, expected, below_answer)?;
    let plaintext = plaintext.map_err(|error| {
        ProofError::Unanswered("what becomes of connections without TLS", error)
    })?;
    check_plaintext(addr, &expected.plaintext, &plaintext)?;
    Ok(Seen { handshake, refused_version: below, plaintext })
}

fn check_handshake(
    endpoint: &Endpoint,
    expected: &Expected,
    seen: &Handshake,
) -> Result<(), ProofError> {
    let addr = endpoint.addr;
    if seen.leaf_fingerprint != expected.leaf_fingerprint {
        let (expected, seen) = (expected.leaf_fingerprint.clone(), seen.leaf_fingerprint.clone());
        return Err(ProofError::Fingerprint { addr, expected, seen });
    }
    if let Some(Err(source)) = seen.verdict.chain.clone() {
        return Err(ProofError::Chain { addr, source });
    }
    if let Err(source) = seen.verdict.name.clone() {
        let server_name = endpoint.server_name.clone();
        return Err(ProofError::Name { addr, server_name, source });
    }
    let lowest = expected.min_version.unwrap_or(TlsVersion::Tls10);
    match expected.max_version {
        Some(highest) if seen.protocol != highest => {
            let expected = highest.to_string();
            Err(ProofError::Protocol { addr, expected, seen: seen.protocol })
        }
        None if seen.protocol < lowest => {
            let expected = format!("{lowest} at least");
            Err(ProofError::Protocol { addr, expected, seen: seen.protocol })
        }
        _ => Ok(()),
    }
}

fn check_below(
    addr: SocketAddr,
    expected: &Expected,
    answer: Option<VersionAnswer>,
) -> Result<(), ProofError> {
    let Some((min, below)) = expected.min_version.and_then(|min| Some((min, min.below()?))) else {
        return Ok(());
    };
    let (seen, cipher_suite) = match answer {
        None | Some(VersionAnswer::Refused { .. }) => return Ok(()),
        Some(VersionAnswer::Accepted { cipher_suite }) => (below, cipher_suite),
        Some(VersionAnswer::Lower { version, cipher_suite }) => (version, cipher_suite),
    };
    let cipher = openssl_cipher_name(cipher_suite)
        .map_or_else(|| format!("{cipher_suite:#06x}"), str::to_owned);
    Err(ProofError::BelowMinimum { addr, min, seen, cipher })
}

fn check_plaintext(
    addr: SocketAddr,
    expected: &Plaintext,
    seen: &PlaintextAnswer,
) -> Result<(), ProofError> {
    let fits = match expected.policy {
        PlaintextPolicy::Refused => {
            matches!(seen, PlaintextAnswer::RefusedBeforeAuthentication(_))
        }
        PlaintextPolicy::Accepted => {
            matches!(seen, PlaintextAnswer::ReachesAuthentication { .. })
        }
    };
    if fits {
        return Ok(());
    }
    Err(ProofError::Plaintext { addr, expected: Box::new(expected.clone()), seen: seen.clone() })
}
