//! Reads the first flight of a TLS server as far as it is unencrypted: an alert, or the
//! `ServerHello` and, up to TLS 1.2, the certificates.
//!
//! Invariant: any bytes are survived, and no more than [`MAX_FLIGHT_BYTES`] are ever needed. The
//! parser is run again from the start whenever bytes arrive; a flight is too short for the
//! repetition to matter. Nothing is decrypted and no signature is checked here.

/// More than any sensible chain; the limit that rustls sets to one handshake message.
pub(crate) const MAX_FLIGHT_BYTES: usize = 64 * 1024;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const WARNING: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SUPPORTED_VERSIONS: u16 = 43;

/// What has been understood so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flight {
    /// The fatal alert that ended the handshake.
    pub(crate) alert: Option<u8>,
    /// The server's choice.
    pub(crate) hello: Option<ServerHello>,
    /// The certificates, the leaf first; empty where the server sends something else instead,
    /// which it does with an anonymous suite.
    pub(crate) chain: Option<Vec<Vec<u8>>>,
}

/// The choice of a server. A `HelloRetryRequest` is one too (RFC 8446 §4.1.4).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerHello {
    /// The version's number on the wire.
    pub(crate) version: u16,
    /// The cipher suite's code point.
    pub(crate) cipher_suite: u16,
}

/// Bytes that no TLS server sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Garbage;

/// Reads the beginning of a flight; what is missing yet is `None`.
pub(crate) fn parse_flight(bytes: &[u8]) -> Result<Flight, Garbage> {
    let mut flight = Flight::default();
    let mut handshake = Vec::new();
    let mut records = Reader(bytes);
    while let Some(kind) = records.u8() {
        match (kind, records.u8()) {
            (ALERT | HANDSHAKE, Some(3)) => {}
            (ALERT | HANDSHAKE, None) => break,
            // Encrypted records and `ChangeCipherSpec` only follow what is of interest.
            _ if handshake.is_empty() => return Err(Garbage),
            _ => break,
        }
        let Some((_minor, body)) = records.u8().zip(records.vector16()) else {
            break;
        };
        match (kind, body) {
            (HANDSHAKE, body) => handshake.extend_from_slice(body),
            (_, [WARNING, _]) => {}
            (_, [_, description]) => {
                flight.alert = Some(*description);
                break;
            }
            _ => return Err(Garbage),
        }
    }
    parse_messages(&handshake, &mut flight)?;
    Ok(flight)
}

fn parse_messages(handshake: &[u8], flight: &mut Flight) -> Result<(), Garbage> {
    let mut messages = Reader(handshake);
    let Some(kind) = messages.u8() else {
        return Ok(());
    };
    if kind != SERVER_HELLO {
        return Err(Garbage);
    }
    let Some(body) = messages.vector24() else {
        return Ok(());
    };
    flight.hello = Some(parse_server_hello(body).ok_or(Garbage)?);
    match messages.u8() {
        None => {}
        Some(CERTIFICATE) => {
            if let Some(body) = messages.vector24() {
                flight.chain = Some(parse_certificates(body).ok_or(Garbage)?);
            }
        }
        Some(_) => flight.chain = Some(Vec::new()),
    }
    Ok(())
}

fn parse_server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader(body);
    let legacy_version = reader.u16()?;
    let _random = reader.take(32)?;
    let _session_id = reader.vector8()?;
    let cipher_suite = reader.u16()?;
    let _compression = reader.u8()?;
    let mut version = legacy_version;
    let mut extensions = Reader(if reader.0.is_empty() { &[] } else { reader.vector16()? });
    while !extensions.0.is_empty() {
        let (kind, value) = (extensions.u16()?, extensions.vector16()?);
        if kind == SUPPORTED_VERSIONS {
            version = Reader(value).u16()?;
        }
    }
    Some(ServerHello { version, cipher_suite })
}

/// RFC 5246 §7.4.2: a list of certificates, each with its length.
fn parse_certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Reader(Reader(body).vector24()?);
    let mut chain = Vec::new();
    while !list.0.is_empty() {
        chain.push(list.vector24()?.to_vec());
    }
    Some(chain)
}

/// What is left to read; every step is `None` where it would go beyond the end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let digits = self.take(bytes)?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.number(1)?;
        self.take(length)
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number(2)?;
        self.take(length)
    }

    fn vector24(&mut self) -> Option<&'a [u8]> {
        let length = self.number(3)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests;
