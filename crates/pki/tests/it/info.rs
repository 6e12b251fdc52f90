//! Certificates that are not ours, described.

use pgkeep_model::KeyAlgorithm;
use pgkeep_pki::{CertificateInfo, PkiError};
use tempfile::TempDir;

use crate::support::{openssl, shared};

#[test]
fn a_certificate_of_openssl_is_described() {
    let folder = TempDir::new().unwrap();
    let key = folder.path().join("key.pem");
    let args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    let names = "subjectAltName=DNS:a.test,DNS:*.b.test,IP:127.0.0.1,IP:::1,email:c@d.test";
    let rest = ["-nodes", "-set_serial", "0x0a01", "-subj", "/O=Other/CN=a.test", "-addext", names];
    let out = ["-keyout", key.to_str().unwrap()];
    let pem = openssl(&[&args[..], &rest, &out].concat(), "");
    let info = CertificateInfo::from_pem(&format!("text before\n{pem}\n")).unwrap();
    assert_eq!(info.subject, "O=Other, CN=a.test");
    assert_eq!(info.issuer, info.subject);
    assert_eq!(info.common_name.as_deref(), Some("a.test"));
    let names = ["a.test", "*.b.test", "127.0.0.1", "::1", "RFC822Name(c@d.test)"];
    assert_eq!(info.subject_alt_names, names);
    assert_eq!(info.serial_hex, "0a01");
    assert_eq!(info.key_algorithm, "ECDSA P-256");
    assert_eq!((info.not_after - info.not_before).whole_days(), 30);
}

#[test]
fn keys_are_named_by_algorithm_and_size() {
    let names = shared()
        .authorities
        .describe()
        .into_iter()
        .map(|info| CertificateInfo::from_pem(&info.root_pem).unwrap().key_algorithm);
    assert_eq!(names.collect::<Vec<_>>(), ["RSA 2048", "RSA 4096", "ECDSA P-384"]);
}

#[test]
fn what_is_no_certificate_is_refused() {
    let key = shared().leaf_key(KeyAlgorithm::EcdsaP384).to_pem();
    let cut = shared().authorities.bundle_pem()[..300].to_owned();
    let foreign = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "no", &key, &cut, foreign] {
        assert!(matches!(CertificateInfo::from_pem(text), Err(PkiError::NotACertificate)));
    }
}
