//! What is held against a pair before a server presents it.

use pgkeep_model::CA_POLICIES;
use pgkeep_pki::PairPem;

use crate::support::{ECC, NOW, shared, split};

const ENDPOINT: &str = "demo.c9akciq32rgh.eu-central-1.rds.localhost";

#[test]
fn a_pair_is_whole_or_its_fault_is_named() {
    let authorities = &shared().authorities;
    for policy in CA_POLICIES {
        let ca = policy.identifier;
        let key = shared().leaf_key(policy.key);
        let leaf = authorities.issue_leaf(ca, &key, ENDPOINT, NOW).unwrap();
        let (chain, key, roots) = (leaf.chain_pem, key.to_pem(), authorities.bundle_pem());
        let check = |endpoint: &str, chain: &str, key: &str, roots: &str| {
            let pair = PairPem { chain, key, roots };
            let checked = authorities.check_pair(ca, endpoint, &pair);
            checked.map(|info| info.fingerprint_sha256).map_err(|error| error.to_string())
        };
        assert_eq!(check(ENDPOINT, &chain, &key, &roots), Ok(leaf.fingerprint_sha256));
        let fault =
            |chain: &str, key: &str, roots: &str| check(ENDPOINT, chain, key, roots).unwrap_err();

        let other = check("other.localhost", &chain, &key, &roots).unwrap_err();
        assert_eq!(other, format!("the certificate is for {ENDPOINT}, not for other.localhost"));
        let half = &chain[..chain.len() / 2];
        let no_pair = "the certificate is not a leaf with its subordinate in PEM";
        assert_eq!(fault(half, &key, &roots), no_pair);
        assert_eq!(fault("", &key, &roots), no_pair);
        let no_key = format!("the key is no {} private key in PKCS#8 PEM", policy.key.name());
        assert_eq!(fault(&chain, &key[..key.len() / 2], &roots), no_key);
        let stranger = pgkeep_pki::LeafKey::generate(policy.key).unwrap().to_pem();
        assert_eq!(fault(&chain, &stranger, &roots), "the key is not that of the certificate");
        let no_roots = "the roots are not those of the trust bundle";
        assert_eq!(fault(&chain, &key, &roots[..roots.len() / 2]), no_roots);

        // An older bundle, or its roots in another order, is as good; one without the root is not.
        let mut split = split(&roots);
        split.reverse();
        assert!(check(ENDPOINT, &chain, &key, &split.concat()).is_ok());
        let own = &authorities.authority_pem(ca).unwrap();
        assert!(check(ENDPOINT, &chain, &key, own).is_ok());
        split.retain(|root| root != own);
        assert_eq!(fault(&chain, &key, &split.concat()), no_roots);
        assert_eq!(fault(&chain, &key, &(own.to_owned() + &chain)), no_roots);
        assert_eq!(fault(&chain, &key, &format!("{own}\n")), no_roots);

        let another = if ca == ECC { CA_POLICIES[0].identifier } else { ECC };
        let pair = PairPem { chain: &chain, key: &key, roots: &roots };
        let signed = authorities.check_pair(another, ENDPOINT, &pair).unwrap_err().to_string();
        assert!(signed.starts_with("the certificate was issued by "), "{signed}");
    }
}
