//! Leaves and their keys.

use std::collections::HashSet;

use pgkeep_model::{CA_POLICIES, DEFAULT_CA, KeyAlgorithm};
use pgkeep_pki::{CertificateInfo, LeafKey, PkiError};
use time::Duration;
use time::macros::datetime;

use crate::support::{
    ECC, NOW, extensions, openssl, openssl_value, shared, split, try_openssl, verify,
};

const ENDPOINT: &str = "demo.c9akciq32rgh.eu-central-1.rds.localhost";

#[test]
fn a_client_with_the_root_accepts_the_leaf_for_its_endpoint_only() {
    for policy in CA_POLICIES {
        let authorities = &shared().authorities;
        let key = shared().leaf_key(policy.key);
        let leaf = authorities.issue_leaf(policy.identifier, &key, ENDPOINT, NOW).unwrap();
        let chain = split(&leaf.chain_pem);
        let [certificate, subordinate] = chain.as_slice() else { panic!("{}", chain.len()) };
        assert_eq!(subordinate, shared().file(policy.identifier, "subordinate.pem"));
        let root = &authorities.authority_pem(policy.identifier).unwrap();
        let accepts =
            |root: &str, subordinate, host, at| verify(root, subordinate, certificate, host, at).0;
        let middle = Some(subordinate.as_str());
        let (agreed, text) = verify(root, middle, certificate, ENDPOINT, NOW);
        assert!(agreed, "{text}");
        assert!(accepts(&authorities.bundle_pem(), middle, ENDPOINT, leaf.not_before));
        // RFC 5280 §4.1.2.5 counts the last second as valid, openssl as past.
        assert!(accepts(root, middle, ENDPOINT, leaf.not_after - Duration::SECOND));
        assert!(!accepts(root, middle, ENDPOINT, leaf.not_after + Duration::SECOND));
        assert!(!accepts(root, middle, "other.localhost", NOW));
        assert!(!accepts(root, None, ENDPOINT, NOW), "the subordinate is not trusted by itself");
        for other in CA_POLICIES.iter().filter(|other| **other != policy) {
            let wrong = &authorities.authority_pem(other.identifier).unwrap();
            assert!(!accepts(wrong, middle, ENDPOINT, NOW));
        }
        assert_eq!(public_of_key(&key), openssl(&["x509", "-noout", "-pubkey"], certificate));
    }
}

#[test]
fn a_leaf_has_exactly_the_profile() {
    for policy in CA_POLICIES {
        let key = shared().leaf_key(policy.key);
        let leaf = shared().authorities.issue_leaf(policy.identifier, &key, ENDPOINT, NOW).unwrap();
        let found = extensions(&leaf.chain_pem);
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        let expected = [
            "Authority Key Identifier",
            "Basic Constraints!",
            "Extended Key Usage",
            "Key Usage!",
            "Subject Alternative Name",
            "Subject Key Identifier",
        ];
        assert_eq!(names, expected);
        let subordinate = extensions(shared().file(policy.identifier, "subordinate.pem"));
        assert_eq!(found["Authority Key Identifier"], subordinate["Subject Key Identifier"]);
        assert_eq!(found["Basic Constraints!"], "CA:FALSE");
        assert_eq!(found["Extended Key Usage"], "TLS Web Server Authentication");
        assert_eq!(found["Subject Alternative Name"], format!("DNS:{ENDPOINT}"));
        let usage = match policy.key {
            KeyAlgorithm::EcdsaP384 => "Digital Signature",
            _ => "Digital Signature, Key Encipherment",
        };
        assert_eq!(found["Key Usage!"], usage);
        let subject = openssl_value(&["x509", "-noout", "-subject"], &leaf.chain_pem);
        assert_eq!(subject, format!("CN = {ENDPOINT}, OU = RDS pgkeep"));
    }
}

#[test]
fn the_record_of_a_leaf_says_what_openssl_reads() {
    let key = shared().leaf_key(KeyAlgorithm::EcdsaP384);
    // Identifiers match without regard to case.
    let leaf = shared().authorities.issue_leaf("RDS-CA-ECC384-G1", &key, ENDPOINT, NOW).unwrap();
    let read =
        |args: &[&str]| openssl_value(&[&["x509", "-noout"], args].concat(), &leaf.chain_pem);
    assert_eq!(read(&["-serial"]).to_lowercase(), leaf.serial_hex);
    let fingerprint = read(&["-fingerprint", "-sha256"]).replace(':', "").to_lowercase();
    assert_eq!(fingerprint, leaf.fingerprint_sha256);
    assert_eq!(read(&["-issuer"]).replace(" = ", "="), leaf.issuer);
    assert_eq!(leaf.not_before, datetime!(2028-02-29 11:00 UTC));
    assert_eq!(leaf.not_after, datetime!(2029-02-28 11:00 UTC));
    assert_eq!(read(&["-enddate"]), "Feb 28 11:00:00 2029 GMT");
    let info = CertificateInfo::from_pem(&leaf.chain_pem).unwrap();
    assert_eq!(info.common_name.as_deref(), Some(ENDPOINT));
    assert_eq!((info.issuer, info.serial_hex), (leaf.issuer, leaf.serial_hex));
}

