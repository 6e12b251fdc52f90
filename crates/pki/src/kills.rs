//! Kills between any two changes of the disk: `pgkeep authority` leaves what the next run, and a
//! pgkeep that runs, find whole.
//!
//! A run ends before a step with an error, which nothing catches or clears up after: what is on the
//! disk then is what a kill would leave.

#![allow(clippy::unwrap_used, reason = "a panic fails the test that called")]

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;

use pgkeep_model::{CA_POLICIES, KeyAlgorithm};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::key::generate_pair;
use crate::{
    Authorities, OwnCertificate, Passphrase, PkiError, Result, Revocation, change_passphrase,
    folder, import_authority, request_authority,
};

const NOW: OffsetDateTime = datetime!(2028-02-29 12:00 UTC);
const REGION: &str = "eu-central-1";
const ECC: &str = "rds-ca-ecc384-g1";
const OWN: &str = "corp-ca";

thread_local! {
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What `folder` calls before each change of the disk.
pub(crate) fn step(path: &Path) -> Result<()> {
    let left = LEFT.get();
    LEFT.set(left.map(|left| left.saturating_sub(1)));
    if left == Some(0) {
        return Err(PkiError::file("reach", path)(io::Error::other("killed")));
    }
    Ok(())
}

/// Runs a change, but not from that step on; answers whether it came to its end.
fn killed_before<T>(step: usize, change: impl FnOnce() -> Result<T>) -> bool {
    LEFT.set(Some(step));
    let outcome = change();
    LEFT.set(None);
    outcome.is_ok()
}

/// Tries each step of a change in a world of its own, until the change comes to its end; answers
/// how many steps it has.
fn at_each_step(mut is_done: impl FnMut(usize) -> bool) -> usize {
    (0..1000).find(|step| is_done(*step)).unwrap()
}

/// One authority of the service's kind, which is quick to make.
fn ensure(home: &Path, passphrase: Option<&Passphrase>) -> Result<Authorities> {
    let is_wanted = |identifier: &str| identifier == ECC;
    let policies = CA_POLICIES.each_ref();
    Authorities::ensure_some(policies, is_wanted, home, REGION, passphrase, NOW)
}

fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    ensure(home.path(), None).unwrap();
    home
}

/// What is in the folder of the one authority, elsewhere.
fn copy(home: &TempDir) -> TempDir {
    let copy = TempDir::new().unwrap();
    fs::create_dir(copy.path().join(ECC)).unwrap();
    for name in names(&home.path().join(ECC)) {
        let name = Path::new(ECC).join(name);
        // The mode goes with it.
        fs::copy(home.path().join(&name), copy.path().join(&name)).unwrap();
    }
    copy
}

fn names(home: &Path) -> Vec<String> {
    folder::names(home).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::take(&mut text.as_bytes().to_vec()).unwrap()
}

/// A root, and an intermediate for a key.
fn certificates(key: &KeyPair) -> String {
    let params = |name: &str| {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    };
    let root_key = generate_pair(KeyAlgorithm::EcdsaP384).unwrap();
    let root = params("root").self_signed(&root_key).unwrap();
    let root_params = params("root");
    let issuer = Issuer::from_params(&root_params, &root_key);
    params("intermediate").signed_by(key, &issuer).unwrap().pem() + &root.pem()
}

#[test]
fn an_import() {
    let steps = at_each_step(|step| {
        let home = home();
        let ecc = KeyAlgorithm::EcdsaP384;
        request_authority(home.path(), OWN, ecc, REGION, None).unwrap();
        let key = home.path().join("corp-ca.csr/subordinate-key.pem");
        let key = KeyPair::from_pem(&fs::read_to_string(key).unwrap()).unwrap();
        let certificates = certificates(&key);
        let own = OwnCertificate { certificates: &certificates, key: None };
        let import = || import_authority(home.path(), OWN, &own, REGION, None, NOW);
        let is_done = killed_before(step, import);

        let left = ensure(home.path(), None).unwrap();
        let is_there = left.describe().iter().any(|it| it.identifier == OWN);
        assert!(is_there || !is_done);
        match import() {
            Ok(_) => assert!(!is_there),
            Err(error) => assert!(is_there && error.to_string().contains("is there already")),
        }
        assert!(ensure(home.path(), None).unwrap().find(OWN).is_ok());
        // A request goes on from wherever the one before ended.
        request_authority(home.path(), OWN, ecc, REGION, None).unwrap();
        let expected = [OWN, "corp-ca.csr", ECC];
        assert_eq!(names(home.path()), expected);
        is_done
    });
    // Four for each of three files, with their folder; three to forget the request.
    assert!(steps > 12, "{steps}");
}

#[test]
fn a_request() {
    let steps = at_each_step(|step| {
        let home = home();
        let request = || request_authority(home.path(), OWN, KeyAlgorithm::EcdsaP384, REGION, None);
        let is_done = killed_before(step, request);
        ensure(home.path(), None).unwrap();
        assert_eq!(request().unwrap(), request().unwrap());
        assert_eq!(names(home.path()), ["corp-ca.csr", ECC]);
        is_done
    });
    assert!(steps > 6, "{steps}");
}

#[test]
fn a_revocation() {
    let revoke = |home: &Path, serial: &str| {
        let serial_hex = serial.to_owned();
        Revocation { serial_hex, at: NOW, ca_identifier: ECC.to_owned() }.record(home)
    };
    let steps = at_each_step(|step| {
        let home = home();
        revoke(home.path(), "0a").unwrap();
        let is_done = killed_before(step, || revoke(home.path(), "0b"));
        let left = ensure(home.path(), None).unwrap();
        assert!(left.is_revoked("0a"));
        let is_there = left.is_revoked("0b");
        assert!(is_there || !is_done);
        assert_eq!(revoke(home.path(), "0b").unwrap(), !is_there);
        assert!(ensure(home.path(), None).unwrap().is_revoked("0b"));
        is_done
    });
    assert!(steps > 3, "{steps}");
}

#[test]
fn another_passphrase() {
    let (old, new) = (passphrase("old one"), passphrase("new one"));
    let before = home();
    ensure(before.path(), Some(&old)).unwrap();
    let steps = at_each_step(|step| {
        let home = copy(&before);
        let change = || change_passphrase(home.path(), Some(&old), &new);
        let is_done = killed_before(step, change);
        let under = [&old, &new].map(|it| ensure(home.path(), Some(it)).is_ok());
        assert!(!under[1] || under == [false, true]);
        assert_eq!(change().unwrap(), 2);
        assert!(ensure(home.path(), Some(&new)).is_ok());
        if is_done {
            let third = change_passphrase(home.path(), Some(&old), &passphrase("third"));
            assert!(matches!(third, Err(PkiError::WrongPassphrase(_))), "{third:?}");
        }
        is_done
    });
    assert!(steps > 6, "{steps}");
}
