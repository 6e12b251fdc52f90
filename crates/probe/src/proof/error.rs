//! What an endpoint does other than expected, in words for the person who runs it.

use std::net::SocketAddr;

use super::expected::Plaintext;
use crate::error::ProbeError;
use crate::plaintext::PlaintextAnswer;
use crate::verdict::Distrust;
use crate::version::TlsVersion;

/// What an endpoint does other than expected.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Another certificate is served.
    #[error("{addr} serves the certificate with SHA-256 {seen}, not the intended {expected}")]
    Fingerprint {
        /// The endpoint.
        addr: SocketAddr,
        /// The fingerprint intended.
        expected: String,
        /// The fingerprint served; empty where no certificate is.
        seen: String,
    },
    /// The chain does not lead to the roots.
    #[error("clients with the trust bundle will not trust the certificate of {addr}")]
    Chain {
        /// The endpoint.
        addr: SocketAddr,
        /// Why.
        source: Distrust,
    },
    /// The certificate is for another name.
    #[error("clients that verify the name {server_name} will not accept the certificate of {addr}")]
    Name {
        /// The endpoint.
        addr: SocketAddr,
        /// The name expected.
        server_name: String,
        /// Why.
        source: Distrust,
    },
    /// The version agreed on is not the one intended.
    #[error(
        "{addr} was to speak {expected}, but with a client that knows every version it \
             speaks {seen}"
    )]
    Protocol {
        /// The endpoint.
        addr: SocketAddr,
        /// The version, or the range.
        expected: String,
        /// The version agreed on.
        seen: TlsVersion,
    },
    /// A version below the minimum is accepted.
    #[error("{addr} was to refuse TLS below {min}, but accepts {seen} with {cipher}")]
    BelowMinimum {
        /// The endpoint.
        addr: SocketAddr,
        /// The minimum intended.
        min: TlsVersion,
        /// The version accepted.
        seen: TlsVersion,
        /// The cipher suite chosen with it.
        cipher: String,
    },
    /// Plaintext is not treated as intended.
    #[error(
        "without TLS, user {:?} of database {:?} was to be {} by {addr}, but is {seen}",
        expected.user, expected.database, expected.policy
    )]
    Plaintext {
        /// The endpoint.
        addr: SocketAddr,
        /// What was intended.
        expected: Box<Plaintext>,
        /// What happens.
        seen: PlaintextAnswer,
    },
    /// A check got no usable answer, so nothing is proved.
    #[error("it cannot be proved {0}")]
    Unanswered(&'static str, #[source] ProbeError),
}
