//! Bundles, certificates and keys that somebody gives to pgkeep.

use pgkeep_model::KeyAlgorithm;
use pgkeep_pki::{CertificateInfo, LeafKey};

use super::text;

/// What PEM text is taken for.
pub(super) fn import(bytes: &[u8]) {
    let pem = text(bytes);
    if let Ok(all) = CertificateInfo::all_from_pem(pem) {
        assert!(!all.is_empty());
        let first = CertificateInfo::from_pem(pem).expect("the first of all of them");
        assert_eq!(first, all[0]);
    }
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa4096, KeyAlgorithm::EcdsaP384] {
        if let Ok(key) = LeafKey::from_pem(algorithm, pem) {
            assert_eq!(key.algorithm(), algorithm);
        }
    }
}
