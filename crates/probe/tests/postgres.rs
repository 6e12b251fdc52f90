//! The probe against a real PostgreSQL, with the openssl command as the second opinion.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are shared as a module"
)]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use common::WITHIN;
use common::pki::{Leaf, Root, SERVER_NAME, now};
use common::server::Server;
use pgkeep_probe::{
    AuthMethod, Certificate, Distrust, Endpoint, Expected, Plaintext, PlaintextAnswer,
    PlaintextPolicy, ProofError, Seen, TlsVersion, Trust, VersionAnswer, Versions, fingerprint,
    handshake, offers, plaintext, prove,
};

const OPEN: &str = "host all all all scram-sha-256";
const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const TLS_1_0_TO_1_2: &str = "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = \
                              'TLSv1.2'\nssl_ciphers = 'ALL:@SECLEVEL=0'";
const TLS_1_1: &str = "ssl_min_protocol_version = 'TLSv1.1'\nssl_max_protocol_version = \
                       'TLSv1.1'\nssl_ciphers = 'ALL:@SECLEVEL=0'";
const CBC_ONLY: &str = "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = \
                        'ECDHE-ECDSA-AES128-SHA256'";

fn endpoint(server: &Server) -> Endpoint {
    Endpoint {
        addr: server.addr,
        server_name: SERVER_NAME.into(),
    }
}

fn expected(root: &Root, leaf: &Leaf, policy: PlaintextPolicy) -> Expected {
    let (user, database) = ("admin".into(), "postgres".into());
    Expected {
        leaf_fingerprint: fingerprint(&leaf.der),
        roots_pem: root.pem(),
        judged_at: now(),
        plaintext: Plaintext {
            policy,
            user,
            database,
        },
        min_version: Some(TlsVersion::Tls12),
        max_version: Some(TlsVersion::Tls13),
    }
}

async fn proof(server: &Server, expected: &Expected) -> Result<Seen, ProofError> {
    prove(&endpoint(server), expected, WITHIN).await
}

fn openssl(args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

fn s_client(server: &Server, version: &str) -> String {
    let addr = server.addr.to_string();
    openssl(
        &[
            "s_client",
            "-starttls",
            "postgres",
            "-connect",
            &addr,
            version,
            "-brief",
        ],
        b"",
    )
}

#[tokio::test]
async fn a_handshake_shows_what_openssl_shows() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME, "127.0.0.1"], 2035);
    let server = Server::start("shows", &leaf, TLS_ONLY, "");
    let trust = Some(Trust {
        roots_pem: &root.pem(),
        judged_at: now(),
    });
    for (version, flag) in [
        (TlsVersion::Tls12, "-tls1_2"),
        (TlsVersion::Tls13, "-tls1_3"),
    ] {
        let versions = Versions {
            min: Some(version),
            max: Some(version),
        };
        let seen = handshake(server.addr, SERVER_NAME, trust, versions, WITHIN)
            .await
            .unwrap();
        assert_eq!(
            (seen.protocol, seen.alpn, seen.completed),
            (version, false, true)
        );
        // PostgreSQL up to 17 has one curve, and prime256v1 is its default.
        assert_eq!(seen.group, Some("secp256r1"));
        assert_eq!(
            (seen.verdict.chain, seen.verdict.name),
            (Some(Ok(())), Ok(()))
        );
        assert_eq!(seen.chain.len(), 2);

        let addr = server.addr.to_string();
        let told = openssl(
            &["s_client", "-starttls", "postgres", "-connect", &addr, flag],
            b"",
        );
        let line = format!("{version}, Cipher is {}", seen.cipher.openssl);
        assert!(told.contains(&line), "{line} is not in {told}");
        let print = openssl(
            &["x509", "-noout", "-fingerprint", "-sha256"],
            told.as_bytes(),
        );
        let print = print
            .trim()
            .split_once('=')
            .unwrap()
            .1
            .replace(':', "")
            .to_lowercase();
        assert_eq!(seen.leaf_fingerprint, print);
    }
    let shown = Certificate::from_der(&leaf.der).unwrap();
    assert_eq!(shown.common_name.as_deref(), Some(SERVER_NAME));
    assert_eq!(shown.alternative_names, [SERVER_NAME, "127.0.0.1"]);
    assert_eq!(shown.issuer, "CN=subordinate");
    assert_eq!(shown.not_after.year(), 2035);
}

