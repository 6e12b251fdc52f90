//! The suites that a real PostgreSQL accepts, with the openssl command as the second opinion: it
//! completes a handshake for each of them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are shared as a module"
)]

mod common;

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use common::WITHIN;
use common::pki::{Leaf, Root, SERVER_NAME};
use common::server::Server;
use pgkeep_probe::{
    AcceptedSuites, ProbeError, TlsVersion, VersionAnswer, accepted_suites, ciphers, offers,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TLS_ONLY: &str = "hostssl all all all scram-sha-256";
const OLD: &str = "ssl_min_protocol_version = 'TLSv1'\nssl_ciphers = 'ALL:@SECLEVEL=0'";
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

async fn names(server: &Server, version: TlsVersion) -> Vec<&'static str> {
    let AcceptedSuites { suites, end } =
        accepted_suites(server.addr, version, WITHIN).await.unwrap();
    assert_eq!(end, Some(VersionAnswer::Refused { alert: HANDSHAKE_FAILURE }));
    suites.iter().map(|suite| suite.openssl).collect()
}

fn openssl(args: &[&str]) -> String {
    let output = Command::new("openssl").args(args).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn flag(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls10 => "-tls1",
        TlsVersion::Tls11 => "-tls1_1",
        TlsVersion::Tls12 => "-tls1_2",
        TlsVersion::Tls13 => "-tls1_3",
    }
}

/// What the openssl command's client can offer with a version, out of the probe's own table.
fn offered_by_openssl(version: TlsVersion) -> Vec<&'static str> {
    let is_tls13 = version == TlsVersion::Tls13;
    let all = ciphers().filter(|suite| suite.is_tls13() == is_tls13).map(|suite| suite.openssl);
    if is_tls13 {
        return all.collect();
    }
    let listed = openssl(&["ciphers", "-s", flag(version), "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]);
    let listed: Vec<_> = listed.trim().split(':').collect();
    assert!(listed.len() > 20, "{listed:?}");
    all.filter(|suite| listed.contains(suite)).collect()
}

/// The suites of the openssl command's handshakes, each out of those that were not chosen yet.
fn enumerated_by_openssl(server: &Server, version: TlsVersion) -> Vec<&'static str> {
    let mut left = offered_by_openssl(version);
    let mut chosen = Vec::new();
    while let Some(suite) = openssl_shakes(server, version, &left.join(":")) {
        let place = left.iter().position(|name| *name == suite).unwrap();
        chosen.push(left.remove(place));
    }
    chosen
}

fn openssl_shakes(server: &Server, version: TlsVersion, list: &str) -> Option<String> {
    let (option, list) = match version {
        TlsVersion::Tls13 => ("-ciphersuites", list.to_owned()),
        _ => ("-cipher", format!("{list}:@SECLEVEL=0")),
    };
    let addr = server.addr.to_string();
    let connect = ["s_client", "-starttls", "postgres", "-connect", &addr];
    let shown = openssl(&[&connect[..], &[flag(version), option, &list]].concat());
    let suite = shown.lines().find_map(|line| Some(line.split_once(", Cipher is ")?.1));
    suite.filter(|suite| *suite != "(NONE)").map(str::to_owned)
}

/// Holds the suites against the openssl command's, for the server as it is configured.
async fn assert_openssl_agrees(server: &Server) {
    for version in TlsVersion::ALL {
        let is_spoken = offers(server.addr, version, WITHIN).await.unwrap();
        if let VersionAnswer::Refused { alert } = is_spoken {
            let found = accepted_suites(server.addr, version, WITHIN).await.unwrap();
            let end = Some(VersionAnswer::Refused { alert });
            assert_eq!((found, alert), (AcceptedSuites { suites: vec![], end }, PROTOCOL_VERSION));
            continue;
        }
        let found = names(server, version).await;
        assert_eq!(found, enumerated_by_openssl(server, version), "{version}");
        assert!(!found.is_empty(), "{version}");
    }
}

/// A key of each kind, and a server that goes from one to the other.
fn leaves() -> [Leaf; 2] {
    let root = Root::new("root");
    [root.issue_rsa_leaf(&[SERVER_NAME]), root.issue_leaf(&[SERVER_NAME], 2035)]
}

#[tokio::test]
async fn each_kind_of_key_has_its_suites() {
    let [rsa, ecdsa] = leaves();
    let server = Server::start("suites", &rsa, TLS_ONLY, "");
    let of_rsa = names(&server, TlsVersion::Tls12).await;
    server.reconfigure(&ecdsa, TLS_ONLY, "");
    let of_ecdsa = names(&server, TlsVersion::Tls12).await;
    assert_openssl_agrees(&server).await;
    assert_eq!(of_rsa[0], "ECDHE-RSA-AES256-GCM-SHA384");
    assert_eq!(of_ecdsa[0], "ECDHE-ECDSA-AES256-GCM-SHA384");
    assert!(of_rsa.iter().all(|suite| !of_ecdsa.contains(suite)));
}

