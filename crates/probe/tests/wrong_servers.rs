//! Servers whose TLS or access is configured wrongly: each is found fault with for what it is and
//! for nothing else, and psql does what is foretold.
//!
//! RC4 and 3DES are in `wrong_answers.rs`: no build of OpenSSL at hand has them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are shared as a module"
)]

mod common;

use common::case::Case;
use common::pki::{Leaf, Root, SERVER_NAME, leaf_params};
use common::server::Server;

const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const STRONG: &str = "ssl_ciphers = 'ECDHE+AESGCM'";
const WORKS: &str = "Verify-full works, plaintext is refused; 1 critical finding.";
const OPEN: &str = "Verify-full works, plaintext is let in; 1 critical finding.";
const NO_TLS13: &str = "version.no_tls13";
const STATIC_RSA: &str = "suite.static_rsa";
const UNPROVED: &str = "chain.key_unproved";

fn start(test: &str, leaf: &Leaf) -> Server {
    let server = Server::start(test, leaf, TLS_ONLY, STRONG);
    server.set_passwords();
    server
}

/// Holds cases, each with lines of postgresql.conf and of `pg_hba.conf`.
async fn hold(server: &Server, leaf: &Leaf, cases: Vec<(String, &str, Case<'_>)>) {
    let mut wrong = Vec::new();
    for (settings, hba, case) in cases {
        server.reconfigure(leaf, hba, &settings);
        wrong.extend(case.hold(server.addr).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Versions and suites that any client or none may speak.
fn speaking(min: &str, max: &str, suites: &str) -> String {
    format!(
        "ssl_min_protocol_version = '{min}'\nssl_max_protocol_version = '{max}'\n\
         ssl_ciphers = '{suites}:@SECLEVEL=0'"
    )
}

#[tokio::test]
async fn versions() {
    let root = Root::new("root");
    let pem = root.pem();
    let leaf = root.issue_rsa_leaf(&[SERVER_NAME]);
    let server = start("versions", &leaf);
    let case = |what| Case::new(what, &pem);
    let tls12 = |suites| speaking("TLSv1.2", "TLSv1.2", suites);
    let cases = vec![
        (STRONG.to_owned(), TLS_ONLY, case("in order")),
        (speaking("TLSv1.3", "TLSv1.3", "ALL"), TLS_ONLY, case("TLS 1.3 alone")),
        (
            tls12("ECDHE+AESGCM"),
            TLS_ONLY,
            case("TLS 1.2 alone").finds("signature.sha1", "").finds(NO_TLS13, "TLSv1.2"),
        ),
        (
            speaking("TLSv1", "TLSv1.3", "ECDHE+AES"),
            TLS_ONLY,
            case("TLS 1.0 and 1.1 too")
                .finds("version.old", "TLSv1, TLSv1.1")
                .finds("signature.sha1", "rsa_pkcs1_sha1")
                .finds("suite.cbc_sha1", "ECDHE-RSA-AES256-SHA, ECDHE-RSA-AES128-SHA"),
        ),
        (
            speaking("TLSv1", "TLSv1.1", "ECDHE+AES"),
            TLS_ONLY,
            case("TLS 1.0 and 1.1 alone")
                .finds("version.below_clients", "TLSv1.1")
                .finds("version.old", "TLSv1, TLSv1.1")
                .finds(UNPROVED, "no handshake was completed")
                .finds("suite.cbc_sha1", "ECDHE-RSA-AES256-SHA, ECDHE-RSA-AES128-SHA")
                .says("Verify-full is refused, plaintext is refused; 1 critical finding."),
        ),
    ];
    hold(&server, &leaf, cases).await;
}

#[tokio::test]
async fn suites() {
    let root = Root::new("root");
    let pem = root.pem();
    let leaf = root.issue_rsa_leaf(&[SERVER_NAME]);
    let server = start("suites", &leaf);
    let case = |what| Case::new(what, &pem);
    let tls12 = |suites| speaking("TLSv1.2", "TLSv1.2", suites);
    let cases = vec![
        (
            tls12("AES256-GCM-SHA384"),
            TLS_ONLY,
            case("static RSA")
                .finds(UNPROVED, "no handshake was completed")
                .finds(NO_TLS13, "TLSv1.2")
                .finds(STATIC_RSA, "AES256-GCM-SHA384"),
        ),
        (
            tls12("eNULL:!aNULL"),
            TLS_ONLY,
            case("no encryption")
                .finds("suite.null", "ECDHE-RSA-NULL-SHA, NULL-SHA256, NULL-SHA, NULL-MD5")
                .finds("signature.sha1", "")
                .finds(UNPROVED, "no handshake was completed")
                .finds(NO_TLS13, "TLSv1.2")
                .finds(STATIC_RSA, "NULL-SHA256, NULL-SHA, NULL-MD5")
                .says("Verify-full is refused, plaintext is refused; 1 critical finding."),
        ),
        (
            tls12("aNULL:!eNULL"),
            TLS_ONLY,
            case("anonymous")
                .finds("chain.none", "no certificate with any suite")
                .finds("suite.anonymous", "ADH-AES256-GCM-SHA384")
                .finds(NO_TLS13, "TLSv1.2")
                .finds("suite.cbc_sha1", "AECDH-AES256-SHA, ")
                .finds("suite.outdated", "ADH-CAMELLIA256-SHA256, ")
                .says("Verify-full is refused, plaintext is refused; 2 critical findings."),
        ),
        (
            tls12("ECDHE+ARIAGCM:ECDHE+CAMELLIA"),
            TLS_ONLY,
            case("ARIA and Camellia alone")
                .finds("signature.sha1", "")
                .finds(UNPROVED, "no handshake was completed")
                .finds(NO_TLS13, "TLSv1.2")
                .finds("suite.outdated", "ECDHE-ARIA256-GCM-SHA384, ECDHE-ARIA128-GCM-SHA256")
                .says("Verify-full is refused, plaintext is refused."),
        ),
        (
            tls12("ECDHE-ECDSA-AES256-GCM-SHA384"),
            TLS_ONLY,
            case("suites for another key")
                .finds("tls.no_version", "offered: SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3")
                .says("Verify-full is refused, plaintext is refused; 1 critical finding."),
        ),
        (
            format!("{STRONG}\nssl_prefer_server_ciphers = off"),
            TLS_ONLY,
            case("the client's order").finds("suite.client_order", "TLSv1.2"),
        ),
    ];
    hold(&server, &leaf, cases).await;
}

#[tokio::test]
async fn methods_of_authentication() {
    let root = Root::new("root");
    let pem = root.pem();
    let leaf = root.issue(&leaf_params(&[SERVER_NAME]));
    let server = start("methods", &leaf);
    let case = |what| Case::new(what, &pem);
    let strong = || STRONG.to_owned();
    let cases = vec![
        (
            strong(),
            "hostssl all all all md5",
            case("md5").user("elder").finds("auth.md5", "inside TLS"),
        ),
        (
            strong(),
            "host all all all md5",
            case("md5 without TLS")
                .user("elder")
                .finds("plaintext.accepted", "let in as far as an md5 password")
                .finds("auth.password_at_risk", "an md5 password")
                .finds("auth.md5", "inside TLS")
                .says("Verify-full works, plaintext is let in; 2 critical findings."),
        ),
        (
            strong(),
            "hostssl all all all password",
            case("the password as it is").finds("auth.cleartext", "inside TLS"),
        ),
        (
            strong(),
            "host all all all password",
            case("the password as it is, without TLS")
                .finds("plaintext.accepted", "let in as far as a cleartext password")
                .finds("auth.password_at_risk", "a cleartext password")
                .finds("auth.cleartext", "inside TLS")
                .says("Verify-full works, plaintext is let in; 2 critical findings."),
        ),
        (
            strong(),
            "hostssl all all all trust",
            case("no password").finds("auth.none", "inside TLS").says(WORKS),
        ),
        (
            strong(),
            "host all all all trust",
            case("no password, without TLS")
                .finds("plaintext.accepted", "let in as far as no password")
                .finds("auth.none", "with TLS and without")
                .says("Verify-full works, plaintext is let in; 2 critical findings."),
        ),
    ];
    hold(&server, &leaf, cases).await;
}

#[tokio::test]
async fn who_gets_in() {
    let root = Root::new("root");
    let pem = root.pem();
    let leaf = root.issue(&leaf_params(&[SERVER_NAME]));
    let server = start("access", &leaf);
    let case = |what| Case::new(what, &pem);
    let strong = || STRONG.to_owned();
    let demanding = || format!("{STRONG}\nssl_ca_file = 'server.crt'");
    let cases = vec![
        (
            strong(),
            "host all all all scram-sha-256",
            case("plaintext")
                .finds("plaintext.accepted", "let in as far as SCRAM-SHA-256")
                .says(OPEN),
        ),
        (
            strong(),
            "hostnossl all all all scram-sha-256",
            case("plaintext alone")
                .finds("plaintext.accepted", "let in as far as SCRAM-SHA-256")
                .finds("auth.refused", "no pg_hba.conf entry")
                .says("Verify-full is refused, plaintext is let in; 1 critical finding."),
        ),
        (
            strong(),
            "hostssl all other all scram-sha-256",
            case("another role")
                .finds("auth.refused", "SSL encryption")
                .says("Verify-full is refused, plaintext is refused."),
        ),
        (
            demanding(),
            "hostssl all all all cert",
            case("a client certificate")
                .finds("auth.refused", "connection requires a valid client certificate")
                .says("Verify-full is refused, plaintext is refused."),
        ),
        (
            demanding(),
            "hostssl all all all scram-sha-256 clientcert=verify-ca",
            case("a client certificate and a password")
                .finds("auth.refused", "connection requires a valid client certificate")
                .says("Verify-full is refused, plaintext is refused."),
        ),
        (
            "ssl = off".to_owned(),
            "host all all all scram-sha-256",
            case("no TLS")
                .finds("tls.declined", "N: the server has no TLS")
                .finds("plaintext.accepted", "let in as far as SCRAM-SHA-256")
                .says("No TLS: everything goes in the clear."),
        ),
        (
            "ssl = off".to_owned(),
            "host all other all scram-sha-256",
            case("no TLS, nobody let in")
                .finds("tls.declined", "N: the server has no TLS")
                .says("No TLS: everything goes in the clear."),
        ),
    ];
    hold(&server, &leaf, cases).await;
}
