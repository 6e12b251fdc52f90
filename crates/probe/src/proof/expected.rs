//! What an endpoint is to do, and what was seen of one that does it.

use std::fmt;
use std::net::SocketAddr;

use time::OffsetDateTime;

use crate::handshake::Handshake;
use crate::plaintext::PlaintextAnswer;
use crate::version::TlsVersion;

/// Where a server is reached, and by which name.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address.
    pub addr: SocketAddr,
    /// The name its certificate is to be for.
    pub server_name: String,
}

/// What an endpoint is to do.
#[derive(Debug, Clone)]
pub struct Expected {
    /// [`crate::fingerprint`] of the certificate to be served.
    pub leaf_fingerprint: String,
    /// The roots that the chain must lead to.
    pub roots_pem: String,
    /// The moment at which validity is judged.
    pub judged_at: OffsetDateTime,
    /// What is to become of a connection without TLS.
    pub plaintext: Plaintext,
    /// The version just below is to be refused; `None` leaves this open.
    pub min_version: Option<TlsVersion>,
    /// The highest version to be spoken; `None` leaves this open.
    pub max_version: Option<TlsVersion>,
}

/// A connection without TLS, and what is to become of it.
#[derive(Debug, Clone)]
pub struct Plaintext {
    /// What is to become of it.
    pub policy: PlaintextPolicy,
    /// The role to ask for; it need not exist, as `pg_hba.conf` is asked before roles are.
    pub user: String,
    /// The database to ask for; it need not exist either.
    pub database: String,
}

/// What is to become of a connection without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaintextPolicy {
    /// `pg_hba.conf` refuses it before authentication.
    Refused,
    /// It may authenticate.
    Accepted,
}

impl fmt::Display for PlaintextPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused before authentication",
            Self::Accepted => "let in to authenticate",
        })
    }
}

/// What was seen of an endpoint that does what it is to do.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The handshake at the highest version that client and server share.
    pub handshake: Handshake,
    /// The version below the minimum, where there is one, which was refused.
    pub refused_version: Option<TlsVersion>,
    /// The answer to a connection without TLS.
    pub plaintext: PlaintextAnswer,
}
