//! AWS Signature Version 4: checks the signature of a request, and makes one.
//!
//! Both sides share one canonical form. The body is always hashed here, never believed to have
//! the hash that a header claims. Deliberately absent: signatures of chunked bodies and the
//! unsigned payload (S3 only), asymmetric signatures (`SigV4A`), and session tokens, whose header
//! must be signed but is otherwise not looked at.
//!
//! Source: the AWS reference, "Create a signed AWS API request".

mod canonical;
mod claim;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

use self::canonical::{DATE, TIMESTAMP, string_to_sign};
use self::claim::Claim;
use crate::Secret;
use crate::errors::{self, ErrorCode};

/// How far the time of a signature may be from now, either way.
pub const MAX_SKEW: Duration = Duration::minutes(15);

/// The part of a request before its body, as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method: `POST`.
    pub method: &'a str,
    /// The path, still percent-encoded: `/`.
    pub path: &'a str,
    /// What follows the `?`, still percent-encoded; empty where there is none.
    pub query: &'a str,
    /// The headers in their order; names in any case.
    pub headers: &'a [(&'a str, &'a str)],
}

/// The service that a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The region: `us-east-1`.
    pub region: &'a str,
    /// The service's signing name: `rds`.
    pub service: &'a str,
}

/// The public half of a pair of keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessKeyId(pub String);

/// Why a request is not accepted as signed. `Display` is the message for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigV4Error {
    /// There is no signature at all.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// There is something, but it is no SigV4 signature.
    #[error("The request signature does not conform to AWS standards: {0}")]
    Incomplete(&'static str),
    /// Nobody has this access key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// Signed too long ago, or for the future.
    #[error("The request is signed for a time that is too far from the server's")]
    Expired,
    /// Signed for another region, service or day.
    #[error("Credential should be scoped to this region and service, and to the date of signing")]
    WrongScope,
    /// A header that must be covered by the signature is not.
    #[error("host, the date and every x-amz- header must be among the SignedHeaders")]
    UnsignedHeader,
    /// The signature is not that of the request.
    #[error(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method."
    )]
    Mismatch,
}

impl SigV4Error {
    /// The code and the status for the client.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Missing => errors::MISSING_AUTHENTICATION_TOKEN,
            Self::Incomplete(_) => errors::INCOMPLETE_SIGNATURE,
            Self::UnknownKey => errors::INVALID_CLIENT_TOKEN_ID,
            Self::Expired => errors::REQUEST_EXPIRED,
            Self::WrongScope | Self::UnsignedHeader | Self::Mismatch => {
                errors::SIGNATURE_DOES_NOT_MATCH
            }
        }
    }
}

/// Says who signed a request, by its `Authorization` header or as a presigned URL. `lookup` is the
/// secret key of an access key.
///
/// # Errors
/// Where the request is not signed, or not by a key that `lookup` knows for `target` and `now`.
pub fn verify(
    head: &RequestHead<'_>,
    body: &[u8],
    target: Target<'_>,
    lookup: impl Fn(&str) -> Option<Secret>,
    now: OffsetDateTime,
) -> Result<AccessKeyId, SigV4Error> {
    let claim = Claim::of(head)?;
    let secret = lookup(&claim.access_key_id).ok_or(SigV4Error::UnknownKey)?;
    // A difference: a sum could leave the range of dates.
    let age = now - claim.signed_at;
    if age < -MAX_SKEW || age > claim.valid_for {
        return Err(SigV4Error::Expired);
    }
    if claim.scope != canonical::scope(claim.signed_at, target) {
        return Err(SigV4Error::WrongScope);
    }
    let text = string_to_sign(head, body, &claim.signed_headers, claim.signed_at, target)?;
    let mac = hmac(&signing_key(&secret, claim.signed_at, target), text.as_bytes());
    // Compares in constant time.
    mac.verify_slice(&claim.signature).map_err(|_| SigV4Error::Mismatch)?;
    Ok(AccessKeyId(claim.access_key_id))
}

/// The headers that make a request a signed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The value of `x-amz-date`.
    pub x_amz_date: String,
    /// The value of `authorization`.
    pub authorization: String,
}

/// Signs a request with all the headers it has, `host` among them, and `x-amz-date`, which it must
/// not have yet.
///
/// # Errors
/// [`SigV4Error::UnsignedHeader`] where `host` is absent.
pub fn sign(
    head: &RequestHead<'_>,
    body: &[u8],
    target: Target<'_>,
    access_key_id: &AccessKeyId,
    secret: &Secret,
    now: OffsetDateTime,
) -> Result<Signature, SigV4Error> {
    let x_amz_date = canonical::format(now, TIMESTAMP);
    let mut headers = head.headers.to_vec();
    headers.push(("x-amz-date", &x_amz_date));
    let head = RequestHead { headers: &headers, ..*head };
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let text = string_to_sign(&head, body, &names, now, target)?;
    let mac = hmac(&signing_key(secret, now, target), text.as_bytes());
    let authorization = format!(
        "{} Credential={}/{}, SignedHeaders={}, Signature={}",
        canonical::ALGORITHM,
        access_key_id.0,
        canonical::scope(now, target),
        names.join(";"),
        hex::encode(mac.finalize().into_bytes()),
    );
    Ok(Signature { x_amz_date, authorization })
}

fn signing_key(secret: &Secret, at: OffsetDateTime, target: Target<'_>) -> Vec<u8> {
    let key = format!("AWS4{}", secret.expose()).into_bytes();
    [&canonical::format(at, DATE), target.region, target.service, canonical::TERMINATOR]
        .iter()
        .fold(key, |key, part| hmac(&key, part.as_bytes()).finalize().into_bytes().to_vec())
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 §2)")]
fn hmac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length").chain_update(text)
}
