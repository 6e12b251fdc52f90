//! Asks an endpoint everything that can be asked without an account on it, and what its own
//! session says where there is one.
//!
//! [`survey`] only asks: what the answers are worth is said in [`crate::report`]. At most 99
//! connections are made, 12 with [`Plan::fast`], all in one place ([`line`]). A server that leaves
//! the first question open is asked no other.

mod first;
mod found;
mod hellos;
mod line;
mod major;
mod session;
mod suites;
mod tunnel;

pub use found::{
    Asked, AuthAnswer, DirectTls, Group, GssAnswer, ProtocolVersion, Resumption, Session,
    SignatureScheme, SslAnswer, SuiteOrder, SuitesSeen, Survey, VersionSeen,
};

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::hellos::{TLS12, TLS13};
use self::line::Line;
use self::tunnel::Client;
use crate::names::Cipher;
use crate::server_hello::{Flight, ServerHello};
use crate::version::TlsVersion;

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

/// Asks an endpoint.
pub async fn survey(plan: &Plan<'_>) -> Survey {
    let begun = Instant::now();
    let line = Line::new(plan);
    let mut seen = found::nothing(plan.addr);
    Box::pin(ask(&line, &mut seen)).await;
    seen.connections = line.made();
    seen.cut_short = line.is_cut_short();
    seen.failures = line.into_failures();
    seen.elapsed = begun.elapsed();
    seen.major_version = major::bounds(&seen);
    seen
}

/// The flights of the versions that the server speaks, the newest first.
type Flights = Vec<(ProtocolVersion, Flight, ServerHello)>;

async fn ask(line: &Line<'_>, seen: &mut Survey) {
    let (answer, wire) = first::ssl_request(line).await;
    seen.ssl_request = answer;
    if matches!(seen.ssl_request, SslAnswer::Unreachable(_) | SslAnswer::TimedOut) {
        return;
    }
    let Some(wire) = wire else {
        return Box::pin(without_request(line, seen)).await;
    };
    let client = match Client::new(line.plan) {
        Ok(client) => client,
        Err(error) => {
            line.fail(&error);
            return;
        }
    };
    let (inside, gss, plaintext, direct, flights) = tokio::join!(
        tunnel::inside(line, &client, wire),
        first::gss_request(line),
        first::plaintext(line),
        first::direct_tls(line),
        versions(line, &mut seen.versions),
    );
    (seen.gss_request, seen.plaintext) = (gss, plaintext);
    (seen.direct_tls, seen.direct_without_alpn) = (direct.0, direct.1);
    (seen.authentication, seen.protocol) = (inside.authentication, inside.protocol);
    seen.key_proved = inside.key_proved;
    if !flights.is_empty() || !inside.shown.chain.is_empty() {
        let plain = flights.iter().find_map(|it| it.1.chain.clone());
        let shown = Some(inside.shown.chain.clone()).filter(|chain| !chain.is_empty());
        let chain = shown.or(plain).unwrap_or_default();
        seen.chains.extend(Some(chain).filter(|chain| !chain.is_empty()));
    }
    let older = flights.iter().filter(|it| it.0 <= TLS12).map(|it| &it.2);
    if let Some(newest) = older.clone().next() {
        seen.compression = Asked::Answer(older.clone().any(|hello| hello.compression));
        seen.secure_renegotiation = Asked::Answer(newest.secure_renegotiation);
    }
    seen.suites = all_suites(line, &flights).await;
    let session = session::session(line, seen, inside.agreed);
    if line.plan.fast {
        seen.session = session.await;
        return;
    }
    let of = |version: Option<ProtocolVersion>| -> Vec<Cipher> {
        let found = seen.suites.iter().find(|it| Some(it.version) == version);
        found.map(|it| it.suites.clone()).unwrap_or_default()
    };
    let newest = flights.first().map_or(TLS12, |it| it.0);
    let older = flights.iter().map(|it| it.0).find(|version| *version <= TLS12);
    let (newest_suites, older_suites, tls12) = (of(Some(newest)), of(older), of(Some(TLS12)));
    let (groups, schemes, dh_bits, other, resumption, session) = tokio::join!(
        hellos::groups(line, newest, &newest_suites),
        hellos::signature_schemes(line, &tls12),
        hellos::dh_bits(line, older.unwrap_or(TLS12), &older_suites),
        tunnel::other_chain(line, &inside.shown),
        tunnel::resumption(line, &client, &flights),
        session,
    );
    (seen.groups, seen.signature_schemes, seen.dh_bits) = (groups, schemes, dh_bits);
    seen.chains.extend(other);
    (seen.resumption, seen.session) = (resumption, session);
}

/// Where the request for TLS gets another answer than yes.
async fn without_request(line: &Line<'_>, seen: &mut Survey) {
    let (gss, plaintext, direct) =
        tokio::join!(first::gss_request(line), first::plaintext(line), first::direct_tls(line),);
    (seen.gss_request, seen.plaintext) = (gss, plaintext);
    (seen.direct_tls, seen.direct_without_alpn) = (direct.0, direct.1);
    seen.chains.extend(Some(direct.2).filter(|chain| !chain.is_empty()));
}

/// Offers each version alone.
async fn versions(line: &Line<'_>, seen: &mut Vec<(ProtocolVersion, VersionSeen)>) -> Flights {
    let offer = |version| hellos::ask_version(line, version);
    let answers = tokio::join!(
        offer(ProtocolVersion::Ssl3),
        offer(ProtocolVersion::Tls(TlsVersion::Tls10)),
        offer(ProtocolVersion::Tls(TlsVersion::Tls11)),
        offer(TLS12),
        offer(TLS13),
    );
    let answers = [answers.0, answers.1, answers.2, answers.3, answers.4];
    let mut flights = Flights::new();
    for (version, answer) in ProtocolVersion::ALL.into_iter().zip(answers) {
        let Some((answer, flight)) = answer else { continue };
        seen.push((version, answer));
        flights.extend(flight.map(|(flight, hello)| (version, flight, hello)));
    }
    flights.reverse();
    flights
}

/// The suites of every version that the server speaks, the oldest version first.
async fn all_suites(line: &Line<'_>, flights: &Flights) -> Vec<SuitesSeen> {
    let of = |flights: Vec<(ProtocolVersion, u16)>| async move {
        let mut found: Vec<SuitesSeen> = Vec::new();
        for (version, first) in flights {
            found.push(suites::suites(line, version, first, found.last()).await);
        }
        found
    };
    let firsts = flights.iter().map(|(version, _, hello)| (*version, hello.cipher_suite));
    let (tls13, older) = firsts.partition(|(version, _)| *version == TLS13);
    let (newest, mut found) = tokio::join!(of(tls13), of(older));
    found.reverse();
    found.extend(newest);
    found
}
