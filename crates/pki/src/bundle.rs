//! Certificates as files for clients: PEM, and PKCS#7.

use cms::content_info::ContentInfo;
use der::pem::{LineEnding, PemLabel as _, encode_string};
use der::{Decode, Encode};

use crate::{PkiError, Result};

use cms::cert::x509::Certificate;

/// A certificate as PEM, with nothing before its first line or after its last.
pub(crate) fn render_pem(der: &[u8]) -> Result<String> {
    encode_string(Certificate::PEM_LABEL, LineEnding::LF, der)
        .map_err(|source| PkiError::Bundle(source.into()))
}

/// Certificates as a certs-only PKCS#7 in DER: `SignedData` without content and signers
/// (RFC 5652 §5.1). A set has no order: DER sorts it.
pub(crate) fn render_p7b<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    certificates
        .map(Certificate::from_der)
        .collect::<der::Result<Vec<_>>>()
        .and_then(ContentInfo::try_from)
        .and_then(|content| content.to_der())
        .map_err(PkiError::Bundle)
}
