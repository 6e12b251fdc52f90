//! The canonical form of a request: the text that both sides sign.
//!
//! `+` in a query string counts as a space here because [`crate::Params`] reads it so: what is
//! signed and what is obeyed must be the same. Paths are encoded once more but not normalised, as
//! this API has one path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::{RequestHead, SigV4Error, Target};

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const TERMINATOR: &str = "aws4_request";
pub(super) const DATE: StaticFormatDescription = format_description!("[year][month][day]");
pub(super) const TIMESTAMP: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// All but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A moment in UTC. A year that the format cannot hold gives an empty text, which fits no
/// signature.
pub(super) fn format(at: OffsetDateTime, format: StaticFormatDescription) -> String {
    at.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// The scope of a credential: `20261124/us-east-1/rds/aws4_request`.
pub(super) fn scope(at: OffsetDateTime, target: Target<'_>) -> String {
    format!("{}/{}/{}/{TERMINATOR}", format(at, DATE), target.region, target.service)
}

/// The text to sign. `names` are the signed headers, in small letters.
pub(super) fn string_to_sign(
    head: &RequestHead<'_>,
    body: &[u8],
    names: &[String],
    at: OffsetDateTime,
    target: Target<'_>,
) -> Result<String, SigV4Error> {
    let covered = |name: &str| names.iter().any(|signed| signed == name);
    let left_out = |(name, _): &(&str, &str)| {
        let name = name.to_ascii_lowercase();
        name.starts_with("x-amz-") && !covered(&name)
    };
    if !covered("host") || head.headers.iter().any(left_out) {
        return Err(SigV4Error::UnsignedHeader);
    }
    let hash = hex::encode(Sha256::digest(body));
    if header(head, "x-amz-content-sha256").is_some_and(|claimed| claimed != hash) {
        return Err(SigV4Error::Mismatch);
    }
    let mut lines = vec![head.method.to_owned(), path(head.path), query(head.query)];
    for name in names {
        let value = header(head, name).ok_or(SigV4Error::Mismatch)?;
        lines.push(format!("{name}:{value}"));
    }
    lines.extend([String::new(), names.join(";"), hash]);
    let hash = hex::encode(Sha256::digest(lines.join("\n")));
    let (time, scope) = (format(at, TIMESTAMP), scope(at, target));
    Ok(format!("{ALGORITHM}\n{time}\n{scope}\n{hash}"))
}

/// A header's value: its occurrences joined by commas, inner runs of spaces made one.
pub(super) fn header(head: &RequestHead<'_>, wanted: &str) -> Option<String> {
    let occurrences = head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let values: Vec<_> = occurrences
        .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// The names and values of a query string, decoded.
pub(super) fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn path(path: &str) -> String {
    if path.is_empty() { "/".to_owned() } else { utf8_percent_encode(path, PATH).to_string() }
}

fn query(query: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut pairs: Vec<_> = query_pairs(query)
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}
