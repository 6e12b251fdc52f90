//! What a person wants to see of a certificate. Trust is decided in [`crate::verdict`], never here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::error::ProbeError;

/// The fields of a certificate that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The subject's common name, where there is one.
    pub common_name: Option<String>,
    /// The DNS names and addresses of `subjectAltName`, in its order.
    pub alternative_names: Vec<String>,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The first moment of validity.
    pub not_before: OffsetDateTime,
    /// The last moment of validity.
    pub not_after: OffsetDateTime,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`ProbeError::Certificate`] when it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, ProbeError> {
        let unreadable = |error: &dyn std::fmt::Display| ProbeError::Certificate(error.to_string());
        let (_, parsed) = X509Certificate::from_der(der).map_err(|error| unreadable(&error))?;
        let names = parsed.subject_alternative_name().map_err(|error| unreadable(&error))?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let common_name = parsed.subject().iter_common_name().next();
        Ok(Self {
            common_name: common_name.and_then(|name| name.as_str().ok()).map(str::to_owned),
            alternative_names: names.iter().filter_map(render_name).collect(),
            issuer: parsed.issuer().to_string(),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
        })
    }
}

/// The SHA-256 of a certificate in DER, in lower-case hexadecimal.
pub fn fingerprint(der: &[u8]) -> String {
    hex::encode(Sha256::digest(der))
}

fn render_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
            let v6 = <[u8; 16]>::try_from(*octets).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
