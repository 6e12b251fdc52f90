//! Servers in between, that end TLS: the session's own view and the binding of the login to the
//! certificate give them away, and psql does what is foretold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are shared as a module"
)]

mod common;

use common::WITHIN;
use common::case::Case;
use common::pki::{Root, SERVER_NAME, leaf_params};
use common::proxy;
use common::server::Server;
use pgkeep_probe::{ProbeError, Versions, handshake};

const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const STRONG: &str = "ssl_ciphers = 'ECDHE+AESGCM'";
/// Less than what the proxies agree on with their clients.
const TLS12: &str = "ssl_ciphers = 'ECDHE+AESGCM'\nssl_max_protocol_version = 'TLSv1.2'";

#[tokio::test]
async fn proxies_that_end_tls() {
    let root = Root::new("root");
    let pem = root.pem();
    let (own, shown) =
        (root.issue(&leaf_params(&[SERVER_NAME])), root.issue(&leaf_params(&[SERVER_NAME])));
    let server = Server::start("proxies", &own, TLS_ONLY, STRONG);
    server.set_passwords();
    let onwards = proxy::start(server.addr, &shown, &shown.key_pem, Some(&pem)).await;
    let in_the_clear = proxy::start(server.addr, &shown, &shown.key_pem, None).await;
    let mistaken = proxy::start(server.addr, &shown, &own.key_pem, Some(&pem)).await;
    let case = |what| Case::new(what, &pem);
    let refused = "Verify-full is refused, plaintext is refused; 1 critical finding.";
    let works = "Verify-full works, plaintext is refused; 1 critical finding.";
    let cases = vec![
        (server.addr, TLS_ONLY, STRONG, case("none")),
        (
            onwards,
            TLS_ONLY,
            STRONG,
            case("another certificate")
                .finds("session.channel_binding", "channel binding")
                .says(refused),
        ),
        (
            onwards,
            "hostssl all all all md5",
            TLS12,
            case("another version")
                .user("elder")
                .finds("session.differs", "the server says TLSv1.2 ECDHE-ECDSA-AES")
                .finds("auth.md5", "inside TLS")
                .says(works),
        ),
        (
            in_the_clear,
            "host all all all scram-sha-256",
            STRONG,
            case("no TLS behind")
                .finds("plaintext.accepted", "let in as far as SCRAM-SHA-256")
                .finds("session.proxy", "pg_stat_ssl.ssl is false in a session with TLSv1.3")
                .finds("auth.no_channel_binding", "SCRAM-SHA-256")
                .says("Verify-full works, plaintext is let in; 2 critical findings."),
        ),
        (
            in_the_clear,
            TLS_ONLY,
            STRONG,
            case("no TLS behind, where it is demanded")
                .finds("auth.refused", "no encryption")
                .says("Verify-full is refused, plaintext is refused."),
        ),
        (
            mistaken,
            TLS_ONLY,
            STRONG,
            case("the key of another certificate")
                .finds("session.channel_binding", "channel binding")
                .finds("chain.key_wrong", "its signature is of another key")
                .says("Verify-full is refused, plaintext is refused; 2 critical findings."),
        ),
    ];
    let mut wrong = Vec::new();
    for (addr, hba, settings, case) in cases {
        server.reconfigure(&own, hba, settings);
        wrong.extend(case.hold(addr).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let shaken = handshake(mistaken, SERVER_NAME, None, Versions::default(), WITHIN).await;
    assert!(matches!(shaken, Err(ProbeError::Handshake { .. })), "{shaken:?}");
}