#[tokio::test]
async fn each_version_has_its_suites() {
    let [rsa, ecdsa] = leaves();
    let server = Server::start("old-suites", &rsa, TLS_ONLY, OLD);
    assert_openssl_agrees(&server).await;
    server.reconfigure(&ecdsa, TLS_ONLY, OLD);
    assert_openssl_agrees(&server).await;
}

/// The order is that of `ssl_ciphers` where the server's rules, and of the offer where not.
#[tokio::test]
async fn the_order_is_the_servers() {
    let [rsa, _] = leaves();
    let listed = ["ECDHE-RSA-AES128-SHA256", "AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"];
    let settings = format!("ssl_ciphers = '{}'", listed.join(":"));
    let server = Server::start("order", &rsa, TLS_ONLY, &settings);
    assert_eq!(names(&server, TlsVersion::Tls12).await, listed);
    let settings = settings + "\nssl_prefer_server_ciphers = off";
    server.reconfigure(&rsa, TLS_ONLY, &settings);
    // By code point, the highest first.
    let offered = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256", "AES256-GCM-SHA384"];
    assert_eq!(names(&server, TlsVersion::Tls12).await, offered);
}

#[tokio::test]
async fn an_older_version_ends_the_list() {
    let [rsa, _] = leaves();
    let settings = format!("{OLD}\nssl_max_protocol_version = 'TLSv1.1'");
    let server = Server::start("lower", &rsa, TLS_ONLY, &settings);
    let found = accepted_suites(server.addr, TlsVersion::Tls12, WITHIN).await.unwrap();
    assert_eq!(found.suites, []);
    let lower = found.end.unwrap();
    assert!(matches!(lower, VersionAnswer::Lower { version: TlsVersion::Tls11, .. }), "{lower:?}");
}

/// PostgreSQL takes the setting; OpenSSL 3 has no signature for it at its default security level.
#[tokio::test]
async fn a_version_that_only_the_library_refuses_is_refused() {
    let [rsa, _] = leaves();
    let settings = "ssl_min_protocol_version = 'TLSv1.1'";
    let server = Server::start("library", &rsa, TLS_ONLY, settings);
    let found = accepted_suites(server.addr, TlsVersion::Tls11, WITHIN).await.unwrap();
    assert_eq!(found.suites, []);
    assert!(matches!(found.end, Some(VersionAnswer::Refused { .. })), "{found:?}");
    assert_eq!(enumerated_by_openssl(&server, TlsVersion::Tls11), [""; 0]);
    let lines = server.drain_log();
    let says_why = |line: &String| line.ends_with("no suitable signature algorithm");
    assert!(lines.len() == 2 && lines.iter().all(says_why), "{lines:#?}");
}

/// A server that speaks TLS 1.3 and chooses these suites, one a connection, then hangs.
async fn stranger(choices: Vec<u16>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for suite in choices {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sink = [0; 4096];
            let _ = stream.read(&mut sink).await;
            let _ = stream.write_all(b"S").await;
            let _ = stream.read(&mut sink).await;
            let mut hello = [&[22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3][..], &[0x70; 32], &[0]].concat();
            hello.extend(suite.to_be_bytes());
            hello.extend([0, 0, 6, 0, 43, 0, 2, 3, 4]);
            let _ = stream.write_all(&hello).await;
            while matches!(stream.read(&mut sink).await, Ok(1..)) {}
        }
        std::future::pending::<()>().await;
    });
    addr
}

#[tokio::test]
async fn whoever_accepts_all_is_not_asked_again() {
    let choices = vec![0x1302, 0x1301, 0x1305, 0x1303, 0x1304];
    let addr = stranger(choices.clone()).await;
    let found = accepted_suites(addr, TlsVersion::Tls13, WITHIN).await.unwrap();
    let codes: Vec<_> = found.suites.iter().map(|suite| suite.code).collect();
    assert_eq!((codes, found.end), (choices, None));
}

#[tokio::test]
async fn what_was_not_offered_ends_it() {
    for (choices, wrong) in [(vec![0x1302, 0x1302], 0x1302), (vec![0xc030], 0xc030)] {
        let addr = stranger(choices).await;
        let error = accepted_suites(addr, TlsVersion::Tls13, WITHIN).await.unwrap_err();
        assert!(matches!(error, ProbeError::CipherNotOffered { code, .. } if code == wrong));
    }
}

#[tokio::test]
async fn each_connection_has_its_deadline() {
    let addr = stranger(vec![0x1302]).await;
    let within = std::time::Duration::from_millis(300);
    let error = accepted_suites(addr, TlsVersion::Tls13, within).await.unwrap_err();
    assert!(matches!(error, ProbeError::TimedOut { .. }), "{error}");
}