#[tokio::test]
async fn plaintext_is_refused_asked_for_a_password_or_let_in() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("plaintext", &leaf, TLS_ONLY, "");
    let answer = plaintext(server.addr, "admin", "postgres", WITHIN)
        .await
        .unwrap();
    let PlaintextAnswer::RefusedBeforeAuthentication(error) = &answer else {
        panic!("{answer}")
    };
    assert!(error.message.starts_with("no pg_hba.conf entry"), "{error}");
    assert_eq!(server.drain_log().len(), 1);

    let sasl = AuthMethod::Sasl(vec!["SCRAM-SHA-256".into()]);
    let cases = [
        ("host all all all scram-sha-256", sasl),
        ("host all all all password", AuthMethod::CleartextPassword),
        ("host all all all trust", AuthMethod::None),
    ];
    for (hba, method) in cases {
        server.reconfigure(&leaf, hba, "");
        let answer = plaintext(server.addr, "admin", "postgres", WITHIN)
            .await
            .unwrap();
        assert_eq!(answer, PlaintextAnswer::ReachesAuthentication { method });
        assert_eq!(server.drain_log(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn versions_are_offered_one_by_one() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("versions", &leaf, TLS_ONLY, "");
    let answers = async || {
        let mut answers = Vec::new();
        for version in TlsVersion::ALL {
            answers.push(offers(server.addr, version, WITHIN).await.unwrap());
        }
        answers
    };
    let refused = VersionAnswer::Refused { alert: 70 };
    let accepted = |answer: &VersionAnswer| matches!(answer, VersionAnswer::Accepted { .. });
    let default = answers().await;
    assert_eq!(default[..2], [refused, refused]);
    assert!(default[2..].iter().all(accepted), "{default:?}");

    server.reconfigure(&leaf, TLS_ONLY, TLS_1_0_TO_1_2);
    let old = answers().await;
    assert!(old[..3].iter().all(accepted), "{old:?}");
    assert_eq!(old[3], refused);

    server.reconfigure(&leaf, TLS_ONLY, TLS_1_1);
    let one = answers().await;
    assert_eq!((one[0], one[3]), (refused, refused));
    assert!(accepted(&one[1]), "{one:?}");
    assert!(
        matches!(
            one[2],
            VersionAnswer::Lower {
                version: TlsVersion::Tls11,
                ..
            }
        ),
        "{one:?}"
    );
    assert!(s_client(&server, "-tls1_3").is_empty());
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
    assert!(
        lines.iter().all(|line| !line.contains("ERROR:")),
        "{lines:#?}"
    );

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
    assert!(matches!(
        proof(&server, &other).await,
        Err(ProofError::Fingerprint { .. })
    ));

    let stranger = expected(&Root::new("stranger"), &leaf, PlaintextPolicy::Refused);
    let error = proof(&server, &stranger).await.unwrap_err();
    assert!(matches!(
        error,
        ProofError::Chain {
            source: Distrust::UnknownIssuer,
            ..
        }
    ));

    let elsewhere = Endpoint {
        server_name: "other.example.test".into(),
        ..endpoint(&server)
    };
    let error = prove(&elsewhere, &wanted, WITHIN).await.unwrap_err();
    let ProofError::Name {
        source: Distrust::WrongName { names },
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(names, [SERVER_NAME]);

    let early = Expected {
        judged_at: rcgen::date_time_ymd(2019, 1, 1),
        ..wanted
    };
    let error = proof(&server, &early).await.unwrap_err();
    assert!(matches!(
        error,
        ProofError::Chain {
            source: Distrust::NotYetValid,
            ..
        }
    ));

    let old_leaf = root.issue_leaf(&[SERVER_NAME], 2029);
    server.reconfigure(&old_leaf, TLS_ONLY, "");
    let old = expected(&root, &old_leaf, PlaintextPolicy::Refused);
    let error = proof(&server, &old).await.unwrap_err();
    assert!(matches!(
        error,
        ProofError::Chain {
            source: Distrust::Expired,
            ..
        }
    ));
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
    let (tls11, tls12, tls13) = (
        Some(TlsVersion::Tls11),
        Some(TlsVersion::Tls12),
        Some(TlsVersion::Tls13),
    );
    let error = proof(&server, &versions(tls13, None)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ProofError::BelowMinimum {
                seen: TlsVersion::Tls12,
                ..
            }
        ),
        "{error}"
    );
    let error = proof(&server, &versions(tls12, tls12)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ProofError::Protocol {
                seen: TlsVersion::Tls13,
                ..
            }
        ),
        "{error}"
    );

    server.reconfigure(&leaf, TLS_ONLY, "ssl_min_protocol_version = 'TLSv1.3'");
    let seen = proof(&server, &versions(tls13, None)).await.unwrap();
    assert_eq!(seen.refused_version, tls12);

    server.reconfigure(&leaf, TLS_ONLY, "ssl_max_protocol_version = 'TLSv1.2'");
    let seen = proof(&server, &versions(tls12, tls12)).await.unwrap();
    assert_eq!(
        (seen.handshake.protocol, seen.refused_version),
        (TlsVersion::Tls12, tls11)
    );
    let error = proof(&server, &versions(tls13, None)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ProofError::Protocol {
                seen: TlsVersion::Tls12,
                ..
            }
        ),
        "{error}"
    );

    for (settings, min, max, protocol) in [
        (TLS_1_1, tls11, tls11, TlsVersion::Tls11),
        (CBC_ONLY, tls12, tls12, TlsVersion::Tls12),
    ] {
        server.reconfigure(&leaf, TLS_ONLY, settings);
        let seen = proof(&server, &versions(min, max)).await.unwrap().handshake;
        assert_eq!((seen.protocol, seen.completed), (protocol, false));
        assert!(
            seen.cipher.openssl.starts_with("ECDHE-ECDSA"),
            "{:?}",
            seen.cipher
        );
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
    assert!(
        text.contains("but is let in as far as SCRAM-SHA-256"),
        "{text}"
    );

    server.reconfigure(&leaf, OPEN, "ssl = off");
    let error = proof(&server, &expected(&root, &leaf, PlaintextPolicy::Accepted)).await;
    assert!(matches!(error, Err(ProofError::Unanswered(..))));
}
