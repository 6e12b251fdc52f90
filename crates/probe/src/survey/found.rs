//! What a survey found: facts as they were seen on the wire, without a judgement.
//!
//! `None` and [`Asked::No`] mean that the question was not asked or could not be: never that the
//! answer is "no".

use std::net::SocketAddr;
use std::time::Duration;

use crate::names::Cipher;
use crate::packets::{AuthMethod, ServerMessage};
use crate::plaintext::PlaintextAnswer;
use crate::version::TlsVersion;

/// Everything that was seen of an endpoint.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Where the connections went.
    pub addr: SocketAddr,
    /// How many connections were made.
    pub connections: u32,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether questions were left out because the most connections allowed were made.
    pub cut_short: bool,
    /// The answer to `SSLRequest`.
    pub ssl_request: SslAnswer,
    /// What becomes of a `ClientHello` without an `SSLRequest`.
    pub direct_tls: Asked<DirectTls>,
    /// What becomes of one that names no ALPN protocol either; accepted only where the session
    /// goes on after the handshake, which it does not with 17 and later.
    pub direct_without_alpn: Asked<DirectTls>,
    /// The answer to `GSSENCRequest`.
    pub gss_request: Asked<GssAnswer>,
    /// The answer to a `StartupMessage` without TLS, for the role and database asked about.
    pub plaintext: Asked<PlaintextAnswer>,
    /// Which major versions of PostgreSQL give the answers that were seen, lowest and highest;
    /// `None` for an open end.
    pub major_version: (Option<u16>, Option<u16>),
    /// The newest version of PostgreSQL's protocol that the server says it speaks, (3, 2) with 18.
    pub protocol: Asked<(u16, u16)>,
    /// Every version of SSL and TLS that was offered alone, the oldest first.
    pub versions: Vec<(ProtocolVersion, VersionSeen)>,
    /// The suites accepted with each version that is, the oldest version first.
    pub suites: Vec<SuitesSeen>,
    /// The groups of the key exchange accepted, in the order in which the server chose them.
    pub groups: Asked<Vec<Group>>,
    /// The bits of the prime in finite-field Diffie-Hellman (`DHE`, TLS 1.2 and older).
    pub dh_bits: Asked<u16>,
    /// The schemes with which the server signed when only these were offered.
    pub signature_schemes: Asked<Vec<SignatureScheme>>,
    /// Whether the server agreed to compress (TLS 1.2 and older).
    pub compression: Asked<bool>,
    /// Whether the server knows secure renegotiation, RFC 5746 (TLS 1.2 and older).
    pub secure_renegotiation: Asked<bool>,
    /// Whether a session is taken up again.
    pub resumption: Asked<Resumption>,
    /// The certificates served, in DER, the leaf first, and each further chain that the server
    /// showed to clients of other abilities. Empty if none was seen.
    pub chains: Vec<Vec<Vec<u8>>>,
    /// Whether the signature of a finished handshake is one of the leaf's key; [`Asked::Failed`]
    /// where it could not be checked.
    pub key_proved: Asked<bool>,
    /// The answer to a `StartupMessage` inside TLS.
    pub authentication: Asked<AuthAnswer>,
    /// What the session itself says, where a password or client certificate was given.
    pub session: Asked<Session>,
    /// Questions that got no usable answer, as messages.
    pub failures: Vec<String>,
}

impl Survey {
    /// Whether TLS comes without a request for it, as with 17 and later.
    pub(crate) fn takes_direct_tls(&self) -> bool {
        self.direct_tls == Asked::Answer(DirectTls::Accepted { alpn: true })
    }
}

/// A survey that has asked nothing yet.
pub(super) fn nothing(addr: SocketAddr) -> Survey {
    Survey {
        addr,
        connections: 0,
        elapsed: Duration::ZERO,
        cut_short: false,
        ssl_request: SslAnswer::Closed,
        direct_tls: Asked::No,
        direct_without_alpn: Asked::No,
        gss_request: Asked::No,
        plaintext: Asked::No,
        major_version: (None, None),
        protocol: Asked::No,
        versions: Vec::new(),
        suites: Vec::new(),
        groups: Asked::No,
        dh_bits: Asked::No,
        signature_schemes: Asked::No,
        compression: Asked::No,
        secure_renegotiation: Asked::No,
        resumption: Asked::No,
        chains: Vec::new(),
        key_proved: Asked::No,
        authentication: Asked::No,
        session: Asked::No,
        failures: Vec::new(),
    }
}

