//! A certificate of an authority held against what it must say.
//!
//! Each answer is the end of a sentence that starts with the file's name.
//!
//! Compared field by field rather than with a certificate made anew: a later encoder may order
//! extensions differently, and must still accept the authorities of its forerunner.

use pgkeep_model::KeyAlgorithm;
use x509_parser::oid_registry::{
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_SIG_ECDSA_WITH_SHA384, Oid,
};
use x509_parser::prelude::X509Certificate;

use crate::key::algorithm_of;
use crate::profile::{AuthorityProfile, Validity};

/// Says in what a certificate differs from its profile, as the end of a sentence. Its time is not
/// looked at: what has ended is still known.
pub(crate) fn check_profile(
    certificate: &X509Certificate<'_>,
    profile: &AuthorityProfile,
) -> Result<(), String> {
    let (subject, wanted) = (certificate.subject().to_string(), profile.subject());
    if subject != wanted {
        return Err(format!("is the certificate of {subject}, not of {wanted}"));
    }
    let constraints = certificate.basic_constraints().ok().flatten();
    let usage = certificate.key_usage().ok().flatten();
    let path_length = profile.path_length.map(u32::from);
    let checks = [
        (
            constraints.is_some_and(|constraints| {
                constraints.critical
                    && constraints.value.ca
                    && constraints.value.path_len_constraint == path_length
            }),
            "has not the basic constraints of this authority",
        ),
        (
            usage.is_some_and(|usage| {
                usage.value.key_cert_sign()
                    && usage.value.crl_sign()
                    && usage.value.digital_signature()
            }),
            "has not the key usage of an authority",
        ),
        (
            algorithm_of(certificate.public_key()) == Some(profile.key),
            "has a key of another kind than this authority",
        ),
        (
            certificate.signature_algorithm.algorithm == signature_oid(profile.key),
            "is signed with another algorithm than this authority's",
        ),
    ];
    let failed = checks.into_iter().find(|(holds, _)| !holds);
    failed.map_or(Ok(()), |(_, problem)| Err(problem.to_owned()))
}

/// Says why `issuer` is not the one that made a certificate, as the end of a sentence.
pub(crate) fn check_signed(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
) -> Result<(), String> {
    let by = issuer.subject();
    if certificate.issuer().as_raw() != by.as_raw() {
        return Err(format!("was issued by {}, not by {by}", certificate.issuer()));
    }
    if !validity_of(certificate).within(&validity_of(issuer)) {
        return Err(format!("is valid outside the life of its issuer {by}"));
    }
    certificate
        .verify_signature(Some(issuer.public_key()))
        .map_err(|_| format!("has a signature that is not of {by}"))
}

pub(crate) fn validity_of(certificate: &X509Certificate<'_>) -> Validity {
    Validity {
        not_before: certificate.validity().not_before.to_datetime(),
        not_after: certificate.validity().not_after.to_datetime(),
    }
}

fn signature_oid(algorithm: KeyAlgorithm) -> Oid<'static> {
    match algorithm {
        KeyAlgorithm::Rsa2048 => OID_PKCS1_SHA256WITHRSA,
        KeyAlgorithm::Rsa4096 => OID_PKCS1_SHA384WITHRSA,
        KeyAlgorithm::EcdsaP384 => OID_SIG_ECDSA_WITH_SHA384,
    }
}
