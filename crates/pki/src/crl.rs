//! Certificate revocation lists (RFC 5280 §5), one for each root and subordinate that lives.
//!
//! A client that is told to check wants one of every issuer in the chain, the root's own included
//! (`X509_V_FLAG_CRL_CHECK_ALL` in libpq), and none that has ended.

use der::pem::{LineEnding, encode_string};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use crate::generation::CaCertificate;
use crate::profile::BACKDATE;
use crate::renamed::name_list;
use crate::revocations::Revocation;
use crate::{PkiError, Result};

/// How long a list is good. A new one is there every day, so this is how long a client's copy, or
/// pgkeep's absence, may last.
const CRL_LIFE: Duration = Duration::days(30);

/// The list of an issuer as PEM.
pub(crate) fn render_crl(
    certificate: &CaCertificate,
    issuer: &Issuer<'_, KeyPair>,
    revoked: &[&Revocation],
    now: OffsetDateTime,
) -> Result<String> {
    let revoked_certs = revoked.iter().map(|it| entry(it)).collect::<Result<_>>()?;
    // Greater than that of any list before, without a record of them.
    let number = u64::try_from(now.unix_timestamp_nanos() / 1000).unwrap_or_default();
    let params = CertificateRevocationListParams {
        this_update: now - BACKDATE,
        next_update: now + CRL_LIFE,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: key_identifier(&certificate.der),
    };
    let signed = params.signed_by(issuer).map_err(PkiError::issue(&*certificate.info.subject))?;
    let named = name_list(signed.der(), certificate, issuer)?;
    let pem = encode_string("X509 CRL", LineEnding::LF, &named);
    pem.map_err(|source| PkiError::Bundle(source.into()))
}

fn entry(revocation: &Revocation) -> Result<RevokedCertParams> {
    let serial = hex::decode(&revocation.serial_hex);
    let serial = serial.map_err(|_| PkiError::Serial(revocation.serial_hex.clone()))?;
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: revocation.at,
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    })
}

/// The identifier by which the issuer's certificate names its key: clients compare the two.
fn key_identifier(der: &[u8]) -> KeyIdMethod {
    let found = X509Certificate::from_der(der).ok().and_then(|(_, certificate)| {
        certificate.extensions().iter().find_map(|it| match it.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
    });
    found.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)
}
