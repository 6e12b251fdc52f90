//! What a server sends to a probe.

use pgkeep_probe::{Certificate, fuzzing};

/// The first flight of a TLS server.
pub(super) fn server_flight(bytes: &[u8]) {
    fuzzing::server_flight(bytes);
}

/// The first messages of PostgreSQL's protocol: what is whole stays whole with more behind it.
pub(super) fn first_message(bytes: &[u8]) {
    if fuzzing::first_message(bytes) {
        assert!(fuzzing::first_message(&[bytes, b"more"].concat()));
    }
}

/// A certificate that a server serves.
pub(super) fn served_certificate(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(bytes) {
        assert!(certificate.alternative_names.len() <= bytes.len());
    }
}
