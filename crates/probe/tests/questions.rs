//! What the probe sees of a real PostgreSQL, with the openssl command as the second opinion.

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

use common::WITHIN;
use common::pki::{Root, SERVER_NAME, now};
use common::server::Server;
use pgkeep_probe::{
    AuthMethod, Certificate, PlaintextAnswer, TlsVersion, Trust, VersionAnswer, Versions,
    handshake, offers, plaintext,
};

const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const TLS_1_0_TO_1_2: &str = "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = \
                              'TLSv1.2'\nssl_ciphers = 'ALL:@SECLEVEL=0'";
const TLS_1_1: &str = "ssl_min_protocol_version = 'TLSv1.1'\nssl_max_protocol_version = \
                       'TLSv1.1'\nssl_ciphers = 'ALL:@SECLEVEL=0'";

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

/// What the openssl command shows of a server, with a client of one version only.
fn s_client(server: &Server, version: TlsVersion) -> String {
    let flag = match version {
        TlsVersion::Tls10 => "-tls1",
        TlsVersion::Tls11 => "-tls1_1",
        TlsVersion::Tls12 => "-tls1_2",
        TlsVersion::Tls13 => "-tls1_3",
    };
    let addr = server.addr.to_string();
    let connect = ["s_client", "-starttls", "postgres", "-connect", &addr, flag];
    openssl(&[&connect[..], &["-cipher", "ALL:@SECLEVEL=0"]].concat(), b"")
}

/// The versions that the probe sees accepted. The openssl command has to see the same.
async fn accepted(server: &Server) -> Vec<TlsVersion> {
    let mut accepted = Vec::new();
    for version in TlsVersion::ALL {
        let answer = offers(server.addr, version, WITHIN).await.unwrap();
        let told = s_client(server, version);
        let is_accepted = matches!(answer, VersionAnswer::Accepted { .. });
        assert_eq!(is_accepted, !told.contains("Cipher is (NONE)"), "{answer:?} but {told}");
        accepted.extend(is_accepted.then_some(version));
    }
    accepted
}

#[tokio::test]
async fn a_handshake_shows_what_openssl_shows() {
    let root = Root::new("root");
    let leaf = root.issue_rsa_leaf(&[SERVER_NAME, "127.0.0.1"]);
    let server = Server::start("shows", &leaf, TLS_ONLY, "");
    let trust = Some(Trust { roots_pem: &root.pem(), judged_at: now() });
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let versions = Versions { min: Some(version), max: Some(version) };
        let seen = handshake(server.addr, SERVER_NAME, trust, versions, WITHIN).await.unwrap();
        assert_eq!((seen.protocol, seen.completed), (version, true));
        // PostgreSQL up to 17 has one curve, and prime256v1 is its default.
        assert_eq!(seen.group, Some("secp256r1"));
        assert_eq!((seen.verdict.chain, seen.verdict.name), (Some(Ok(())), Ok(())));
        assert_eq!(seen.chain.len(), 2);

        let told = s_client(&server, version);
        let line = format!("{version}, Cipher is {}", seen.cipher.openssl);
        assert!(told.contains(&line), "{line} is not in {told}");
        let print = openssl(&["x509", "-noout", "-fingerprint", "-sha256"], told.as_bytes());
        let print = print.trim().split_once('=').unwrap().1.replace(':', "");
        assert_eq!(seen.leaf_fingerprint, print.to_lowercase());
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
    let answer = plaintext(server.addr, "admin", "postgres", WITHIN).await.unwrap();
    let PlaintextAnswer::RefusedBeforeAuthentication(error) = &answer else { panic!("{answer}") };
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
        let answer = plaintext(server.addr, "admin", "postgres", WITHIN).await.unwrap();
        assert_eq!(answer, PlaintextAnswer::ReachesAuthentication { method });
        assert_eq!(server.drain_log(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn versions_are_offered_one_by_one() {
    let root = Root::new("root");
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("versions", &leaf, TLS_ONLY, "");
    assert_eq!(accepted(&server).await, [TlsVersion::Tls12, TlsVersion::Tls13]);
    let refused = offers(server.addr, TlsVersion::Tls10, WITHIN).await.unwrap();
    assert_eq!(refused, VersionAnswer::Refused { alert: 70 });

    server.reconfigure(&leaf, TLS_ONLY, TLS_1_0_TO_1_2);
    assert_eq!(accepted(&server).await, TlsVersion::ALL[..3]);

    server.reconfigure(&leaf, TLS_ONLY, TLS_1_1);
    assert_eq!(accepted(&server).await, [TlsVersion::Tls11]);
    let lower = offers(server.addr, TlsVersion::Tls12, WITHIN).await.unwrap();
    assert!(matches!(lower, VersionAnswer::Lower { version: TlsVersion::Tls11, .. }), "{lower:?}");
}