/// A question that may not have been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// It was not: it does not apply, or `--fast` or the limit of connections left it out.
    No,
    /// The answer.
    Answer(T),
    /// It was asked, and the connection failed: why.
    Failed(String),
}

/// The answer to `SSLRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SslAnswer {
    /// `S`.
    Accepted,
    /// `N`: the server has no TLS.
    Declined,
    /// An `ErrorResponse`.
    Error(ServerMessage),
    /// Closed without an answer.
    Closed,
    /// No answer of a PostgreSQL server: its beginning.
    Garbage(String),
    /// No answer in time.
    TimedOut,
    /// No connection: the reason.
    Unreachable(String),
}

/// What becomes of a `ClientHello` that comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectTls {
    /// The server goes on with the handshake.
    Accepted {
        /// Whether it chose the ALPN protocol `postgresql`.
        alpn: bool,
    },
    /// An alert: its description, RFC 8446 §6.
    Alert(u8),
    /// Closed, as by 16 and older, or answered with something that is no TLS.
    Refused,
}

/// The answer to `GSSENCRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GssAnswer {
    /// `G`.
    Accepted,
    /// `N`, as by 12 and later without GSSAPI.
    Declined,
    /// An `ErrorResponse`, as by 10 and 11.
    Error(ServerMessage),
    /// Closed without an answer.
    Closed,
    /// No answer of a PostgreSQL server.
    Garbage(String),
}

/// A version of SSL or TLS; [`TlsVersion`] leaves SSL 3.0 out, which no PostgreSQL speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// SSL 3.0, RFC 6101.
    Ssl3,
    /// A version of TLS.
    Tls(TlsVersion),
}

/// The answer to the offer of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSeen {
    /// The server speaks it.
    Accepted,
    /// It answers with an older one.
    Lower(ProtocolVersion),
    /// It refuses with an alert: its description.
    Refused(u8),
    /// It closes the connection.
    Closed,
    /// It does not answer in time.
    TimedOut,
    /// The question failed: why.
    Failed(String),
}

/// The suites of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuitesSeen {
    /// The version.
    pub version: ProtocolVersion,
    /// In the order in which the server chose them. With `--fast` only the first few.
    pub suites: Vec<Cipher>,
    /// Whether these are all.
    pub complete: bool,
    /// The version from which they were taken over where the limit left no connection to see
    /// each one chosen. The first and the last were, and none outside of them is accepted.
    pub taken_from: Option<ProtocolVersion>,
    /// Whose order rules; [`Asked::No`] with a single suite.
    pub order: Asked<SuiteOrder>,
}

/// Whose preference decides among the suites that both sides know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuiteOrder {
    /// The server's (`ssl_prefer_server_ciphers = on`, PostgreSQL's default).
    Server,
    /// The client's.
    Client,
}

/// A group of the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The code point of IANA's registry "TLS Supported Groups".
    pub code: u16,
    /// Its name there: `X25519MLKEM768`, `x25519`, `secp256r1`.
    pub name: &'static str,
}

/// A scheme of IANA's registry "TLS `SignatureScheme`".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureScheme {
    /// The code point.
    pub code: u16,
    /// The name: `rsa_pss_rsae_sha256`.
    pub name: &'static str,
}

/// How sessions are taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumption {
    /// The server gives a session id that it takes up again (TLS 1.2 and older).
    pub session_id: bool,
    /// The server gives tickets.
    pub ticket: bool,
    /// A ticket or id that it gave is accepted.
    pub resumed: bool,
}

/// The answer to a `StartupMessage` inside TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthAnswer {
    /// What the role must show.
    Method(AuthMethod),
    /// An `ErrorResponse`.
    Error(ServerMessage),
    /// Closed without an answer.
    Closed,
}

/// What a session says of its own connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `server_version`.
    pub server_version: String,
    /// `pg_stat_ssl.ssl` of this session: false behind a proxy that ends TLS.
    pub ssl: bool,
    /// `pg_stat_ssl.version`.
    pub version: Option<String>,
    /// `pg_stat_ssl.cipher`.
    pub cipher: Option<String>,
    /// The version and suite (OpenSSL's name) that this client agreed on.
    pub agreed: (TlsVersion, Cipher),
    /// Whether SCRAM-SHA-256-PLUS was used; [`Asked::Failed`] where the server offers it and it
    /// fails, as behind a proxy with another certificate.
    pub channel_binding: Asked<bool>,
}
