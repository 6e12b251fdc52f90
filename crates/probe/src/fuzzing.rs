//! What the fuzz targets reach of this crate's inside; in no other build.

use crate::packets::{FirstMessage, parse_first_message, parse_negotiation};
use crate::server_hello::{parse_flight, parse_key_exchange};

/// Reads a TLS server's first flight and, where there is one, its key exchange in each way.
pub fn server_flight(bytes: &[u8]) {
    let Ok(flight) = parse_flight(bytes) else {
        return;
    };
    if let Some(key_exchange) = flight.key_exchange {
        for (ecdhe, signs_by) in [(true, true), (true, false), (false, true), (false, false)] {
            parse_key_exchange(&key_exchange, ecdhe, signs_by);
        }
    }
}

/// Reads a PostgreSQL server's first messages; whether they are whole.
pub fn first_message(bytes: &[u8]) -> bool {
    let behind = match parse_negotiation(bytes) {
        Some((_, behind)) => behind,
        None if bytes.first() == Some(&b'v') => return false,
        None => bytes,
    };
    !matches!(parse_first_message(behind), FirstMessage::Incomplete)
}
