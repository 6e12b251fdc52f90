//! Servers that do not answer as PostgreSQL does, or choose what none at hand can: the survey comes
//! to its end in time, the report says what was seen, and psql does what is foretold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are shared as a module"
)]

mod common;

use std::time::Duration;

use common::case::Case;
use common::pki::{Root, SERVER_NAME, leaf_params};
use common::stranger::{Answers, End, choosing, stranger};

/// The time for each question to a server that leaves them open.
const SHORT: Duration = Duration::from_secs(1);
const FULL: &[u8] = b"E\0\0\0\x22C53300\0Mtoo many connections\0\0";
/// The beginning of a `ServerHello` of 16 MiB, and more of it.
const LONG_HELLO: &[u8] = &[22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff];
/// An alert that ends nothing.
const WARNING: &[u8] = &[21, 3, 3, 0, 2, 1, 0];
/// The beginning of a record of 64 KiB.
const LONG_RECORD: &[u8] = &[22, 3, 3, 0xff, 0xff, 2];

async fn hold(cases: Vec<(Answers, End, Case<'_>)>) {
    let mut wrong = Vec::new();
    for (answers, end, case) in cases {
        wrong.extend(case.hold(stranger(answers, end).await).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn no_answer_to_the_request() {
    let pem = Root::new("root").pem();
    let odd =
        |what, seen, verdict| Case::new(what, &pem).finds("tls.no_answer", seen).says(verdict);
    hold(vec![
        (
            &[],
            End::Closes,
            odd(
                "closes",
                "closed without an answer",
                "This does not answer as PostgreSQL with TLS does: closed without an answer.",
            ),
        ),
        (
            &[FULL],
            End::Closes,
            odd(
                "an error",
                "an error: too many connections (SQLSTATE 53300)",
                "This does not answer as PostgreSQL with TLS does: an error: too many connections \
                 (SQLSTATE 53300).",
            ),
        ),
        (
            &[b"HTTP/1.1 400\r\n"],
            End::Closes,
            odd(
                "HTTP",
                "no answer of PostgreSQL: \"H\"",
                "This does not answer as PostgreSQL with TLS does: no answer of PostgreSQL: \"H\".",
            ),
        ),
        (
            &[],
            End::Floods(b"\0\0\0\0"),
            odd(
                "a flood",
                "no answer of PostgreSQL: \"\\\\x00\"",
                "This does not answer as PostgreSQL with TLS does: no answer of PostgreSQL: \
                 \"\\\\x00\".",
            ),
        ),
        (
            &[],
            End::Hangs,
            odd(
                "hangs",
                "no answer in time",
                "This does not answer as PostgreSQL with TLS does: no answer in time.",
            )
            .within(SHORT)
            .unknown(&["disable", "allow"]),
        ),
    ])
    .await;
}

#[tokio::test]
async fn no_tls() {
    let pem = Root::new("root").pem();
    let declines = |what| {
        let case = Case::new(what, &pem).finds("tls.declined", "N: the server has no TLS");
        case.says("No TLS: everything goes in the clear.")
    };
    hold(vec![
        (&[b"N"], End::Closes, declines("declines and closes")),
        (&[b"N"], End::Hangs, declines("declines and hangs").within(SHORT)),
    ])
    .await;
}

#[tokio::test]
async fn no_handshake() {
    let pem = Root::new("root").pem();
    let none = |what| {
        Case::new(what, &pem)
            .finds("tls.no_version", "offered: SSLv3, TLSv1, TLSv1.1, TLSv1.2")
            .says("Verify-full is refused, plaintext is refused; 1 critical finding.")
    };
    hold(vec![
        (&[b"SSH-2.0\r\n"], End::Closes, none("SSH, which begins as a yes does")),
        (&[b"S"], End::Closes, none("closes")),
        (&[b"S", b"HTTP/1.1 400\r\n"], End::Closes, none("HTTP")),
        (&[b"S"], End::Floods(LONG_HELLO), none("a hello without an end")),
        (&[b"S"], End::Floods(WARNING), none("warnings without an end")),
        (&[b"S"], End::Floods(LONG_RECORD), none("a record that is too long")),
        (&[b"S"], End::Hangs, none("hangs").within(SHORT)),
    ])
    .await;
}

/// No build of OpenSSL at hand has RC4 or 3DES, so a hand-made server chooses them.
#[tokio::test]
async fn suites_that_today_are_left_out() {
    let root = Root::new("root");
    let (pem, leaf) = (root.pem(), root.issue(&leaf_params(&[SERVER_NAME])));
    let case = |what, id, seen| {
        Case::new(what, &pem)
            .finds("chain.incomplete", "CN=subordinate")
            .finds(id, seen)
            .finds("chain.key_unproved", "no handshake was completed")
            .finds("version.no_tls13", "TLSv1.2")
            .finds("suite.static_rsa", seen)
            .says("Verify-full is refused, plaintext is refused; 1 critical finding.")
    };
    let cases: Vec<(&[u16], Case<'_>)> = vec![
        (&[0x0005, 0x0004], case("RC4", "suite.rc4", "RC4-SHA, RC4-MD5")),
        (
            &[0x000a],
            case("3DES", "suite.3des", "DES-CBC3-SHA").finds("suite.cbc_sha1", "DES-CBC3-SHA"),
        ),
    ];
    let mut wrong = Vec::new();
    for (suites, case) in cases {
        wrong.extend(case.hold(choosing(suites, leaf.der.clone()).await).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
