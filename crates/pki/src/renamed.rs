//! What rcgen signs, under its issuer's name to the letter.
//!
//! rcgen writes each kind of attribute of a name once, while names of other people's authorities
//! may have several: `DC=example, DC=com`. Only then, a certificate or list is signed once more.

use cms::cert::x509::Certificate;
use cms::cert::x509::crl::CertificateList;
use der::asn1::BitString;
use der::{Decode as _, Encode as _};
use rcgen::{Issuer, KeyPair, SigningKey as _};

use crate::generation::CaCertificate;
use crate::{PkiError, Result};

/// A certificate with the name of the issuer that signed it.
pub(crate) fn name_certificate(
    der: &[u8],
    by: &CaCertificate,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Vec<u8>> {
    let mut made = Certificate::from_der(der).map_err(PkiError::Bundle)?;
    let name = Certificate::from_der(&by.der).map_err(PkiError::Bundle)?.tbs_certificate.subject;
    if made.tbs_certificate.issuer == name {
        return Ok(der.to_vec());
    }
    made.tbs_certificate.issuer = name;
    made.signature = sign(&made.tbs_certificate, by, issuer)?;
    made.to_der().map_err(PkiError::Bundle)
}

/// A revocation list, the same way.
pub(crate) fn name_list(
    der: &[u8],
    by: &CaCertificate,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Vec<u8>> {
    let mut made = CertificateList::from_der(der).map_err(PkiError::Bundle)?;
    let name = Certificate::from_der(&by.der).map_err(PkiError::Bundle)?.tbs_certificate.subject;
    if made.tbs_cert_list.issuer == name {
        return Ok(der.to_vec());
    }
    made.tbs_cert_list.issuer = name;
    made.signature = sign(&made.tbs_cert_list, by, issuer)?;
    made.to_der().map_err(PkiError::Bundle)
}

fn sign(
    content: &impl der::Encode,
    by: &CaCertificate,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<BitString> {
    let signature = issuer.key().sign(&content.to_der().map_err(PkiError::Bundle)?);
    let signature = signature.map_err(PkiError::issue(&*by.info.subject))?;
    BitString::from_bytes(&signature).map_err(PkiError::Bundle)
}
