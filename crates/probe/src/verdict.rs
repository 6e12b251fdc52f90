//! Whether a served chain deserves trust: does it lead to *given* roots, and is it for this name?
//!
//! The two questions are answered apart, for sslmode `verify-ca` asks only the first. The verdict
//! is webpki's, whose rules are those of strict clients: unlike libpq it never falls back from
//! `subjectAltName` to the common name. The time is a parameter; revocation is not looked at.

use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::error::ProbeError;

/// Whom to trust, and when.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The roots, as a file of PEM certificates; intermediates in it count as roots too.
    pub roots_pem: &'a str,
    /// The moment at which validity is judged.
    pub judged_at: OffsetDateTime,
}

/// What a client that verifies would find.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether the chain leads to the roots; `None` where no roots were given.
    pub chain: Option<Result<(), Distrust>>,
    /// Whether the leaf is for the server's name.
    pub name: Result<(), Distrust>,
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// No path leads to one of the roots.
    #[error("it was issued by none of the trusted roots")]
    UnknownIssuer,
    /// The leaf or an intermediate is past its end.
    #[error("it has expired")]
    Expired,
    /// The leaf or an intermediate is not valid yet.
    #[error("it is not valid yet")]
    NotYetValid,
    /// The leaf is for other names.
    #[error("it is for {}", if names.is_empty() { "no name".into() } else { names.join(", ") })]
    WrongName {
        /// The names that the leaf is for.
        names: Vec<String>,
    },
    /// The server shows no certificate, as with an anonymous cipher suite.
    #[error("there is none")]
    NoCertificate,
    /// Any other reason.
    #[error("it does not hold to the rules")]
    Other(#[source] rustls::Error),
}

/// The roots of `trust`, read.
pub(crate) fn parse_roots(roots_pem: &str) -> Result<RootCertStore, ProbeError> {
    let unusable = |error: &dyn std::fmt::Display| ProbeError::Roots(error.to_string());
    let mut roots = RootCertStore::empty();
    for der in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        let der = der.map_err(|error| unusable(&error))?;
        roots.add(der).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is no certificate in them"));
    }
    Ok(roots)
}

/// Judges a chain, the leaf first.
pub(crate) fn judge(
    chain: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    trust: Option<(&RootCertStore, OffsetDateTime)>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Verdict {
    let Some((leaf_der, intermediates)) = chain.split_first() else {
        let absent = || Err(Distrust::NoCertificate);
        return Verdict { chain: trust.map(|_| absent()), name: absent() };
    };
    let leaf = ParsedCertificate::try_from(leaf_der);
    let distrust = |error| explain(error, leaf_der);
    let leads_to = |(roots, at): (&RootCertStore, OffsetDateTime)| {
        let leaf = leaf.as_ref().map_err(Clone::clone)?;
        let (at, all) = (unix_time(at), algorithms.all);
        verify_server_cert_signed_by_trust_anchor(leaf, roots, intermediates, at, all)
    };
    let name = leaf.as_ref().map_err(Clone::clone);
    Verdict {
        chain: trust.map(|trust| leads_to(trust).map_err(distrust)),
        name: name.and_then(|leaf| verify_server_name(leaf, server_name)).map_err(distrust),
    }
}

fn explain(error: rustls::Error, leaf: &CertificateDer<'_>) -> Distrust {
    use CertificateError as E;
    match error {
        rustls::Error::InvalidCertificate(E::UnknownIssuer) => Distrust::UnknownIssuer,
        rustls::Error::InvalidCertificate(E::Expired | E::ExpiredContext { .. }) => {
            Distrust::Expired
        }
        rustls::Error::InvalidCertificate(E::NotValidYet | E::NotValidYetContext { .. }) => {
            Distrust::NotYetValid
        }
        rustls::Error::InvalidCertificate(
            E::NotValidForName | E::NotValidForNameContext { .. },
        ) => {
            let names = Certificate::from_der(leaf).map(|leaf| leaf.alternative_names);
            Distrust::WrongName { names: names.unwrap_or_default() }
        }
        other => Distrust::Other(other),
    }
}

fn unix_time(moment: OffsetDateTime) -> UnixTime {
    let seconds = u64::try_from(moment.unix_timestamp()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
