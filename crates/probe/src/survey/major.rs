//! Which major versions of PostgreSQL answer as this server did.

use super::{Asked, AuthAnswer, DirectTls, GssAnswer, Survey};
use crate::plaintext::PlaintextAnswer;

/// The lowest and the highest; both open where answers contradict each other, as behind a proxy.
pub(super) fn bounds(seen: &Survey) -> (Option<u16>, Option<u16>) {
    let mut least = Vec::new();
    let mut most = Vec::new();
    match &seen.gss_request {
        Asked::Answer(GssAnswer::Error(_)) => most.push(11),
        Asked::Answer(GssAnswer::Accepted | GssAnswer::Declined) => least.push(12),
        _ => {}
    }
    match &seen.direct_tls {
        Asked::Answer(DirectTls::Accepted { alpn: true } | DirectTls::Alert(_)) => least.push(17),
        Asked::Answer(DirectTls::Refused) => most.push(16),
        _ => {}
    }
    let plaintext = match &seen.plaintext {
        Asked::Answer(PlaintextAnswer::RefusedBeforeAuthentication(error)) => Some(error),
        _ => None,
    };
    let inside = match &seen.authentication {
        Asked::Answer(AuthAnswer::Error(error)) => Some(error),
        _ => None,
    };
    for error in plaintext.into_iter().chain(inside) {
        let words = &error.message;
        if words.ends_with("SSL off") || words.ends_with("SSL on") {
            most.push(13);
        } else if words.ends_with("no encryption") || words.ends_with("SSL encryption") {
            least.push(14);
        }
    }
    match seen.protocol {
        Asked::Answer(version) if version >= (3, 2) => least.push(18),
        Asked::Answer(_) => most.push(17),
        _ => {}
    }
    let (least, most) = (least.into_iter().max(), most.into_iter().min());
    if least.zip(most).is_some_and(|(least, most)| least > most) {
        return (None, None);
    }
    (least, most)
}
