//! Roots and subordinates: the profile of Amazon RDS's own, read back by openssl.

use pgkeep_model::{CA_POLICIES, KeyAlgorithm};
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

use crate::support::{NOW, REGION, extensions, openssl, openssl_value, shared, try_openssl};

#[test]
fn roots_and_subordinates_have_exactly_the_profile() {
    const USAGE: &str = "Digital Signature, Certificate Sign, CRL Sign";
    for policy in CA_POLICIES {
        let [root, subordinate] = ["root.pem", "subordinate.pem"]
            .map(|name| extensions(shared().file(policy.identifier, name)));
        let key_id = &root["Subject Key Identifier"];
        assert_eq!(key_id.len(), 59, "20 bytes: {key_id}");
        let names: Vec<_> = root.keys().map(String::as_str).collect();
        assert_eq!(names, ["Basic Constraints!", "Key Usage!", "Subject Key Identifier"]);
        assert_eq!(root["Basic Constraints!"], "CA:TRUE");
        assert_eq!(root["Key Usage!"], USAGE);

        let names: Vec<_> = subordinate.keys().map(String::as_str).collect();
        let authority = "Authority Key Identifier";
        let expected = [authority, "Basic Constraints!", "Key Usage!", "Subject Key Identifier"];
        assert_eq!(names, expected);
        assert_eq!(&subordinate[authority], key_id);
        assert_ne!(&subordinate["Subject Key Identifier"], key_id);
        assert_eq!(subordinate["Basic Constraints!"], "CA:TRUE, pathlen:0");
        assert_eq!(subordinate["Key Usage!"], USAGE);
    }
}

#[test]
fn keys_signatures_and_names_are_of_the_authoritys_family() {
    for policy in CA_POLICIES {
        let (size, signature) = match policy.key {
            KeyAlgorithm::Rsa2048 => ("(2048 bit)", "sha256WithRSAEncryption"),
            KeyAlgorithm::Rsa4096 => ("(4096 bit)", "sha384WithRSAEncryption"),
            KeyAlgorithm::EcdsaP384 => ("ASN1 OID: secp384r1", "ecdsa-with-SHA384"),
        };
        for (name, title) in [("root.pem", "Root CA"), ("subordinate.pem", "Subordinate CA")] {
            let pem = shared().file(policy.identifier, name);
            let text = openssl(&["x509", "-noout", "-text"], pem);
            assert!(text.contains("Version: 3 (0x2)") && text.contains(size), "{text}");
            let signed = text.matches(&format!("Signature Algorithm: {signature}\n")).count();
            assert_eq!(signed, 2, "inside and outside the signed part: {text}");
            let suffix = if name == "root.pem" { "" } else { ".A" };
            let expected =
                format!("O = pgkeep, CN = pgkeep RDS {REGION} {title} {}{suffix}", policy.label);
            assert_eq!(openssl_value(&["x509", "-noout", "-subject"], pem), expected);
            let serial = openssl_value(&["x509", "-noout", "-serial"], pem);
            assert!(serial.len() == 32 && !serial.starts_with('0'), "{serial}");
        }
    }
}

#[test]
fn lives_are_calendar_years_and_nested() {
    let dates = |identifier: &str, name: &str| {
        let pem = shared().file(identifier, name);
        ["-startdate", "-enddate"].map(|which| {
            let args = ["x509", "-noout", "-dateopt", "iso_8601", which];
            openssl_value(&args, pem).replace(' ', "T")
        })
    };
    let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
    let start = text(datetime!(2028-02-29 11:00 UTC));
    let ten_years = text(datetime!(2038-02-28 11:00 UTC));
    for (policy, root_end) in CA_POLICIES.iter().zip([
        datetime!(2068-02-29 11:00 UTC),
        datetime!(2128-02-29 11:00 UTC),
        datetime!(2128-02-29 11:00 UTC),
    ]) {
        let root = dates(policy.identifier, "root.pem");
        assert_eq!(root, [start.clone(), text(root_end)]);
        let subordinate = dates(policy.identifier, "subordinate.pem");
        assert_eq!(subordinate, [start.clone(), ten_years.clone()]);
    }
}

#[test]
fn openssl_accepts_each_subordinate_under_its_root_only() {
    let at = NOW.unix_timestamp().to_string();
    for policy in CA_POLICIES {
        for other in CA_POLICIES {
            let folder = shared().restore(|identifier| identifier == other.identifier);
            let root = folder.path().join(other.identifier).join("root.pem");
            let args = ["verify", "-x509_strict", "-attime", &at, "-CAfile"];
            let args: Vec<_> = args.into_iter().chain([root.to_str().unwrap()]).collect();
            let subordinate = shared().file(policy.identifier, "subordinate.pem");
            let (agreed, text) = try_openssl(&args, subordinate.as_bytes());
            assert_eq!(agreed, policy == other, "{text}");
        }
    }
}
