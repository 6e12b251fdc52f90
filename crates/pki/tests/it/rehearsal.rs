//! Authorities of rehearsals: what follows and what has ended, judged by openssl.

use pgkeep_model::KeyAlgorithm;
use pgkeep_pki::{LeafKey, PkiError, rehearsal};
use tempfile::TempDir;
use time::Duration;

use crate::support::{ECC, NOW, REGION, openssl_value, read_tree, shared, split, verify};

const HOST: &str = "localhost";

#[test]
fn only_who_has_the_next_root_trusts_it() {
    let folder = TempDir::new().unwrap();
    let next = rehearsal::next_roots(folder.path(), &[ECC], REGION, NOW).unwrap();
    let key = LeafKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
    let leaf = next.issue_leaf(ECC, &key, HOST, NOW).unwrap();
    let [certificate, subordinate] = &split(&leaf.chain_pem)[..] else { panic!("{leaf:?}") };
    let trusts = |bundle: &str| verify(bundle, Some(subordinate), certificate, HOST, NOW);
    let before = shared().authorities.bundle_pem();
    let (agreed, text) = trusts(&before);
    assert!(!agreed, "{text}");
    let (agreed, text) = trusts(&(before + &next.bundle_pem()));
    assert!(agreed, "{text}");
    let subject = openssl_value(&["x509", "-noout", "-subject"], next.bundle_pem());
    assert!(subject.ends_with("Root CA ECC384 G1.2"), "{subject}");
    // No more than what was asked for is made.
    assert_eq!(split(&next.bundle_pem()).len(), 1);
    let other = next.issue_leaf("rds-ca-rsa2048-g1", &key, HOST, NOW);
    assert!(matches!(other, Err(PkiError::UnknownAuthority(_))), "{other:?}");
}

#[test]
fn a_short_root_ends_with_all_under_it() {
    let folder = TempDir::new().unwrap();
    let made_at = NOW - Duration::days(366) * (i32::from(rehearsal::SHORT_ROOT_YEARS) + 1);
    let ended = rehearsal::short_roots(folder.path(), &[ECC], REGION, made_at).unwrap();
    let key = LeafKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
    let leaf = ended.issue_leaf(ECC, &key, HOST, made_at).unwrap();
    let [certificate, subordinate] = &split(&leaf.chain_pem)[..] else { panic!("{leaf:?}") };
    let root = ended.bundle_pem();
    let trusts = |at| verify(&root, Some(subordinate), certificate, HOST, at);
    assert!(trusts(made_at).0);
    let (agreed, text) = trusts(NOW);
    assert!(!agreed && text.contains("certificate has expired"), "{text}");
    assert!(ended.describe()[0].not_after < NOW && leaf.not_after < NOW);
    assert!(matches!(
        ended.issue_leaf(ECC, &key, HOST, NOW),
        Err(PkiError::OutsideValidity { .. })
    ));
}

#[test]
fn first_roots_are_those_of_an_installation() {
    let folder = shared().restore(|identifier| identifier == ECC);
    let before = read_tree(folder.path());
    let first = rehearsal::first_roots(folder.path(), &[ECC], REGION, NOW).unwrap();
    assert_eq!(first.bundle_pem(), shared().authorities.authority_pem(ECC).unwrap());
    assert_eq!(read_tree(folder.path()), before);
}
