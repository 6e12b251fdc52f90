//! What clients are given to trust.

use pgkeep_model::CA_POLICIES;

use crate::support::{openssl, openssl_value, shared, split};

#[test]
fn the_pem_bundle_is_the_three_roots_and_nothing_else() {
    let authorities = &shared().authorities;
    let roots = CA_POLICIES.map(|policy| shared().file(policy.identifier, "root.pem").to_owned());
    assert_eq!(split(&authorities.bundle_pem()), roots);
    for (policy, root) in CA_POLICIES.iter().zip(&roots) {
        assert_eq!(&authorities.authority_pem(policy.identifier).unwrap(), root);
    }
    assert!(authorities.authority_pem("rds-ca-2019").is_err());
}

#[test]
fn the_p7b_bundle_holds_the_same_certificates() {
    let authorities = &shared().authorities;
    let listed = openssl(&["pkcs7", "-inform", "DER", "-print_certs"], authorities.bundle_p7b());
    assert_eq!(listed.matches("subject=").count(), 3, "{listed}");
    let roots = split(&authorities.bundle_pem());
    assert_eq!(listed.matches("-----BEGIN").count(), roots.len());
    for root in roots {
        assert!(listed.contains(root.trim_end()), "{listed}");
    }
}

#[test]
fn descriptions_agree_with_openssl() {
    for (policy, info) in CA_POLICIES.iter().zip(shared().authorities.describe()) {
        let read =
            |args: &[&str]| openssl_value(&[&["x509", "-noout"], args].concat(), &info.root_pem);
        assert_eq!(info.identifier, policy.identifier);
        let thumbprint = read(&["-fingerprint", "-sha1"]).replace(':', "").to_lowercase();
        assert_eq!(info.thumbprint_sha1, thumbprint);
        assert_eq!(info.root.subject, read(&["-subject"]).replace(" = ", "="));
        let [from, till] = ["-startdate", "-enddate"]
            .map(|which| read(&["-dateopt", "iso_8601", which]).replace('Z', ".0 +00:00:00"));
        assert_eq!([info.not_before.to_string(), info.not_after.to_string()], [from, till]);
    }
}
