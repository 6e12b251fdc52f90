//! What follows the first root and subordinate, on disk and for clients.

use std::fs;

use pgkeep_model::{CA_POLICIES, DEFAULT_CA};
use pgkeep_pki::{Authorities, Leaf, LeafKey, PairPem, PkiError};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::support::{
    ECC, NOW, REGION, openssl_value, read_tree, shared, split, verify, write_private,
};

const ENDPOINT: &str = "demo.c9akciq32rgh.eu-central-1.rds.localhost";

/// A data directory of the first days, in later years.
struct Installation {
    home: TempDir,
    key: LeafKey,
}

impl Installation {
    fn ensure(&self, now: OffsetDateTime) -> Authorities {
        let before = read_tree(self.home.path());
        let authorities = Authorities::ensure(self.home.path(), REGION, None, now).unwrap();
        let after = read_tree(self.home.path());
        assert!(before.iter().all(|(path, text)| after.get(path) == Some(text)), "as it was");
        authorities
    }

    /// A leaf of the default authority, accepted by openssl with each of the bundles.
    fn leaf(&self, authorities: &Authorities, now: OffsetDateTime, bundles: &[&str]) -> Leaf {
        let leaf = authorities.issue_leaf(DEFAULT_CA, &self.key, ENDPOINT, now).unwrap();
        let [certificate, subordinate] = &*split(&leaf.chain_pem) else { panic!("no chain") };
        for bundle in bundles {
            let (agreed, text) = verify(bundle, Some(subordinate), certificate, ENDPOINT, now);
            assert!(agreed, "{text}");
        }
        leaf
    }

