//! Questions that are a `ClientHello`: the server's choice out of an offer is the answer.

use super::line::Line;
use super::{Asked, Group, ProtocolVersion, SignatureScheme, VersionSeen};
use crate::choices::Choices;
use crate::client_hello::Offer;
use crate::error::ProbeError;
use crate::handshake::parse_server_name;
use crate::names::Cipher;
use crate::offers::{Answer, exchange};
use crate::registry;
use crate::server_hello::{Flight, KeyExchange, ServerHello, parse_key_exchange};
use crate::version::TlsVersion;

pub(super) const TLS13: ProtocolVersion = ProtocolVersion::Tls(TlsVersion::Tls13);
pub(super) const TLS12: ProtocolVersion = ProtocolVersion::Tls(TlsVersion::Tls12);
/// More than a server with one key can sign with.
const MAX_SCHEMES: usize = 12;

impl ProtocolVersion {
    /// Every version, the oldest first.
    pub const ALL: [Self; 5] = [
        Self::Ssl3,
        Self::Tls(TlsVersion::Tls10),
        Self::Tls(TlsVersion::Tls11),
        Self::Tls(TlsVersion::Tls12),
        Self::Tls(TlsVersion::Tls13),
    ];

    /// The number on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Ssl3 => 0x0300,
            Self::Tls(version) => version.code(),
        }
    }

    /// The version of a number on the wire.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.code() == code)
    }
}

/// Everything there is with one version, for the server of the plan.
pub(super) fn offer(line: &Line<'_>, version: ProtocolVersion) -> Offer {
    let name = parse_server_name(line.plan.server_name).ok();
    let server_name = name.filter(|name| matches!(name, rustls_pki_types::ServerName::DnsName(_)));
    let server_name = server_name.map(|_| line.plan.server_name.trim_end_matches('.').to_owned());
    Offer { server_name, ..Offer::of(&[version]) }
}

/// Makes an offer, and reads until the answer is `enough`.
pub(super) async fn ask(
    line: &Line<'_>,
    offer: &Offer,
    enough: impl Fn(&Flight) -> bool,
) -> Result<Answer, ProbeError> {
    let wire = line.open_tls().await?;
    line.settle(exchange(wire, &offer.render(), enough).await)
}

/// The answer to the offer of one version, and the flight of a server that speaks it.
pub(super) async fn ask_version(
    line: &Line<'_>,
    version: ProtocolVersion,
) -> Option<(VersionSeen, Option<(Flight, ServerHello)>)> {
    let enough = |flight: &Flight| flight.chain.is_some() || (is_hello(flight) && version == TLS13);
    let (flight, hello) = match ask(line, &offer(line, version), enough).await {
        Ok(Answer::Flight(flight, hello)) => (flight, hello),
        Ok(Answer::Alert(alert)) => return Some((VersionSeen::Refused(alert), None)),
        Err(ProbeError::LimitReached { .. }) => return None,
        Err(ProbeError::Closed { .. }) => return Some((VersionSeen::Closed, None)),
        Err(error @ ProbeError::TimedOut { .. }) => {
            line.fail(&error);
            return Some((VersionSeen::TimedOut, None));
        }
        Err(error) => return Some((VersionSeen::Failed(line.fail(&error)), None)),
    };
    Some(match ProtocolVersion::from_code(hello.version) {
        Some(chosen) if chosen == version => (VersionSeen::Accepted, Some((flight, hello))),
        Some(chosen) if chosen < version => (VersionSeen::Lower(chosen), None),
        _ => (VersionSeen::Failed(format!("it chose the version {:#06x}", hello.version)), None),
    })
}

pub(super) fn is_hello(flight: &Flight) -> bool {
    flight.hello.is_some()
}

