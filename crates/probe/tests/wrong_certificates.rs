//! Servers whose certificates are wrong: each is found fault with for what it is and for nothing
//! else, and psql does what is foretold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "psql judges by the machine's clock, a test fails by panicking, helpers are shared"
)]

mod common;

use std::net::IpAddr;

use common::case::Case;
use common::pki::{Leaf, Root, SERVER_NAME, ca_params, leaf_params};
use common::server::Server;
use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType};
use time::{Duration, OffsetDateTime};

const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const STRONG: &str = "ssl_ciphers = 'ECDHE+AESGCM'";
const REFUSED: &str = "Verify-full is refused, plaintext is refused; 1 critical finding.";
const RSA: [&str; 4] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const ED25519: [&str; 2] = ["-algorithm", "ED25519"];

fn start(test: &str, leaf: &Leaf) -> Server {
    let server = Server::start(test, leaf, TLS_ONLY, STRONG);
    server.set_passwords();
    server
}

async fn hold(server: &Server, cases: Vec<(Leaf, Case<'_>)>) {
    let mut wrong = Vec::new();
    for (leaf, case) in cases {
        server.reconfigure(&leaf, TLS_ONLY, STRONG);
        wrong.extend(case.hold(server.addr).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn dates() {
    let root = Root::new("root");
    let pem = root.pem();
    let between = |from: OffsetDateTime, to: OffsetDateTime| {
        let mut params = leaf_params(&[SERVER_NAME]);
        (params.not_before, params.not_after) = (from, to);
        root.issue(&params)
    };
    let (now, day, year) =
        (OffsetDateTime::now_utc(), Duration::days(1), |year| rcgen::date_time_ymd(year, 1, 1));
    let good = between(now - day, now + day * 90);
    let mut old = ca_params("subordinate");
    old.not_after = year(2022);
    let key = KeyPair::generate().unwrap();
    let old = root.issue_below(vec![old], &key, &leaf_params(&[SERVER_NAME]));
    let server = start("dates", &good);
    let case = |what| Case::new(what, &pem);
    let cases = vec![
        (good, case("in order")),
        (
            between(year(2020), year(2022)),
            case("expired")
                .finds("chain.expired", "CN=db.example.test, on 2022-01-01T00:00:00Z")
                .says(REFUSED),
        ),
        (
            old,
            case("expired subordinate")
                .finds("chain.expired", "CN=subordinate, on 2022-01-01T00:00:00Z")
                .says(REFUSED),
        ),
        (
            between(year(2038), year(2039)),
            case("not yet valid")
                .finds("chain.not_yet_valid", "CN=db.example.test, from 2038-01-01T00:00:00Z")
                .says(REFUSED),
        ),
        (
            between(year(2020), now + day * 9 + Duration::hours(1)),
            case("ends soon").finds("chain.expires_soon", "CN=db.example.test, in 9 days, on "),
        ),
    ];
    hold(&server, cases).await;
}

#[tokio::test]
async fn names() {
    let root = Root::new("root");
    let pem = root.pem();
    let named = |names: &[&str]| root.issue(&leaf_params(names));
    let server = start("names", &named(&[SERVER_NAME]));
    let ip = server.addr.ip();
    let host = ip.to_string();
    let address = |addresses: &[IpAddr], common_name: &str| {
        let mut params = leaf_params(&[]);
        params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        params.subject_alt_names = addresses.iter().map(|it| SanType::IpAddress(*it)).collect();
        root.issue(&params)
    };
    let case = |what| Case::new(what, &pem);
    let wrong = |what, seen| case(what).finds("name.wrong", seen).says(REFUSED);
    let another = "127.0.0.1".parse().unwrap();
    let cases = vec![
        (named(&["*.example.test"]), case("wildcard")),
        (
            named(&["x.test"]),
            wrong(
                "another name, beside which the common name does not count",
                "certificate for \"x.test\" does not match host name \"db.example.test\"",
            ),
        ),
        (named(&["*.test"]), wrong("two labels", "for \"*.test\" does not match")),
        (
            named(&["d*.example.test", "*.db.example.test"]),
            wrong("a part of a label, and none", "for \"d*.example.test\" (and 1 other name) does"),
        ),
        (named(&[]), case("common name").finds("name.common_name_only", SERVER_NAME)),
        (
            address(&[ip], SERVER_NAME),
            case("common name beside an address").finds("name.common_name_only", SERVER_NAME),
        ),
        (
            address(&[ip], SERVER_NAME),
            case("address").host(&host).finds("name.address_before_15", &host),
        ),
        (
            address(&[another], SERVER_NAME),
            wrong("another address", "for \"127.0.0.1\" does not match host name \"127.88.")
                .host(&host),
        ),
        (
            named(&[&host]),
            case("address as a DNS name").host(&host).finds("name.libpq_only", &host),
        ),
        (
            address(&[], &host),
            case("address as common name").host(&host).finds("name.common_name_only", &host),
        ),
    ];
    hold(&server, cases).await;
}

#[tokio::test]
async fn chains() {
    let (root, other, namesake) = (Root::new("root"), Root::new("other"), Root::new("root"));
    let (pem, other_pem, namesake_pem) = (root.pem(), other.pem(), namesake.pem());
    let good = root.issue(&leaf_params(&[SERVER_NAME]));
    let pems = good.pems();
    let [leaf, subordinate] = pems[..] else { panic!("{}", pems.len()) };
    let server = start("chains", &good);
    let case = |what| Case::new(what, &pem);
    let wrong = |what, roots, id, seen| Case::new(what, roots).finds(id, seen).says(REFUSED);
    let stranger = root.issue(&leaf_params(&["x.test"]));
    let cases = vec![
        (
            good.sending(&[leaf]),
            wrong("no intermediate", &pem, "chain.incomplete", "trusted roots: CN=subordinate"),
        ),
        (
            good.sending(&pems),
            Case::new("an intermediate for a root", subordinate)
                .finds("chain.partial", "it was issued by none of the trusted roots")
                .says("Verify-full is refused, plaintext is refused."),
        ),
        (
            good.sending(&pems),
            wrong("another root", &other_pem, "chain.untrusted", "trusted roots: CN=root"),
        ),
        (
            good.sending(&pems),
            wrong("a root of the same name", &namesake_pem, "chain.untrusted", ": CN=root"),
        ),
        (
            good.sending(&[leaf, &pem, subordinate]),
            case("wrong order")
                .finds("chain.order", "CN=db.example.test is followed by CN=root")
                .finds("chain.needless_root", "CN=root"),
        ),
        (
            good.sending(&[leaf, subordinate, &pem]),
            case("a root that is sent").finds("chain.needless_root", "CN=root"),
        ),
        (
            good.sending(&[leaf, subordinate, stranger.pems()[0]]),
            case("a certificate of no path").finds("chain.stranger", "CN=db.example.test"),
        ),
    ];
    hold(&server, cases).await;
}

#[tokio::test]
async fn self_signed() {
    let other = Root::new("other").pem();
    let key = KeyPair::generate().unwrap();
    let signed = |params: &CertificateParams| {
        let certificate = params.self_signed(&key).unwrap();
        let (chain_pem, der) = (certificate.pem(), certificate.der().to_vec());
        Leaf { key_pem: key.serialize_pem(), chain_pem, der }
    };
    let mut authority = leaf_params(&[SERVER_NAME]);
    authority.is_ca = ca_params("").is_ca;
    let (leaf, authority) = (signed(&leaf_params(&[SERVER_NAME])), signed(&authority));
    let (itself, authority_pem) = (leaf.chain_pem.clone(), authority.chain_pem.clone());
    let server = start("self-signed", &leaf);
    let (id, seen) = ("chain.self_signed", "CN=db.example.test");
    let cases = vec![
        (leaf.sending(&[&itself]), Case::new("its own root", &itself).finds(id, seen)),
        (authority, Case::new("an authority", &authority_pem).finds(id, seen)),
        (
            leaf,
            Case::new("unknown", &other)
                .finds("chain.untrusted", "CN=db.example.test")
                .finds(id, seen)
                .says(REFUSED),
        ),
    ];
    hold(&server, cases).await;
}

/// OpenSSL takes a hundred certificates and 100 KiB of them.
#[tokio::test]
async fn long_chains() {
    let root = Root::new("root");
    let pem = root.pem();
    let chain = |length: usize, padding: usize| {
        let subordinates = (0..length).map(|place| {
            let mut params = ca_params(&format!("subordinate {place}"));
            let oid = &[1, 3, 6, 1, 4, 1, 99_999];
            let filler = CustomExtension::from_oid_content(oid, vec![0; padding]);
            params.custom_extensions.push(filler);
            params
        });
        let key = KeyPair::generate().unwrap();
        root.issue_below(subordinates.collect(), &key, &leaf_params(&[SERVER_NAME]))
    };
    let server = start("long", &chain(1, 0));
    let case = |what| Case::new(what, &pem);
    let cases = vec![
        (chain(11, 0), case("11 intermediates").finds("chain.long", "12 certificates")),
        (
            chain(4, 20_000),
            case("more than 64 KiB")
                .finds("chain.big", "80 KiB")
                .finds("chain.key_unproved", "no handshake was completed")
                .says("Verify-full works, plaintext is refused; 1 critical finding."),
        ),
        (
            chain(6, 20_000),
            case("more than 100 KiB")
                .finds("chain.big", "120 KiB")
                .finds("chain.long", "7 certificates")
                .finds("chain.key_unproved", "no handshake was completed")
                .says(REFUSED),
        ),
    ];
    hold(&server, cases).await;
    // It is encrypted with TLS 1.3, and the survey's own client does not take it.
    server.reconfigure(&chain(4, 20_000), TLS_ONLY, "ssl_min_protocol_version = 'TLSv1.3'");
    let unseen = case("more than 64 KiB, with TLS 1.3 alone")
        .finds("chain.unseen", "HandshakePayloadTooLarge")
        .says("Whether verify-full works is not known, plaintext is refused.")
        .unknown(&["allow", "prefer", "require", "verify-ca", "verify-full"]);
    let wrong = unseen.hold(server.addr).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// OpenSSL's security level of most distributions would not let a server serve all of these.
#[tokio::test]
async fn keys_and_signatures() {
    let (root, rsa_root) = (Root::new("root"), Root::with_key("root", &RSA));
    let ed_root = Root::with_key("root", &ED25519);
    let (pem, rsa_pem, ed_pem) = (root.pem(), rsa_root.pem(), ed_root.pem());
    let good = root.issue(&leaf_params(&[SERVER_NAME]));
    let server = Server::start_lenient("keys", &good, TLS_ONLY, STRONG);
    server.set_passwords();
    let small = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
    let pss = ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"];
    let padded = ["-sha256", "-sigopt", "rsa_padding_mode:pss"];
    // What such a level also allows.
    let sha1 = "signature.sha1";
    let case = |what| Case::new(what, &pem);
    let cases = vec![
        (good, case("in order").finds(sha1, "ecdsa_sha1")),
        (
            rsa_root.forge(&RSA, &["-sha1"]),
            Case::new("SHA-1", &rsa_pem)
                .finds("chain.weak_signature", "CN=db.example.test: sha1WithRSAEncryption")
                .finds(sha1, "rsa_pkcs1_sha1")
                .says(REFUSED),
        ),
        (
            root.forge(&RSA, &["-sha1"]),
            case("ECDSA with SHA-1")
                .finds("chain.weak_signature", "CN=db.example.test: ecdsa-with-SHA1")
                .finds(sha1, "rsa_pkcs1_sha1")
                .says(REFUSED),
        ),
        (
            root.forge(&small, &["-sha256"]),
            case("RSA 1024")
                .finds("chain.weak_key", "CN=db.example.test: RSA, 1024 bits")
                .finds(sha1, "rsa_pkcs1_sha1")
                .finds("chain.key_unproved", "an RSA key of 1024 bits is not checked here")
                .says(REFUSED),
        ),
        (
            root.forge(&pss, &["-sha256"]),
            case("a key for PSS").finds("chain.key_kind", "RSA-PSS, 2048 bits"),
        ),
        (
            rsa_root.forge(&RSA, &[&padded[..], &["-sigopt", "rsa_pss_saltlen:digest"]].concat()),
            Case::new("signed with PSS", &rsa_pem).finds(sha1, "rsa_pkcs1_sha1"),
        ),
        (
            rsa_root.forge(&RSA, &padded),
            Case::new("signed with PSS and a long salt", &rsa_pem)
                .finds(sha1, "rsa_pkcs1_sha1")
                .finds("chain.signature_kind", "rsassaPss")
                .says("Whether verify-full works is not known, plaintext is refused.")
                .unknown(&["allow", "prefer", "require", "verify-ca", "verify-full"]),
        ),
        (root.forge(&ED25519, &["-sha256"]), case("Ed25519").finds("chain.key_kind", "Ed25519")),
        (
            ed_root.forge(&ED25519, &[]),
            Case::new("Ed25519 throughout", &ed_pem)
                .finds("auth.binding_undefined", "ED25519")
                .finds("chain.key_kind", "Ed25519")
                .says(REFUSED),
        ),
    ];
    hold(&server, cases).await;
}
