//! Private keys: made, read and written as PKCS#8, bound to one algorithm.
//!
//! A key carries its algorithm because the encoding does not fix the signature: an RSA key read
//! without it would sign with SHA-256 whatever its size.

use std::fmt;

use pgkeep_model::KeyAlgorithm;
use rcgen::{KeyPair, PublicKeyData, RsaKeySize, SignatureAlgorithm};
use x509_parser::oid_registry::{OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::{PkiError, Result};

/// The private key of one leaf. A new certificate takes a new key: make one, issue, forget it.
pub struct LeafKey {
    algorithm: KeyAlgorithm,
    pair: KeyPair,
}

impl LeafKey {
    /// Makes a key. RSA takes from tens of milliseconds (2048 bits) to seconds (4096 bits): never
    /// on the path of a request.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self> {
        Ok(Self { algorithm, pair: generate_pair(algorithm)? })
    }

    /// Reads a key from PKCS#8 PEM; [`PkiError::NotAKey`] if it is of another algorithm or size.
    pub fn from_pem(algorithm: KeyAlgorithm, pem: &str) -> Result<Self> {
        let pair = parse_pair(algorithm, pem).ok_or(PkiError::NotAKey(algorithm))?;
        Ok(Self { algorithm, pair })
    }

    /// The key as PKCS#8 PEM: a secret, for a file of mode 0600.
    pub fn to_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

impl fmt::Debug for LeafKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeafKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Makes a key pair.
pub(crate) fn generate_pair(algorithm: KeyAlgorithm) -> Result<KeyPair> {
    let signature = signature_of(algorithm);
    match algorithm {
        KeyAlgorithm::Rsa2048 => KeyPair::generate_rsa_for(signature, RsaKeySize::_2048),
        KeyAlgorithm::Rsa4096 => KeyPair::generate_rsa_for(signature, RsaKeySize::_4096),
        KeyAlgorithm::EcdsaP384 => KeyPair::generate_for(signature),
    }
    .map_err(|source| PkiError::GenerateKey { algorithm, source })
}

/// Reads a key pair; nothing if the text is no key of exactly this algorithm and size.
pub(crate) fn parse_pair(algorithm: KeyAlgorithm, pem: &str) -> Option<KeyPair> {
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(pem, signature_of(algorithm)).ok()?;
    let public = pair.subject_public_key_info();
    let (_, public) = SubjectPublicKeyInfo::from_der(&public).ok()?;
    (algorithm_of(&public) == Some(algorithm)).then_some(pair)
}

/// The algorithm of a public key, if it is one that authorities here use.
pub(crate) fn algorithm_of(key: &SubjectPublicKeyInfo<'_>) -> Option<KeyAlgorithm> {
    match key.parsed().ok()? {
        PublicKey::RSA(rsa) if rsa.key_size() == 2048 => Some(KeyAlgorithm::Rsa2048),
        PublicKey::RSA(rsa) if rsa.key_size() == 4096 => Some(KeyAlgorithm::Rsa4096),
        PublicKey::EC(_) if curve_of(key) == Some("P-384") => Some(KeyAlgorithm::EcdsaP384),
        _ => None,
    }
}

/// A public key's algorithm and size for people to read: `RSA 2048`, `ECDSA P-384`.
pub(crate) fn render_algorithm(key: &SubjectPublicKeyInfo<'_>) -> String {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        Ok(PublicKey::EC(_)) => format!("ECDSA {}", curve_of(key).unwrap_or("on another curve")),
        _ => key.algorithm.algorithm.to_id_string(),
    }
}

fn curve_of(key: &SubjectPublicKeyInfo<'_>) -> Option<&'static str> {
    let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    [(OID_EC_P256, "P-256"), (OID_NIST_EC_P384, "P-384"), (OID_NIST_EC_P521, "P-521")]
        .into_iter()
        .find_map(|(oid, name)| (oid == curve).then_some(name))
}

/// How a key of an authority of the user's own signs, and the kind of key that its leaves have;
/// none of a kind that is too weak, or that rcgen does not know.
pub(crate) fn own_signature(
    key: &SubjectPublicKeyInfo<'_>,
) -> Option<(&'static SignatureAlgorithm, KeyAlgorithm)> {
    match key.parsed().ok()? {
        PublicKey::RSA(rsa) => match rsa.key_size() {
            2048..4096 => Some((&rcgen::PKCS_RSA_SHA256, KeyAlgorithm::Rsa2048)),
            4096..=8192 => Some((&rcgen::PKCS_RSA_SHA384, KeyAlgorithm::Rsa4096)),
            _ => None,
        },
        PublicKey::EC(_) => match curve_of(key)? {
            "P-256" => Some((&rcgen::PKCS_ECDSA_P256_SHA256, KeyAlgorithm::EcdsaP384)),
            "P-384" => Some((&rcgen::PKCS_ECDSA_P384_SHA384, KeyAlgorithm::EcdsaP384)),
            _ => Some((&rcgen::PKCS_ECDSA_P521_SHA512, KeyAlgorithm::EcdsaP384)),
        },
        _ => None,
    }
}

fn signature_of(algorithm: KeyAlgorithm) -> &'static SignatureAlgorithm {
    match algorithm {
        KeyAlgorithm::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
        KeyAlgorithm::Rsa4096 => &rcgen::PKCS_RSA_SHA384,
        KeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    }
}
