//! Every suite of a version, and whose order rules.
//!
//! A server shows one suite a connection, so a list costs as many connections as it is long, and
//! one for the refusal of all others. Only where the limit leaves fewer is a list taken over from
//! a newer version: TLS 1.0 and 1.1 know the same suites, and of TLS 1.2 those with a MAC of MD5
//! or SHA-1 (RFC 5246 §1.2, Appendix A.5). Three choices must then bear it out.

use super::hellos::{TLS12, TLS13, ask, is_hello, offer};
use super::line::Line;
use super::{Asked, ProtocolVersion, SuiteOrder, SuitesSeen};
use crate::choices::Choices;
use crate::client_hello::Offer;
use crate::error::ProbeError;
use crate::names::{self, Cipher};
use crate::offers::Answer;

/// What the questions after the suites take, at most.
const RESERVED: usize = 12;

/// Finds the suites of `version`, the first of which is known.
pub(super) async fn suites(
    line: &Line<'_>,
    version: ProtocolVersion,
    first: u16,
    newer: Option<&SuitesSeen>,
) -> SuitesSeen {
    let first = names::cipher(first).into_iter().collect();
    let mut seen =
        SuitesSeen { version, suites: first, complete: false, taken_from: None, order: Asked::No };
    if line.plan.fast || seen.suites.is_empty() {
        return seen;
    }
    let guess = newer.map(|newer| (newer.version, guess(version, newer)));
    if let Some((from, guess)) = guess
        && line.left() < guess.len() + 1 + RESERVED
        && is_borne_out(line, version, &seen.suites, &guess).await
    {
        return SuitesSeen { suites: guess, complete: true, taken_from: Some(from), ..seen };
    }
    let all = offer(line, version).suites;
    let left = all.iter().map(|suite| suite.code).filter(|code| *code != seen.suites[0].code);
    let mut choices = Choices::of(left.collect(), usize::MAX);
    while let Some(left) = choices.next_offer() {
        let left = left.into_iter().filter_map(names::cipher);
        choices.note(choose(line, version, left.collect()).await);
    }
    let (found, end) = choices.into_parts();
    seen.suites.extend(found.into_iter().filter_map(names::cipher));
    seen.complete = end.is_ok();
    if let Err(error) = end {
        line.asked::<()>(Err(error));
    }
    seen.order = order(line, version, &seen.suites).await;
    seen
}

async fn order(line: &Line<'_>, version: ProtocolVersion, found: &[Cipher]) -> Asked<SuiteOrder> {
    let (Some(last), true) = (found.last(), found.len() > 1) else {
        return Asked::No;
    };
    let chosen = choose(line, version, found.iter().rev().copied().collect()).await;
    line.asked(chosen.map(|chosen| match chosen {
        Some(code) if code == last.code => SuiteOrder::Client,
        _ => SuiteOrder::Server,
    }))
}

/// What the server chooses of some suites; nothing where it wants none of them.
async fn choose(
    line: &Line<'_>,
    version: ProtocolVersion,
    suites: Vec<Cipher>,
) -> Result<Option<u16>, ProbeError> {
    let offer = Offer { suites, ..offer(line, version) };
    Ok(match ask(line, &offer, is_hello).await? {
        Answer::Flight(_, hello) if hello.version == version.code() => Some(hello.cipher_suite),
        Answer::Flight(..) | Answer::Alert(_) => None,
    })
}

/// The suites that an older version has where a newer one has these.
fn guess(version: ProtocolVersion, newer: &SuitesSeen) -> Vec<Cipher> {
    let is_old = |suite: &&Cipher| ["_SHA", "_MD5"].iter().any(|mac| suite.iana.ends_with(mac));
    if version >= TLS12 || newer.version >= TLS13 || !newer.complete {
        return Vec::new();
    }
    newer.suites.iter().filter(is_old).copied().collect()
}

/// Whether the first of a guess is chosen of all, its last alone, and nothing else at all.
async fn is_borne_out(
    line: &Line<'_>,
    version: ProtocolVersion,
    first: &[Cipher],
    guess: &[Cipher],
) -> bool {
    let (Some(last), true) = (guess.last(), guess.first() == first.first()) else {
        return false;
    };
    let all = offer(line, version).suites;
    let others = all.into_iter().filter(|suite| !guess.contains(suite));
    let refused = matches!(choose(line, version, others.collect()).await, Ok(None));
    let alone = choose(line, version, vec![*last]).await;
    refused && matches!(alone, Ok(Some(code)) if code == last.code)
}