#[test]
fn an_endpoint_too_long_for_a_common_name_stands_in_the_san_alone() {
    let longest = format!("{}.localhost", "a".repeat(54));
    assert_eq!(longest.len(), 64);
    let longer = format!("{}.c9akciq32rgh.eu-central-1.rds.localhost", "a".repeat(63));
    let key = shared().leaf_key(KeyAlgorithm::EcdsaP384);
    let authorities = &shared().authorities;
    for (endpoint, subject) in [
        (&longest, format!("CN = {longest}, OU = RDS pgkeep")),
        (&longer, "OU = RDS pgkeep".to_owned()),
    ] {
        let leaf = authorities.issue_leaf(ECC, &key, endpoint, NOW).unwrap();
        assert_eq!(openssl_value(&["x509", "-noout", "-subject"], &leaf.chain_pem), subject);
        let san = &extensions(&leaf.chain_pem)["Subject Alternative Name"];
        assert_eq!(san, &format!("DNS:{endpoint}"));
        let chain = split(&leaf.chain_pem);
        let root = &authorities.authority_pem(ECC).unwrap();
        let (agreed, text) = verify(root, Some(&chain[1]), &chain[0], endpoint, NOW);
        assert!(agreed, "{text}");
    }
}

#[test]
fn no_two_leaves_share_a_serial() {
    let key = shared().leaf_key(KeyAlgorithm::EcdsaP384);
    let serials: HashSet<_> = (0..300)
        .map(|_| shared().authorities.issue_leaf(ECC, &key, ENDPOINT, NOW).unwrap().serial_hex)
        .inspect(|serial| assert_eq!(serial.len(), 32))
        .collect();
    assert_eq!(serials.len(), 300);
}

#[test]
fn a_leaf_ends_no_later_than_its_subordinate() {
    let key = shared().leaf_key(KeyAlgorithm::EcdsaP384);
    let end = datetime!(2038-02-28 11:00 UTC);
    let issue = |now| shared().authorities.issue_leaf(ECC, &key, ENDPOINT, now);
    let late = issue(end - Duration::days(100)).unwrap();
    assert_eq!(late.not_after, end);
    assert_eq!(
        openssl_value(&["x509", "-noout", "-enddate"], &late.chain_pem),
        "Feb 28 11:00:00 2038 GMT"
    );
    let first = issue(datetime!(2028-02-29 11:30 UTC)).unwrap();
    assert_eq!(first.not_before, datetime!(2028-02-29 11:00 UTC));
    for outside in [end + Duration::SECOND, datetime!(2028-02-29 10:59:59 UTC)] {
        assert!(matches!(issue(outside), Err(PkiError::OutsideValidity { .. })), "{outside}");
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let key = shared().leaf_key(KeyAlgorithm::EcdsaP384);
    let issue = |ca, endpoint| shared().authorities.issue_leaf(ca, &key, endpoint, NOW);
    assert!(matches!(issue("rds-ca-2019", ENDPOINT), Err(PkiError::UnknownAuthority(_))));
    let family = issue(DEFAULT_CA, ENDPOINT).unwrap_err();
    assert_eq!(family.to_string(), "authority rds-ca-rsa2048-g1 signs rsa2048 keys, not ecc384");
    for endpoint in ["", "*.localhost", "a b", "münchen.localhost", "127.0.0.1\n"] {
        assert!(matches!(issue(ECC, endpoint), Err(PkiError::Endpoint(_))), "{endpoint}");
    }
}

#[test]
fn a_key_survives_its_file_and_is_of_the_size_asked_for() {
    for algorithm in KeyAlgorithm::ALL {
        let key = shared().leaf_key(algorithm);
        let pem = key.to_pem();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let (agreed, text) =
            try_openssl(&["pkey", "-noout", "-check", "-text_pub"], pem.as_bytes());
        assert!(agreed, "{text}");
        for other in KeyAlgorithm::ALL {
            let read = LeafKey::from_pem(other, &pem);
            assert_eq!(read.is_ok(), other == algorithm);
            assert!(
                read.is_err_and(|error| !error.to_string().contains(&pem[30..60]))
                    || other == algorithm
            );
        }
        assert_eq!(LeafKey::from_pem(algorithm, &pem).unwrap().to_pem(), pem);
    }
    let pem = shared().file(ECC, "root.pem");
    assert!(LeafKey::from_pem(KeyAlgorithm::EcdsaP384, pem).is_err());
    assert!(LeafKey::from_pem(KeyAlgorithm::Rsa2048, "").is_err());
}

#[test]
fn debug_shows_no_key() {
    let key = shared().leaf_key(KeyAlgorithm::Rsa2048);
    assert_eq!(format!("{key:?}"), "LeafKey { algorithm: Rsa2048, .. }");
    let text = format!("{:#?}", shared().authorities);
    assert!(text.contains("Root CA RSA2048 G1") && text.len() < 400, "{text}");
}

fn public_of_key(key: &LeafKey) -> String {
    openssl(&["pkey", "-pubout"], key.to_pem())
}