    fn folders(&self) -> Vec<String> {
        let names = fs::read_dir(self.home.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn of_default(&self) -> Vec<String> {
        let own = self.folders().into_iter();
        own.filter_map(|name| Some(name.strip_prefix(DEFAULT_CA)?.to_owned())).collect()
    }
}

fn issuer(leaf: &Leaf) -> &str {
    leaf.issuer.split_once("CA ").unwrap().1
}

#[test]
fn subordinates_and_roots_follow_each_other() {
    let installation = Installation {
        home: shared().restore(|_| true),
        key: shared().leaf_key(CA_POLICIES[0].key),
    };
    let first = installation.ensure(NOW);
    let bundle = first.bundle_pem();
    let old = installation.leaf(&first, NOW, &[&bundle]);
    assert_eq!(issuer(&old), "RSA2048 G1.A");

    // Another subordinate, of the same root.
    let now = datetime!(2037-02-15 12:00 UTC);
    let second = installation.ensure(now);
    assert_eq!(installation.of_default(), ["", ".B"]);
    assert_eq!(second.bundle_pem(), bundle);
    let leaf = installation.leaf(&second, now, &[&bundle]);
    assert_eq!(issuer(&leaf), "RSA2048 G1.B");
    let info = &second.describe()[0];
    assert_eq!(info.thumbprint_sha1, first.describe()[0].thumbprint_sha1);
    assert_eq!(info.subordinates.len(), 2, "the old one has not ended");
    // What the old one signed is as good as before.
    let key = installation.key.to_pem();
    let check = |authorities: &Authorities, leaf: &Leaf, roots: &str| {
        let pair = PairPem { chain: &leaf.chain_pem, key: &key, roots };
        authorities.check_pair(DEFAULT_CA, ENDPOINT, &pair).map(drop).map_err(|it| it.to_string())
    };
    assert_eq!(check(&second, &old, &bundle), Ok(()));

    // The next root: in the bundle, and does not sign.
    let now = datetime!(2049-01-01 12:00 UTC);
    let third = installation.ensure(now);
    assert_eq!(installation.of_default(), ["", ".2", ".B", ".C"]);
    let with_next = third.bundle_pem();
    assert_eq!(split(&with_next).len(), 4);
    assert!(split(&bundle).iter().all(|root| with_next.contains(root)));
    assert_eq!(split(&third.authority_pem(DEFAULT_CA).unwrap()).len(), 2);
    let leaf = installation.leaf(&third, now, &[&bundle, &with_next]);
    assert_eq!(issuer(&leaf), "RSA2048 G1.C");
    assert_eq!(third.describe()[0].roots.len(), 2);
    // The bundle grew: no reason for another pair.
    assert_eq!(check(&third, &leaf, &bundle), Ok(()));

    // It signs, and clients with the bundle of fifteen years before agree.
    let now = datetime!(2064-01-01 12:00 UTC);
    let fourth = installation.ensure(now);
    assert_eq!(installation.of_default(), ["", ".2", ".2.A", ".B", ".C"]);
    let leaf = installation.leaf(&fourth, now, &[&with_next, &fourth.bundle_pem()]);
    assert_eq!(issuer(&leaf), "RSA2048 G1.2.A");
    assert_eq!(check(&fourth, &leaf, &with_next), Ok(()));
    let no_roots = "the roots are not those of the trust bundle";
    assert_eq!(check(&fourth, &leaf, &bundle), Err(no_roots.to_owned()));
    let info = &fourth.describe()[0];
    assert_eq!(info.root.subject, format!("O=pgkeep, CN=pgkeep RDS {REGION} Root CA RSA2048 G1.2"));
    let own = split(&fourth.authority_pem(DEFAULT_CA).unwrap());
    assert_eq!(own[1], info.root_pem);
    assert_eq!(openssl_value(&["x509", "-noout", "-enddate"], &own[0]), "Feb 29 11:00:00 2068 GMT");

    // The first root ends, and leaves the bundle.
    let last = installation.ensure(datetime!(2068-03-01 12:00 UTC));
    assert!(!last.bundle_pem().contains(&own[0]) && last.bundle_pem().contains(&own[1]));
    // Pairs that were made with it are still whole.
    assert_eq!(check(&last, &leaf, &fourth.bundle_pem()), Ok(()));

    // The key of a root that signs no more is not read; that of the one which signs is.
    let root_key = |folder: &str| {
        installation.home.path().join(format!("{DEFAULT_CA}{folder}")).join("root-key.pem")
    };
    write_private(&root_key(""), "");
    let reread = Authorities::ensure(installation.home.path(), REGION, None, now).unwrap();
    assert_eq!(reread.bundle_pem(), fourth.bundle_pem());
    write_private(&root_key(".2"), "");
    let refusal = Authorities::ensure(installation.home.path(), REGION, None, now).unwrap_err();
    let path = root_key(".2");
    let expected = format!("{} is no rsa2048 private key in PKCS#8 PEM", path.display());
    assert_eq!(refusal.to_string(), expected);
}

/// A file in the way stands for a disk that is full: what is there signs on while it can. Then the
/// half of a folder that a killed run left is in the way no more than at the first making, which
/// `killed` interrupts.
#[test]
fn what_cannot_be_made_in_time_is_no_reason_to_stop() {
    let home = shared().restore(|_| true);
    let in_the_way = home.path().join(format!(".{ECC}.B.new"));
    write_private(&in_the_way, "");
    let now = datetime!(2037-02-15 12:00 UTC);
    let signs = |now| {
        let authorities = Authorities::ensure(home.path(), REGION, None, now)?;
        let key = shared().leaf_key(CA_POLICIES[2].key);
        Ok(issuer(&authorities.issue_leaf(ECC, &key, ENDPOINT, now)?).to_owned())
    };
    assert_eq!(signs(now).unwrap(), "ECC384 G1.A");
    let too_late = |error: PkiError| error.to_string();
    let refusal = signs(datetime!(2038-03-01 12:00 UTC)).map_err(too_late).unwrap_err();
    assert_eq!(refusal, format!("cannot remove the leftover {}", in_the_way.display()));
    fs::remove_file(&in_the_way).unwrap();
    fs::create_dir(&in_the_way).unwrap();
    write_private(&in_the_way.join("subordinate.pem"), "half of it");
    assert_eq!(signs(now).unwrap(), "ECC384 G1.B");
    assert!(!in_the_way.exists());
}
