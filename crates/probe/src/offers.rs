//! Which versions of TLS a server accepts, asked one `ClientHello` a version, and with which
//! suites, asked one `ClientHello` a suite and one more.
//!
//! The handshake is left after the server's choice, so nothing here shows that the server holds
//! its key; [`crate::handshake()`] does. PostgreSQL logs each of these connections: a refusal as
//! `could not accept SSL connection: unsupported protocol` with a hint, an acceptance as `EOF
//! detected`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::choices::Choices;
use crate::client_hello::{render_client_hello, render_offer, suites};
use crate::error::ProbeError;
use crate::names::{self, Cipher};
use crate::server_hello::{Flight, MAX_FLIGHT_BYTES, Reading, ServerHello};
use crate::survey::ProtocolVersion;
use crate::version::TlsVersion;
use crate::wire::{Wire, preview};

const AWAITED: &str = "answer a ClientHello";

/// A server's answer to the offer of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionAnswer {
    /// It speaks the version.
    Accepted {
        /// The code point of the suite that it chose.
        cipher_suite: u16,
    },
    /// It answers with an older version than the one offered, as TLS 1.2 and older may: it does
    /// not speak the one offered.
    Lower {
        /// The version that it chose.
        version: TlsVersion,
        /// The code point of the suite that it chose.
        cipher_suite: u16,
    },
    /// It refuses.
    Refused {
        /// The alert's description, 70 for `protocol_version` (RFC 8446 §6).
        alert: u8,
    },
}

/// The cipher suites that a server accepts with one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSuites {
    /// In the order in which the server chose them, each out of all that it had not chosen yet.
    pub suites: Vec<Cipher>,
    /// The answer to the offer of all other suites; none if there are no others.
    pub end: Option<VersionAnswer>,
}

