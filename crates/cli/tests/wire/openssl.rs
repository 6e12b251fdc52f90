//! The openssl command's view of an endpoint: handshakes that it completes, one for each suite that
//! the server accepts. The enumeration is held against that.

use std::net::SocketAddr;

use pgkeep_probe::{Cipher, TlsVersion, ciphers};
use pgkeep_testkit::{Instance, openssl};

use super::seen::{Key, Suites};

/// What the openssl command of today's distributions leaves out.
const UNKNOWN_TO_OPENSSL: [&str; 4] = ["RC4", "3DES", "SEED", "IDEA"];

/// Holds every suite of every version, and their order, against the openssl command's handshakes.
#[track_caller]
pub(crate) fn assert_agrees(instance: &Instance, seen: &Suites) {
    for (version, found) in TlsVersion::ALL.into_iter().zip(seen) {
        let known = known(version);
        let (judged, unknown): (Vec<&Cipher>, Vec<&Cipher>) =
            found.iter().partition(|suite| known.iter().any(|name| name == suite.openssl));
        let judged: Vec<_> = judged.iter().map(|suite| suite.openssl.to_owned()).collect();
        assert_eq!(judged, enumerate(instance, version, known), "{version}");
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
fn known(version: TlsVersion) -> Vec<String> {
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

/// The suites of handshakes, each out of those that were not chosen yet, until one fails.
fn enumerate(instance: &Instance, version: TlsVersion, mut left: Vec<String>) -> Vec<String> {
    let mut chosen = Vec::new();
    while let Some(suite) = shake(instance, version, &left.join(":")) {
        let place = left.iter().position(|name| *name == suite).expect("one that was offered");
        chosen.push(left.remove(place));
    }
    chosen
}

fn flag(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls10 => "-tls1",
        TlsVersion::Tls11 => "-tls1_1",
        TlsVersion::Tls12 => "-tls1_2",
        TlsVersion::Tls13 => "-tls1_3",
    }
}

/// The suite of a whole handshake, out of a list.
fn shake(instance: &Instance, version: TlsVersion, list: &str) -> Option<String> {
    let (option, list) = match version {
        TlsVersion::Tls13 => ("-ciphersuites", list.to_owned()),
        _ => ("-cipher", format!("{list}:@SECLEVEL=0")),
    };
    let address = SocketAddr::new(instance.address.unwrap(), instance.port).to_string();
    let connect = ["s_client", "-starttls", "postgres", "-connect", &address];
    let shown = openssl(&[&connect[..], &[flag(version), option, &list]].concat(), "").stdout;
    let suite = shown.lines().find_map(|line| Some(line.split_once(", Cipher is ")?.1));
    suite.filter(|suite| *suite != "(NONE)").map(str::to_owned)
}
