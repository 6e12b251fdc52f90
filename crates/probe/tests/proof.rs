//! Proofs against a real PostgreSQL: each expectation met, and each one not met.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers, shared as a module, are not all used"
)]

mod common;

use std::time::Instant;

use common::WITHIN;
use common::pki::{Leaf, Root, SERVER_NAME, now};
use common::server::Server;
use pgkeep_probe::{
    Distrust, Endpoint, Expected, Plaintext, PlaintextPolicy, ProofError, Seen, TlsVersion,
    fingerprint, prove,
};

const OPEN: &str = "host all all all scram-sha-256";
const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const TLS_1_1: &str = "ssl_min_protocol_version = 'TLSv1.1'\nssl_max_protocol_version = \
                       'TLSv1.1'\nssl_ciphers = 'ALL:@SECLEVEL=0'";
const CBC_ONLY: &str = "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = \
                        'ECDHE-ECDSA-AES128-SHA256'";

fn endpoint(server: &Server) -> Endpoint {
    Endpoint { addr: server.addr, server_name: SERVER_NAME.into() }
}

fn expected(root: &Root, leaf: &Leaf, policy: PlaintextPolicy) -> Expected {
    let (user, database) = ("admin".into(), "postgres".into());
    Expected {
        leaf_fingerprint: fingerprint(&leaf.der),
        roots_pem: root.pem(),
        judged_at: now(),
        plaintext: Plaintext { policy, user, database },
        min_version: Some(TlsVersion::Tls12),
        max_version: Some(TlsVersion::Tls13),
    }
}

async fn proof(server: &Server, expected: &Expected) -> Result<Seen, ProofError> {
    prove(&endpoint(server), expected, WITHIN).await
}

#[tokio::test]
async fn a_proof_is_quick_and_leaves_three_lines() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("quick", &leaf, TLS_ONLY, "");
    let wanted = expected(&root, &leaf, PlaintextPolicy::Refused);
    proof(&server, &wanted).await.unwrap();
    let lines = server.drain_log();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("ERROR:")), "{lines:#?}");

    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        proof(&server, &wanted).await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    eprintln!("a proof takes {:?}, at most {:?}", times[10], times[19]);

    server.reconfigure(&leaf, OPEN, "");
    let mut silent = expected(&root, &leaf, PlaintextPolicy::Accepted);
    silent.min_version = None;
    let seen = proof(&server, &silent).await.unwrap();
    assert_eq!(seen.handshake.protocol, TlsVersion::Tls13);
    assert_eq!(server.drain_log(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proof_holds_the_certificate_to_what_was_intended() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("certificate", &leaf, TLS_ONLY, "");
    let wanted = expected(&root, &leaf, PlaintextPolicy::Refused);

    let other_leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let other = expected(&root, &other_leaf, PlaintextPolicy::Refused);
    assert!(matches!(proof(&server, &other).await, Err(ProofError::Fingerprint { .. })));

    let stranger = expected(&Root::new("stranger"), &leaf, PlaintextPolicy::Refused);
    let error = proof(&server, &stranger).await.unwrap_err();
    assert!(matches!(error, ProofError::Chain { source: Distrust::UnknownIssuer, .. }));

    let elsewhere = Endpoint { server_name: "other.example.test".into(), ..endpoint(&server) };
    let error = prove(&elsewhere, &wanted, WITHIN).await.unwrap_err();
    let ProofError::Name { source: Distrust::WrongName { names }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(names, [SERVER_NAME]);

    let early = Expected { judged_at: rcgen::date_time_ymd(2019, 1, 1), ..wanted };
    let error = proof(&server, &early).await.unwrap_err();
    assert!(matches!(error, ProofError::Chain { source: Distrust::NotYetValid, .. }));

    let old_leaf = root.issue_leaf(&[SERVER_NAME], 2029);
    server.reconfigure(&old_leaf, TLS_ONLY, "");
    let old = expected(&root, &old_leaf, PlaintextPolicy::Refused);
    let error = proof(&server, &old).await.unwrap_err();
    assert!(matches!(error, ProofError::Chain { source: Distrust::Expired, .. }));
}

#[tokio::test]
async fn a_proof_holds_the_versions_to_what_was_intended() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("range", &leaf, TLS_ONLY, "");
    let versions = |min_version, max_version| Expected {
        min_version,
        max_version,
        ..expected(&root, &leaf, PlaintextPolicy::Refused)
    };
    let (tls11, tls12, tls13) =
        (Some(TlsVersion::Tls11), Some(TlsVersion::Tls12), Some(TlsVersion::Tls13));
    let error = proof(&server, &versions(tls13, None)).await.unwrap_err();
    assert!(matches!(error, ProofError::BelowMinimum { seen: TlsVersion::Tls12, .. }), "{error}");
    let error = proof(&server, &versions(tls12, tls12)).await.unwrap_err();
    assert!(matches!(error, ProofError::Protocol { seen: TlsVersion::Tls13, .. }), "{error}");

    server.reconfigure(&leaf, TLS_ONLY, "ssl_min_protocol_version = 'TLSv1.3'");
    let seen = proof(&server, &versions(tls13, None)).await.unwrap();
    assert_eq!(seen.refused_version, tls12);

    server.reconfigure(&leaf, TLS_ONLY, "ssl_max_protocol_version = 'TLSv1.2'");
    let seen = proof(&server, &versions(tls12, tls12)).await.unwrap();
    assert_eq!((seen.handshake.protocol, seen.refused_version), (TlsVersion::Tls12, tls11));
    let error = proof(&server, &versions(tls13, None)).await.unwrap_err();
    assert!(matches!(error, ProofError::Protocol { seen: TlsVersion::Tls12, .. }), "{error}");

    for (settings, min, max, protocol) in
        [(TLS_1_1, tls11, tls11, TlsVersion::Tls11), (CBC_ONLY, tls12, tls12, TlsVersion::Tls12)]
    {
        server.reconfigure(&leaf, TLS_ONLY, settings);
        let seen = proof(&server, &versions(min, max)).await.unwrap().handshake;
        assert_eq!((seen.protocol, seen.completed), (protocol, false));
        assert!(seen.cipher.openssl.starts_with("ECDHE-ECDSA"), "{:?}", seen.cipher);
    }
}

#[tokio::test]
async fn a_proof_holds_plaintext_to_what_was_intended() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("policy", &leaf, TLS_ONLY, "");
    let error = proof(&server, &expected(&root, &leaf, PlaintextPolicy::Accepted)).await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("let in to authenticate") && text.contains("refused: no pg_hba"),
        "{text}"
    );

    server.reconfigure(&leaf, OPEN, "");
    let error = proof(&server, &expected(&root, &leaf, PlaintextPolicy::Refused)).await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains("but is let in as far as SCRAM-SHA-256"), "{text}");

    server.reconfigure(&leaf, OPEN, "ssl = off");
    let error = proof(&server, &expected(&root, &leaf, PlaintextPolicy::Accepted)).await;
    assert!(matches!(error, Err(ProofError::Unanswered(..))));
}
