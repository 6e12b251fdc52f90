//! Why a question could not be answered. What a server *does* answer is a value, never an error.

use std::net::SocketAddr;
use std::time::Duration;

use crate::packets::ServerMessage;
use crate::version::TlsVersion;

/// A question to an endpoint that got no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nothing listens there, or the network does not lead there.
    #[error("cannot connect to {addr}")]
    Connect {
        /// The endpoint.
        addr: SocketAddr,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The total time allowed ran out.
    #[error("{addr} did not {awaited} within {} ms", within.as_millis())]
    TimedOut {
        /// The endpoint.
        addr: SocketAddr,
        /// What it was expected to do.
        awaited: &'static str,
        /// The time allowed for the whole question.
        within: Duration,
    },
    /// The connection broke.
    #[error("the connection to {addr} failed before it could {awaited}")]
    Io {
        /// The endpoint.
        addr: SocketAddr,
        /// What it was expected to do.
        awaited: &'static str,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The server closed the connection without an answer.
    #[error("{addr} closed the connection; it was to {awaited}")]
    Closed {
        /// The endpoint.
        addr: SocketAddr,
        /// What it was expected to do.
        awaited: &'static str,
    },
    /// The server answered `N`: it has no TLS (`ssl = off`).
    #[error("{addr} declines TLS (it answers N to SSLRequest)")]
    TlsDeclined {
        /// The endpoint.
        addr: SocketAddr,
    },
    /// The server answered the request for TLS with an error.
    #[error("{addr} answers the request for TLS with: {answer}")]
    ServerError {
        /// The endpoint.
        addr: SocketAddr,
        /// What it says.
        answer: ServerMessage,
    },
    /// The answer is none that a PostgreSQL server gives.
    #[error("{addr} answers with {preview:?} when it was to {awaited}")]
    Unintelligible {
        /// The endpoint.
        addr: SocketAddr,
        /// What it was expected to do.
        awaited: &'static str,
        /// The beginning of the answer.
        preview: String,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {addr} failed")]
    Handshake {
        /// The endpoint.
        addr: SocketAddr,
        /// The reason: an alert of the server, or what the server did wrong.
        source: rustls::Error,
    },
    /// A cipher suite was chosen that was not offered.
    #[error("{addr} chose the cipher suite {code:#06x}, which was not offered")]
    CipherNotOffered {
        /// The endpoint.
        addr: SocketAddr,
        /// The suite's code point.
        code: u16,
    },
    /// Full handshakes are made with TLS 1.2 and 1.3 only.
    #[error("no full handshake is possible with {min} to {max}, only with TLSv1.2 and TLSv1.3")]
    NoCommonVersion {
        /// The lowest version asked for.
        min: TlsVersion,
        /// The highest version asked for.
        max: TlsVersion,
    },
    /// The server's name is neither a DNS name nor an address.
    #[error("{name:?} is not the name of a server")]
    ServerName {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: rustls_pki_types::InvalidDnsNameError,
    },
    /// The trusted roots are no PEM file with at least one certificate.
    #[error("the trusted roots cannot be used: {0}")]
    Roots(String),
    /// The question is not asked: a survey has made all the connections it may.
    #[error("no further connection to {addr} is made")]
    LimitReached {
        /// The endpoint.
        addr: SocketAddr,
    },
    /// A role or database with a NUL cannot be put into a `StartupMessage`.
    #[error("the role or database {0:?} holds a NUL")]
    NulInName(String),
    /// A certificate cannot be read.
    #[error("the certificate is not readable: {0}")]
    Certificate(String),
}