/// The groups of the key exchange, with the newest version that has any.
pub(super) async fn groups(
    line: &Line<'_>,
    version: ProtocolVersion,
    suites: &[Cipher],
) -> Asked<Vec<Group>> {
    let mut offer = offer(line, version);
    offer.suites.retain(|suite| suite.is_tls13() || (is_ecdhe(*suite) && suites.contains(suite)));
    if offer.suites.is_empty() {
        return Asked::No;
    }
    let mut choices = Choices::of(offer.groups.clone(), usize::MAX);
    while let Some(groups) = choices.next_offer() {
        let offer = Offer { groups, ..offer.clone() };
        let enough = |flight: &Flight| {
            is_hello(flight) && (version == TLS13 || flight.key_exchange.is_some() || flight.done)
        };
        let answer = ask(line, &offer, enough).await;
        choices.note(answer.map(|answer| match answer {
            Answer::Flight(_, ServerHello { group: Some(group), .. }) => Some(group),
            Answer::Flight(flight, hello) => key_exchange(&flight, &hello).and_then(|it| it.group),
            Answer::Alert(_) => None,
        }));
    }
    let (found, end) = choices.into_parts();
    asked(line, found.into_iter().filter_map(registry::group).collect(), end)
}

/// The schemes with which the server signs its key exchange with TLS 1.2.
pub(super) async fn signature_schemes(
    line: &Line<'_>,
    suites: &[Cipher],
) -> Asked<Vec<SignatureScheme>> {
    let mut offer = offer(line, TLS12);
    offer.suites.retain(|suite| is_signed(*suite) && suites.contains(suite));
    if offer.suites.is_empty() {
        return Asked::No;
    }
    let mut choices = Choices::of(offer.schemes.clone(), MAX_SCHEMES);
    while let Some(schemes) = choices.next_offer() {
        let seen = ask_key_exchange(line, &Offer { schemes, ..offer.clone() }).await;
        choices.note(seen.map(|seen| seen.and_then(|seen| seen.scheme)));
    }
    let (found, end) = choices.into_parts();
    asked(line, found.into_iter().filter_map(registry::signature_scheme).collect(), end)
}

/// The bits of the prime with which the server does finite-field Diffie-Hellman.
pub(super) async fn dh_bits(
    line: &Line<'_>,
    version: ProtocolVersion,
    suites: &[Cipher],
) -> Asked<u16> {
    let mut offer = offer(line, version);
    offer.suites.retain(|suite| is_dhe(*suite) && suites.contains(suite));
    if offer.suites.is_empty() {
        return Asked::No;
    }
    match ask_key_exchange(line, &offer).await {
        Ok(Some(KeyExchange { dh_bits: Some(bits), .. })) => Asked::Answer(bits),
        Ok(_) => Asked::Failed("the server shows no prime".to_owned()),
        Err(error) => line.asked(Err(error)),
    }
}

async fn ask_key_exchange(
    line: &Line<'_>,
    offer: &Offer,
) -> Result<Option<KeyExchange>, ProbeError> {
    let enough = |flight: &Flight| flight.key_exchange.is_some() || flight.done;
    Ok(match ask(line, offer, enough).await? {
        Answer::Flight(flight, hello) => key_exchange(&flight, &hello),
        Answer::Alert(_) => None,
    })
}

fn key_exchange(flight: &Flight, hello: &ServerHello) -> Option<KeyExchange> {
    let suite = crate::names::cipher(hello.cipher_suite)?;
    let signs_by = hello.version == TlsVersion::Tls12.code() && is_signed(suite);
    let ecdhe = suite.iana.starts_with("TLS_ECDH");
    parse_key_exchange(flight.key_exchange.as_ref()?, ecdhe, signs_by)
}

fn is_ecdhe(suite: Cipher) -> bool {
    suite.iana.starts_with("TLS_ECDH")
}

fn is_dhe(suite: Cipher) -> bool {
    suite.iana.starts_with("TLS_DH")
}

/// Whether the server signs its part of the key exchange.
fn is_signed(suite: Cipher) -> bool {
    ["TLS_ECDHE_", "TLS_DHE_"].iter().any(|prefix| suite.iana.starts_with(prefix))
}

/// What was found before an end that the server made; another end is a failure.
pub(super) fn asked<T>(
    line: &Line<'_>,
    found: Vec<T>,
    end: Result<(), ProbeError>,
) -> Asked<Vec<T>> {
    match end {
        Err(ProbeError::LimitReached { .. }) if !found.is_empty() => Asked::Answer(found),
        end => line.asked(end.map(|()| found)),
    }
}
