//! Servers that are not PostgreSQL, or have no answer: every question ends in time, with the
//! right name for what happened.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are shared as a module"
)]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::WITHIN;
use common::stranger::{Answers, End, stranger};
use pgkeep_probe::{
    PlaintextAnswer, ProbeError, TlsVersion, Versions, handshake, offers, plaintext,
};
use tokio::net::TcpSocket;

const SHORT: Duration = Duration::from_millis(100);

async fn shake(addr: SocketAddr, within: Duration) -> ProbeError {
    handshake(addr, "db.example.test", None, Versions::default(), within).await.unwrap_err()
}

async fn offer(addr: SocketAddr, within: Duration) -> ProbeError {
    offers(addr, TlsVersion::Tls12, within).await.unwrap_err()
}

#[tokio::test]
async fn a_server_without_tls_declines() {
    let addr = stranger(&[b"N"], End::Closes).await;
    assert!(matches!(shake(addr, WITHIN).await, ProbeError::TlsDeclined { .. }));
    assert!(matches!(offer(addr, WITHIN).await, ProbeError::TlsDeclined { .. }));
}

#[tokio::test]
async fn a_server_that_hangs_is_left_in_time() {
    const SILENT: [Answers; 2] = [&[], &[b"S"]];
    for answers in SILENT {
        let addr = stranger(answers, End::Hangs).await;
        let begun = Instant::now();
        assert!(matches!(shake(addr, SHORT).await, ProbeError::TimedOut { .. }));
        let addr = stranger(answers, End::Hangs).await;
        assert!(matches!(offer(addr, SHORT).await, ProbeError::TimedOut { .. }));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    let addr = stranger(&[], End::Hangs).await;
    let answer = plaintext(addr, "u", "d", SHORT).await;
    assert!(matches!(answer, Err(ProbeError::TimedOut { .. })));
}

#[tokio::test]
async fn an_answer_known_is_not_lost_to_a_server_that_never_closes() {
    let addr = stranger(&[b"R\0\0\0\x0c\0\0\0\x05salt"], End::Hangs).await;
    let answer = plaintext(addr, "u", "d", SHORT).await.unwrap();
    assert!(matches!(answer, PlaintextAnswer::ReachesAuthentication { .. }), "{answer}");
}

#[tokio::test]
async fn a_server_that_closes_is_named() {
    const CLOSING: [Answers; 3] = [&[], &[b""], &[b"S", b""]];
    for answers in CLOSING {
        let addr = stranger(answers, End::Closes).await;
        assert!(matches!(shake(addr, WITHIN).await, ProbeError::Closed { .. }));
        assert!(matches!(offer(addr, WITHIN).await, ProbeError::Closed { .. }));
    }
    let addr = stranger(&[b""], End::Closes).await;
    assert_eq!(plaintext(addr, "u", "d", WITHIN).await.unwrap(), PlaintextAnswer::Closed);
}

#[tokio::test]
async fn garbage_is_shown() {
    let addr = stranger(&[b"SSH-2.0\r\n"], End::Closes).await;
    assert!(matches!(offer(addr, WITHIN).await, ProbeError::Unintelligible { .. }));
    let addr = stranger(&[b"HTTP/1.1 400\r\n"], End::Closes).await;
    let error = shake(addr, WITHIN).await;
    assert!(error.to_string().contains("answers with \"H"), "{error}");
    let answer = plaintext(addr, "u", "d", WITHIN).await.unwrap();
    assert_eq!(answer, PlaintextAnswer::Garbage { preview: "HTTP/1.1 400\\r\\n".into() });
    let addr = stranger(&[b"S", b"HTTP/1.1 400\r\n"], End::Closes).await;
    assert!(matches!(shake(addr, WITHIN).await, ProbeError::Handshake { .. }));
}

#[tokio::test]
async fn errors_in_place_of_tls_and_of_a_session_are_told_apart() {
    const FULL: &[u8] = b"E\0\0\0\x22C53300\0Mtoo many connections\0\0";
    let addr = stranger(&[FULL], End::Closes).await;
    let error = shake(addr, WITHIN).await;
    assert!(matches!(&error, ProbeError::ServerError { answer, .. } if answer.sqlstate == "53300"));
    let answer = plaintext(addr, "u", "d", WITHIN).await.unwrap();
    assert!(matches!(answer, PlaintextAnswer::OtherError(error) if error.sqlstate == "53300"));
}

#[tokio::test]
async fn nothing_listening_and_unusable_arguments_are_named() {
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = bound.local_addr().unwrap();
    assert!(matches!(shake(addr, WITHIN).await, ProbeError::Connect { .. }));
    let answer = plaintext(addr, "u\0", "d", WITHIN).await;
    assert!(matches!(answer, Err(ProbeError::NulInName(_))));
    let versions = Versions { min: None, max: Some(TlsVersion::Tls11) };
    let answer = handshake(addr, "db.example.test", None, versions, WITHIN).await;
    assert!(matches!(answer, Err(ProbeError::NoCommonVersion { .. })));
    let answer = handshake(addr, "not a name", None, Versions::default(), WITHIN).await;
    assert!(matches!(answer, Err(ProbeError::ServerName { .. })));
}
