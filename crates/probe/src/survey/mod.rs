//! Asks an endpoint everything that can be asked without an account on it.

mod basic;
mod found;

pub use basic::survey;

pub use found::{
    Asked, AuthAnswer, DirectTls, Group, GssAnswer, ProtocolVersion, Resumption, Session,
    SignatureScheme, SslAnswer, SuiteOrder, SuitesSeen, Survey, VersionSeen,
};

use std::net::SocketAddr;
use std::time::Duration;

/// What to ask, and how hard.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// Where to connect.
    pub addr: SocketAddr,
    /// The name sent as SNI; an address sends none.
    pub server_name: &'a str,
    /// The role that plaintext and authentication are asked for.
    pub user: &'a str,
    /// The database that they are asked for.
    pub database: &'a str,
    /// With which a session is opened; without it no password is ever sent.
    pub credentials: Credentials<'a>,
    /// The time for each connection.
    pub within: Duration,
    /// The most connections in a second.
    pub rate: Option<u32>,
    /// At most 12 connections instead of at most 99: less is asked.
    pub fast: bool,
}

/// How the probe may log in.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The role's password.
    pub password: Option<&'a str>,
    /// A client certificate and its key, in PEM.
    pub certificate: Option<(&'a str, &'a str)>,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}
