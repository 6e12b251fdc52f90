//! The openssl command's view of an endpoint: it completes a handshake with each suite that it
//! knows, one at a time. The enumeration is held against that.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use pgkeep_probe::{Cipher, TlsVersion, ciphers};
use pgkeep_testkit::{Instance, openssl};

use super::seen::{Key, Suites};

/// What the openssl command of today's distributions leaves out.
const UNKNOWN_TO_OPENSSL: [&str; 4] = ["RC4", "3DES", "SEED", "IDEA"];

/// Holds every suite of every version against the openssl command's handshakes.
#[track_caller]
pub(crate) fn assert_agrees(instance: &Instance, seen: &Suites) {
    for (version, found) in TlsVersion::ALL.into_iter().zip(seen) {
        let known = known(version);
        let told: BTreeSet<_> =
            known.iter().filter(|suite| connects(instance, version, suite)).cloned().collect();
        let (judged, unknown): (Vec<&Cipher>, Vec<&Cipher>) =
            found.iter().partition(|suite| known.contains(suite.openssl));
        let found: BTreeSet<_> = judged.iter().map(|suite| suite.openssl.to_owned()).collect();
        assert_eq!(found, told, "{version} of {}: enumerated, and by openssl", instance.version);
        for suite in unknown {
            let is_left_out = UNKNOWN_TO_OPENSSL.iter().any(|name| suite.iana.contains(name));
            assert!(is_left_out, "{suite:?} is unknown to the openssl command");
        }
    }
}

/// Holds the order of TLS 1.2 against `openssl ciphers`, for a server with the same library and
/// the same configuration as the command.
#[track_caller]
pub(crate) fn assert_same_order(list: &str, key: Key, found: &[Cipher]) {
    let lines = openssl(&["ciphers", "-s", "-v", "-tls1_2", list], "").success();
    let fits = |line: &&str| {
        line.contains(match key {
            Key::Rsa => "Au=RSA",
            Key::Ecdsa => "Au=ECDSA",
        })
    };
    let told: Vec<_> =
        lines.lines().filter(fits).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(found.iter().map(|suite| suite.openssl).collect::<Vec<_>>(), told, "{key:?}");
}

/// The suites of pgkeep's table that the openssl command's client can offer with a version.
fn known(version: TlsVersion) -> BTreeSet<String> {
    let is_tls13 = version == TlsVersion::Tls13;
    let all = ciphers().filter(|suite| suite.is_tls13() == is_tls13);
    let all = all.map(|suite| suite.openssl.to_owned());
    if is_tls13 {
        return all.collect();
    }
    let every = ["ciphers", "-s", flag(version), "ALL:COMPLEMENTOFALL:@SECLEVEL=0"];
    let listed = openssl(&every, "").success();
    let listed: Vec<_> = listed.split(':').collect();
    all.filter(|name| listed.contains(&&**name)).collect()
}

fn flag(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls10 => "-tls1",
        TlsVersion::Tls11 => "-tls1_1",
        TlsVersion::Tls12 => "-tls1_2",
        TlsVersion::Tls13 => "-tls1_3",
    }
}

fn connects(instance: &Instance, version: TlsVersion, suite: &str) -> bool {
    let (option, list) = match version {
        TlsVersion::Tls13 => ("-ciphersuites", suite.to_owned()),
        _ => ("-cipher", format!("{suite}:@SECLEVEL=0")),
    };
    let address = SocketAddr::new(instance.address.unwrap(), instance.port).to_string();
    let connect = ["s_client", "-starttls", "postgres", "-connect", &address];
    let shown = openssl(&[&connect[..], &[flag(version), option, &list]].concat(), "").stdout;
    shown.contains(&format!("Cipher is {suite}\n"))
}
