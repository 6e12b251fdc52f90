//! The parser against flights written by rustls' server, against their prefixes, and against
//! arbitrary bytes.

use std::sync::Arc;

use proptest::prelude::*;
use rustls::server::Acceptor;
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::*;
use crate::client_hello::render_client_hello;
use crate::version::TlsVersion;

/// What a rustls server answers to our own `ClientHello`, and its certificate.
fn flight_of_rustls(
    offered: TlsVersion,
    spoken: &'static SupportedProtocolVersion,
) -> (Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["db.example".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[spoken])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut render_client_hello(&[offered]).as_slice()).unwrap();
    let accepted = acceptor.accept().map_err(|(error, _)| error).unwrap().unwrap();
    let mut answer = Vec::new();
    match accepted.into_connection(Arc::new(config)) {
        Ok(mut connection) => connection.write_tls(&mut answer).unwrap(),
        Err((_, mut alert)) => {
            alert.write_all(&mut answer).unwrap();
            answer.len()
        }
    };
    (answer, made.cert.der().to_vec())
}

#[test]
fn tls12_shows_version_suite_and_certificate() {
    let (bytes, leaf) = flight_of_rustls(TlsVersion::Tls12, &version::TLS12);
    let flight = parse_flight(&bytes).unwrap();
    let hello = flight.hello.unwrap();
    assert_eq!(hello.version, 0x0303);
    assert!(crate::names::cipher(hello.cipher_suite).unwrap().iana.contains("ECDHE_ECDSA"));
    assert_eq!(flight.chain.unwrap(), [leaf]);
}

#[test]
fn tls13_shows_version_and_suite() {
    let (bytes, _) = flight_of_rustls(TlsVersion::Tls13, &version::TLS13);
    let flight = parse_flight(&bytes).unwrap();
    let hello = flight.hello.unwrap();
    assert_eq!((hello.version, hello.cipher_suite >> 8), (0x0304, 0x13));
    assert_eq!((flight.alert, flight.chain), (None, None));
}

#[test]
fn a_refused_version_shows_its_alert() {
    let (bytes, _) = flight_of_rustls(TlsVersion::Tls12, &version::TLS13);
    let flight = parse_flight(&bytes).unwrap();
    assert_eq!(flight, Flight { alert: Some(70), ..Flight::default() });
}

#[test]
fn a_prefix_is_never_garbage_and_never_says_more() {
    let (bytes, _) = flight_of_rustls(TlsVersion::Tls12, &version::TLS12);
    let whole = parse_flight(&bytes).unwrap();
    let mut bit_by_bit = Reading::default();
    for cut in 0..=bytes.len() {
        let part = parse_flight(&bytes[..cut]).unwrap();
        bit_by_bit.read(&bytes[..cut]).unwrap();
        assert_eq!(bit_by_bit.flight, part, "cut at {cut}");
        assert!(part.hello.is_none() || part.hello == whole.hello, "cut at {cut}");
        assert!(part.chain.is_none() || part.chain == whole.chain, "cut at {cut}");
    }
}

#[test]
fn a_warning_is_passed_over() {
    let (bytes, _) = flight_of_rustls(TlsVersion::Tls12, &version::TLS12);
    let warned = [&[ALERT, 3, 3, 0, 2, WARNING, 112], &bytes[..]].concat();
    assert_eq!(parse_flight(&warned), parse_flight(&bytes));
}

#[test]
fn other_protocols_are_garbage() {
    for other in
        [&b"HTTP/1.1 400"[..], b"\x15\x02\x01\x00\x02\x02\x28", b"\x16\x03\x03\x00\x01\x01"]
    {
        assert_eq!(parse_flight(other), Err(Garbage));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        let _ = parse_flight(&bytes);
    }

    #[test]
    fn any_handshake_is_survived(body: Vec<u8>, kind in 0_u8..16, length in 0_u8..64) {
        let message = [&[kind, 0, 0, length], &body[..]].concat();
        let size = u16::try_from(message.len()).unwrap().to_be_bytes();
        let _ = parse_flight(&[&[HANDSHAKE, 3, 3], &size[..], &message].concat());
    }

    #[test]
    fn a_damaged_flight_is_survived(place: prop::sample::Index, byte: u8) {
        let (mut bytes, _) = flight_of_rustls(TlsVersion::Tls12, &version::TLS12);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let _ = parse_flight(&bytes);
    }
}
