//! What a certificate says, for tables and findings.

use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::key::render_algorithm;
use crate::{PkiError, Result};

/// The fields of a certificate that people look for. A description, not a verdict: nothing here
/// has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The subject, in the order of its encoding: `CN=…, OU=RDS pgkeep`.
    pub subject: String,
    /// The subject's common name, if it has one.
    pub common_name: Option<String>,
    /// The names of the SAN: DNS names and IP addresses as they are, others with their kind.
    pub subject_alt_names: Vec<String>,
    /// The issuer, written as the subject is.
    pub issuer: String,
    /// The serial number in lowercase hexadecimal, without colons.
    pub serial_hex: String,
    /// The first second of its life, in UTC.
    pub not_before: OffsetDateTime,
    /// The last second of its life, in UTC.
    pub not_after: OffsetDateTime,
    /// SHA-256 of the whole certificate (DER) in lowercase hexadecimal.
    pub fingerprint_sha256: String,
    /// The key's algorithm and size: `RSA 2048`, `ECDSA P-384`.
    pub key_algorithm: String,
}

impl CertificateInfo {
    /// Describes the first certificate of a PEM text: of a server's chain, the leaf.
    pub fn from_pem(pem: &str) -> Result<Self> {
        parse_pem(pem).and_then(|der| Self::from_der(&der)).ok_or(PkiError::NotACertificate)
    }

    /// Describes every certificate of a PEM text; other blocks are passed over.
    ///
    /// # Errors
    /// [`PkiError::NotACertificate`] if a block is damaged, or there is none.
    pub fn all_from_pem(pem: &str) -> Result<Vec<Self>> {
        let blocks = Pem::iter_from_buffer(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
        let blocks = blocks.map_err(|_| PkiError::NotACertificate)?.into_iter();
        let certificates = blocks.filter(|block| block.label == "CERTIFICATE");
        let all = certificates.map(|block| Self::from_der(&block.contents));
        let all = all.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty());
        all.ok_or(PkiError::NotACertificate)
    }

    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let ([], certificate) = X509Certificate::from_der(der).ok()? else {
            return None;
        };
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let common_name = certificate.subject().iter_common_name().next();
        Some(Self {
            subject: certificate.subject().to_string(),
            common_name: common_name.and_then(|name| name.as_str().ok()).map(str::to_owned),
            subject_alt_names: names.iter().map(render_name).collect(),
            issuer: certificate.issuer().to_string(),
            serial_hex: hex::encode(certificate.serial.to_bytes_be()),
            not_before: certificate.validity().not_before.to_datetime(),
            not_after: certificate.validity().not_after.to_datetime(),
            fingerprint_sha256: hex::encode(Sha256::digest(der)),
            key_algorithm: render_algorithm(certificate.public_key()),
        })
    }
}

/// The DER of the first certificate in a PEM text.
pub(crate) fn parse_pem(pem: &str) -> Option<Vec<u8>> {
    let mut blocks = Pem::iter_from_buffer(pem.as_bytes()).map_while(Result::ok);
    blocks.find(|block| block.label == "CERTIFICATE").map(|block| block.contents)
}

fn render_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
            let v6 = <[u8; 16]>::try_from(*bytes).map(|bytes| Ipv6Addr::from(bytes).to_string());
            v4.or(v6).unwrap_or_else(|_| name.to_string())
        }
        other => other.to_string(),
    }
}