/// What a server shows before encryption begins.
pub(crate) struct Greeting {
    pub(crate) version: TlsVersion,
    pub(crate) cipher: Cipher,
    /// Empty with TLS 1.3, which encrypts it.
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Offers `version`, and only this one, to the server at `addr`.
///
/// # Errors
/// [`ProbeError`] when the server declines TLS, answers neither with a `ServerHello` nor with an
/// alert, or the time runs out.
pub async fn offers(
    addr: SocketAddr,
    version: TlsVersion,
    within: Duration,
) -> Result<VersionAnswer, ProbeError> {
    offer(addr, version, &render_client_hello(&[version]), within).await
}

/// Finds out which suites the server at `addr` accepts with `version`.
///
/// Every suite is offered, then all but the one that was chosen, until the server refuses: one
/// connection for each accepted suite, and one more. Each connection must be done `within` its
/// time, and there are at most as many as there are suites ([`crate::ciphers`]).
///
/// # Errors
/// As [`offers`], and [`ProbeError::CipherNotOffered`].
pub async fn accepted_suites(
    addr: SocketAddr,
    version: TlsVersion,
    within: Duration,
) -> Result<AcceptedSuites, ProbeError> {
    let all = suites(&[ProtocolVersion::Tls(version)]);
    let mut choices = Choices::of(all.iter().map(|suite| suite.code).collect(), usize::MAX);
    let mut end = None;
    while let Some(left) = choices.next_offer() {
        let suites: Vec<_> = left.iter().copied().filter_map(names::cipher).collect();
        let chosen = match offer(addr, version, &render_offer(version, &suites), within).await? {
            VersionAnswer::Accepted { cipher_suite: code } if left.contains(&code) => Some(code),
            VersionAnswer::Accepted { cipher_suite: code } => {
                return Err(ProbeError::CipherNotOffered { addr, code });
            }
            other => {
                end = Some(other);
                None
            }
        };
        choices.note(Ok(chosen));
    }
    let (chosen, _) = choices.into_parts();
    Ok(AcceptedSuites { suites: chosen.into_iter().filter_map(names::cipher).collect(), end })
}

async fn offer(
    addr: SocketAddr,
    version: TlsVersion,
    hello: &[u8],
    within: Duration,
) -> Result<VersionAnswer, ProbeError> {
    let wire = Wire::open_tls(addr, within).await?;
    let answer = exchange(wire, hello, |flight| flight.hello.is_some()).await?;
    let hello = match answer {
        Answer::Alert(alert) => return Ok(VersionAnswer::Refused { alert }),
        Answer::Flight(_, hello) => hello,
    };
    let chosen = known_version(addr, &hello)?;
    let cipher_suite = hello.cipher_suite;
    Ok(if chosen == version {
        VersionAnswer::Accepted { cipher_suite }
    } else {
        VersionAnswer::Lower { version: chosen, cipher_suite }
    })
}

/// Offers every version and suite, and reads what the server chooses and shows.
pub(crate) async fn greet(addr: SocketAddr, within: Duration) -> Result<Greeting, ProbeError> {
    let enough = |flight: &Flight| match &flight.hello {
        Some(hello) => flight.chain.is_some() || hello.version == TlsVersion::Tls13.code(),
        None => false,
    };
    let wire = Wire::open_tls(addr, within).await?;
    match exchange(wire, &render_client_hello(&TlsVersion::ALL), enough).await? {
        Answer::Alert(alert) => {
            Err(ProbeError::Handshake { addr, source: rustls::Error::AlertReceived(alert.into()) })
        }
        Answer::Flight(flight, hello) => Ok(Greeting {
            version: known_version(addr, &hello)?,
            cipher: known_cipher(addr, hello.cipher_suite)?,
            chain: flight.chain.unwrap_or_default(),
        }),
    }
}

/// The suite of a code point, all of which were in the offer.
pub(crate) fn known_cipher(addr: SocketAddr, code: u16) -> Result<Cipher, ProbeError> {
    names::cipher(code).ok_or(ProbeError::CipherNotOffered { addr, code })
}

fn known_version(addr: SocketAddr, hello: &ServerHello) -> Result<TlsVersion, ProbeError> {
    TlsVersion::from_code(hello.version).ok_or_else(|| ProbeError::Unintelligible {
        addr,
        awaited: AWAITED,
        preview: format!("TLS version {:#06x}", hello.version),
    })
}

/// A server's answer to a `ClientHello`.
pub(crate) enum Answer {
    Alert(u8),
    /// The flight, as far as it came, without the `ServerHello`; and that.
    Flight(Flight, ServerHello),
}

/// Sends a `ClientHello` and reads until the answer is `enough`. Where no more comes, a
/// `ServerHello` alone is an answer too.
pub(crate) async fn exchange(
    mut wire: Wire,
    hello: &[u8],
    enough: impl Fn(&Flight) -> bool,
) -> Result<Answer, ProbeError> {
    let addr = wire.addr;
    wire.send(hello, AWAITED).await?;
    let mut bytes = Vec::new();
    let mut reading = Reading::default();
    loop {
        let unintelligible =
            || ProbeError::Unintelligible { addr, awaited: AWAITED, preview: preview(&bytes) };
        reading.read(&bytes).map_err(|_| unintelligible())?;
        let flight = &mut reading.flight;
        if let Some(alert) = flight.alert {
            wire.finish().await;
            return Ok(Answer::Alert(alert));
        }
        let more = if enough(flight) {
            None
        } else if bytes.len() > MAX_FLIGHT_BYTES {
            Some(Err(unintelligible()))
        } else {
            match wire.receive(&mut bytes, AWAITED).await {
                Ok(1..) => continue,
                Ok(0) => Some(Err(ProbeError::Closed { addr, awaited: AWAITED })),
                Err(error) => Some(Err(error)),
            }
        };
        match (flight.hello.take(), more) {
            (Some(hello), _) => {
                wire.finish().await;
                return Ok(Answer::Flight(reading.flight, hello));
            }
            (None, Some(end)) => return end,
            (None, None) => return Err(ProbeError::Closed { addr, awaited: AWAITED }),
        }
    }
}
