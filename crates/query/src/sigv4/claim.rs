//! What a request says of its own signature, in a header or in the query string of a presigned
//! URL. Nothing here is believed yet.

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::canonical::{ALGORITHM, TIMESTAMP, header, query_pairs};
use super::{MAX_SKEW, RequestHead, SigV4Error};

/// The longest life of a presigned URL: a week.
const MAX_EXPIRES_S: i64 = 7 * 24 * 60 * 60;

pub(super) struct Claim {
    pub(super) access_key_id: String,
    /// `20261124/us-east-1/rds/aws4_request`
    pub(super) scope: String,
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: Vec<u8>,
    pub(super) signed_at: OffsetDateTime,
    /// How long after `signed_at` the signature is good.
    pub(super) valid_for: Duration,
}

impl Claim {
    pub(super) fn of(head: &RequestHead<'_>) -> Result<Self, SigV4Error> {
        match header(head, "authorization") {
            Some(authorization) => Self::of_header(head, &authorization),
            None => Self::of_query(head),
        }
    }

    fn of_header(head: &RequestHead<'_>, authorization: &str) -> Result<Self, SigV4Error> {
        let (algorithm, parts) = authorization.split_once(' ').unwrap_or((authorization, ""));
        require_algorithm(algorithm)?;
        let part = |wanted: &str| {
            let mut parts = parts.split(',').filter_map(|part| part.trim().split_once('='));
            parts.find(|(name, _)| *name == wanted).map(|(_, value)| value)
        };
        let amz_date = header(head, "x-amz-date");
        let date_name = if amz_date.is_some() { "x-amz-date" } else { "date" };
        let date = amz_date.or_else(|| header(head, "date"));
        let claim = Self::new(
            part("Credential"),
            part("SignedHeaders"),
            part("Signature"),
            date.as_deref(),
            MAX_SKEW,
        )?;
        if !claim.signed_headers.iter().any(|name| name == date_name) {
            return Err(SigV4Error::UnsignedHeader);
        }
        Ok(claim)
    }

    fn of_query(head: &RequestHead<'_>) -> Result<Self, SigV4Error> {
        let pairs: Vec<_> = query_pairs(head.query).collect();
        let value = |wanted: &str| {
            pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        require_algorithm(value("X-Amz-Algorithm").ok_or(SigV4Error::Missing)?)?;
        let expires = value("X-Amz-Expires").and_then(|seconds| seconds.parse().ok());
        let expires = expires.filter(|seconds| (1..=MAX_EXPIRES_S).contains(seconds));
        Self::new(
            value("X-Amz-Credential"),
            value("X-Amz-SignedHeaders"),
            value("X-Amz-Signature"),
            value("X-Amz-Date"),
            Duration::seconds(expires.ok_or(SigV4Error::Incomplete("X-Amz-Expires"))?),
        )
    }

    fn new(
        credential: Option<&str>,
        signed_headers: Option<&str>,
        signature: Option<&str>,
        date: Option<&str>,
        valid_for: Duration,
    ) -> Result<Self, SigV4Error> {
        let (access_key_id, scope) =
            credential.and_then(split_credential).ok_or(SigV4Error::Incomplete("Credential"))?;
        let signed_headers = signed_headers.ok_or(SigV4Error::Incomplete("SignedHeaders"))?;
        let signature = signature.and_then(|text| hex::decode(text).ok());
        let signed_at = date.and_then(parse_date).ok_or(SigV4Error::Incomplete("the date"))?;
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            scope: scope.to_owned(),
            signed_headers: signed_headers.split(';').map(str::to_ascii_lowercase).collect(),
            signature: signature.ok_or(SigV4Error::Incomplete("Signature"))?,
            signed_at,
            valid_for,
        })
    }
}

fn require_algorithm(algorithm: &str) -> Result<(), SigV4Error> {
    let known = algorithm == ALGORITHM;
    known.then_some(()).ok_or(SigV4Error::Incomplete("only AWS4-HMAC-SHA256 is supported"))
}

/// The access key, which may itself hold slashes, and the scope of four parts.
fn split_credential(credential: &str) -> Option<(&str, &str)> {
    let (slash, _) = credential.rmatch_indices('/').nth(3)?;
    Some((&credential[..slash], &credential[slash + 1..]))
}

/// `20261124T120000Z`, or what a `Date` header holds (RFC 9110 §5.6.7).
fn parse_date(text: &str) -> Option<OffsetDateTime> {
    let basic = PrimitiveDateTime::parse(text, TIMESTAMP).map(PrimitiveDateTime::assume_utc);
    basic.or_else(|_| OffsetDateTime::parse(text, &Rfc2822)).ok()
}
