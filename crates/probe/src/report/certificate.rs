//! What a report says of each certificate that was served.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::asn1_rs::{Integer, Sequence};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::certificate::{Certificate, fingerprint};
use crate::error::ProbeError;

/// A served certificate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServedCertificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// The DNS names and addresses of `subjectAltName`.
    pub alternative_names: Vec<String>,
    /// The first moment of validity, RFC 3339.
    pub not_before: String,
    /// The last moment of validity, RFC 3339.
    pub not_after: String,
    /// Whole days from the moment of judgement to its end; negative once it has ended.
    pub days_left: i64,
    /// The kind of its key.
    pub key: KeyKind,
    /// The size of its key in bits; 0 where it cannot be told.
    pub key_bits: usize,
    /// With what its issuer signed it, under OpenSSL's name: `sha256WithRSAEncryption`.
    pub signature: String,
    /// Whether it may issue others.
    pub is_ca: bool,
    /// Whether subject and issuer are the same: a root, or a self-signed certificate.
    pub is_self_issued: bool,
    /// The SHA-256 of the certificate.
    pub fingerprint_sha256: String,
    #[serde(skip)]
    pub(super) ends_at: i64,
    #[serde(skip)]
    pub(super) lifespan_days: i64,
    #[serde(skip)]
    pub(super) is_valid: Validity,
}

/// Whether the moment of judgement lies in its validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    NotYet,
    Valid,
    Ended,
}

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// `rsaEncryption`.
    Rsa,
    /// `id-RSASSA-PSS`, with which few clients work.
    RsaPss,
    /// An elliptic curve: ECDSA.
    Ec,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA.
    Dsa,
    /// Another one.
    Other,
}

impl ServedCertificate {
    pub(super) fn from_der(der: &[u8], at: OffsetDateTime) -> Result<Self, ProbeError> {
        let names = Certificate::from_der(der)?;
        let (_, parsed) = X509Certificate::from_der(der)
            .map_err(|error| ProbeError::Certificate(error.to_string()))?;
        let (key, key_bits) = key(parsed.public_key());
        let is_valid = match at {
            at if at < names.not_before => Validity::NotYet,
            at if at > names.not_after => Validity::Ended,
            _ => Validity::Valid,
        };
        Ok(Self {
            subject: parsed.subject().to_string(),
            issuer: names.issuer,
            common_name: names.common_name,
            alternative_names: names.alternative_names,
            not_before: render_moment(names.not_before),
            not_after: render_moment(names.not_after),
            days_left: (names.not_after - at).whole_days(),
            key,
            key_bits,
            signature: signature_name(&parsed.signature_algorithm.algorithm.to_id_string()),
            is_ca: parsed.is_ca(),
            is_self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            fingerprint_sha256: fingerprint(der),
            ends_at: names.not_after.unix_timestamp(),
            lifespan_days: (names.not_after - names.not_before).whole_days(),
            is_valid,
        })
    }

    /// Its end, in seconds since 1970.
    pub fn ends_at(&self) -> i64 {
        self.ends_at
    }

    /// `RSA, 2048 bits`.
    pub fn key_name(&self) -> String {
        let kind = match self.key {
            KeyKind::Rsa => "RSA",
            KeyKind::RsaPss => "RSA-PSS",
            KeyKind::Ec => "EC",
            KeyKind::Ed25519 => return "Ed25519".to_owned(),
            KeyKind::Ed448 => return "Ed448".to_owned(),
            KeyKind::Dsa => "DSA",
            KeyKind::Other => return "unknown".to_owned(),
        };
        format!("{kind}, {} bits", self.key_bits)
    }

    /// Whether it is weaker than 112 bits of security (NIST SP 800-57), which OpenSSL's level 2
    /// asks for.
    pub(super) fn is_key_weak(&self) -> bool {
        self.is_weak_below(2048)
    }

    /// The same with another least size of an RSA key.
    pub(super) fn is_weak_below(&self, rsa_bits: usize) -> bool {
        match self.key {
            KeyKind::Rsa | KeyKind::RsaPss | KeyKind::Dsa => self.key_bits < rsa_bits,
            KeyKind::Ec => self.key_bits < 224,
            KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Other => false,
        }
    }

    /// Whether libpq can bind a login to it: the hash of its signature makes the binding (RFC 5929
    /// §4.1), and `EdDSA` has none of its own.
    pub(super) fn is_bindable(&self) -> bool {
        !self.signature.starts_with("ED")
    }

    /// Whether the signature on it rests on MD5 or SHA-1.
    pub(super) fn is_signature_weak(&self) -> bool {
        let name = self.signature.to_ascii_lowercase();
        !self.is_self_issued && (name.contains("md5") || name.contains("sha1"))
    }
}

pub(super) fn render_moment(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_else(|_| moment.to_string())
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> (KeyKind, usize) {
    let size = || info.parsed().map_or(0, |key| key.key_size());
    match info.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => (KeyKind::Rsa, rsa_bits(info)),
        "1.2.840.113549.1.1.10" => (KeyKind::RsaPss, rsa_bits(info)),
        "1.2.840.10045.2.1" => (KeyKind::Ec, ec_bits(info).unwrap_or_else(size)),
        "1.3.101.112" => (KeyKind::Ed25519, 256),
        "1.3.101.113" => (KeyKind::Ed448, 456),
        "1.2.840.10040.4.1" => (KeyKind::Dsa, size()),
        _ => (KeyKind::Other, 0),
    }
}

fn rsa_bits(info: &SubjectPublicKeyInfo<'_>) -> usize {
    let modulus_bits = || {
        let (_, sequence) = Sequence::from_der(&info.subject_public_key.data).ok()?;
        let (_, modulus) = Integer::from_der(&sequence.content).ok()?;
        let bytes = modulus.as_ref();
        let first = bytes.iter().position(|byte| *byte != 0)?;
        Some(8 * (bytes.len() - first) - usize::try_from(bytes[first].leading_zeros()).ok()?)
    };
    modulus_bits().unwrap_or_default()
}

/// The size of a named curve; a point has whole bytes only.
fn ec_bits(info: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    match curve.to_id_string().as_str() {
        "1.3.132.0.35" => Some(521),
        _ => match info.parsed().ok()? {
            PublicKey::EC(point) => Some(point.key_size()),
            _ => None,
        },
    }
}

/// OpenSSL's name of an algorithm with which certificates are signed.
fn signature_name(oid: &str) -> String {
    let name = match oid {
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "ED25519",
        "1.3.101.113" => "ED448",
        other => other,
    };
    name.to_owned()
}
