//! What was revoked, on disk and in the lists for clients.

use pgkeep_model::{CA_POLICIES, DEFAULT_CA};
use pgkeep_pki::{Authorities, Revocation};
use time::{Duration, OffsetDateTime};

use crate::support::{ECC, NOW, REGION, openssl, shared, write_private};

fn revocation(serial: &str, ca_identifier: &str, at: OffsetDateTime) -> Revocation {
    Revocation { serial_hex: serial.to_owned(), at, ca_identifier: ca_identifier.to_owned() }
}

/// Each list of an authority as openssl reads it.
fn lists(authorities: &Authorities, ca: &str) -> Vec<String> {
    let pem = authorities.authority_crl(ca).unwrap_or_default();
    let blocks = pem.split_inclusive("-----END X509 CRL-----\n");
    blocks.map(|block| openssl(&["crl", "-noout", "-text"], block)).collect()
}

#[test]
fn a_revoked_leaf_is_listed_by_its_authority_until_it_has_ended() {
    let home = shared().restore(|_| true);
    let serial = "4b2f14f187075241dd333183aafd5860";
    assert!(revocation(serial, ECC, NOW).record(home.path()).unwrap());
    assert!(!revocation(serial, ECC, NOW).record(home.path()).unwrap(), "it is there");
    assert!(revocation("4c", ECC, NOW + Duration::days(1)).record(home.path()).unwrap());
    let all = Revocation::read_all(home.path()).unwrap();
    assert_eq!(all[0], revocation(serial, ECC, NOW));

    let listed = |now| {
        let authorities = Authorities::ensure(home.path(), REGION, None, now).unwrap();
        assert!(authorities.is_revoked(serial) && !authorities.is_revoked("4d"));
        let text = lists(&authorities, ECC);
        let [root, subordinate] = &*text else { panic!("{text:?}") };
        assert!(root.contains("No Revoked Certificates") && root.contains("Root CA ECC384"));
        let others = lists(&authorities, DEFAULT_CA).concat();
        assert_eq!(others.matches("No Revoked Certificates").count(), 2);
        assert_eq!(authorities.crl_pem().matches("BEGIN X509 CRL").count(), 6);
        subordinate.clone()
    };
    let first = listed(NOW);
    assert!(first.contains("Last Update: Feb 29 11:00:00 2028 GMT"), "{first}");
    assert!(first.contains("Next Update: Mar 30 12:00:00 2028 GMT"), "{first}");
    assert!(first.contains(&serial.to_uppercase()) && first.contains("Serial Number: 4C"));
    let last = listed(NOW + Duration::days(366));
    assert!(!last.contains(&serial.to_uppercase()) && last.contains("Serial Number: 4C"), "{last}");
    let number = |text: &str| {
        let (_, after) = text.split_once("X509v3 CRL Number:").unwrap();
        after.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    assert!(number(&first) < number(&last));
}

#[test]
fn a_retired_subordinate_has_a_list_as_long_as_it_lives() {
    let home = shared().restore(|_| true);
    let count =
        |now| lists(&Authorities::ensure(home.path(), REGION, None, now).unwrap(), ECC).len();
    let both = NOW + Duration::days(365 * 9);
    assert_eq!(count(both), 3, "a root and two subordinates");
    // Not without its key, which is no reason to stop.
    write_private(&home.path().join(ECC).join("subordinate-key.pem"), "");
    assert_eq!(count(both), 2);
    assert_eq!(CA_POLICIES[2].identifier, ECC);
}

#[test]
fn a_damaged_record_is_refused() {
    for text in ["4c\n", "4c 2028-02-29T12:00:00Z\n", "xy 2028-02-29T12:00:00Z ca\n", "\n"] {
        let home = shared().restore(|_| true);
        let path = home.path().join("revoked.txt");
        write_private(&path, &format!("4d 2028-02-29T12:00:00Z {ECC}\n{text}"));
        let refusal = Authorities::ensure(home.path(), REGION, None, NOW).unwrap_err().to_string();
        assert_eq!(refusal, format!("{} has no revocation on line 2", path.display()));
    }
}
