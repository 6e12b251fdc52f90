//! Reads the first flight of a TLS server as far as it is unencrypted: an alert, or the
//! `ServerHello` and, up to TLS 1.2, the certificates and the `ServerKeyExchange`.
//!
//! Invariant: any bytes are survived, no more than [`MAX_FLIGHT_BYTES`] are ever needed, and each
//! is read once. Nothing is decrypted and no signature is checked here.

/// More than any client takes: rustls gives up on a message of 64 KiB, OpenSSL on certificates of
/// 100 KiB. To tell who does, more must be seen.
pub(crate) const MAX_FLIGHT_BYTES: usize = 256 * 1024;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const WARNING: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const KEY_EXCHANGE: u8 = 12;
const DONE: u8 = 14;
const ALPN: u16 = 16;
const SESSION_TICKET: u16 = 35;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;
/// `named_curve`, RFC 8422 §5.4.
const NAMED_CURVE: u8 = 3;

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
    /// The body of the `ServerKeyExchange`, which only some suites have.
    pub(crate) key_exchange: Option<Vec<u8>>,
    /// Whether `ServerHelloDone` was seen, the end of a flight up to TLS 1.2.
    pub(crate) done: bool,
}

/// The choice of a server. A `HelloRetryRequest` is one too (RFC 8446 §4.1.4).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that is there or not")]
pub(crate) struct ServerHello {
    /// The version's number on the wire.
    pub(crate) version: u16,
    /// The cipher suite's code point.
    pub(crate) cipher_suite: u16,
    /// Whether a method of compression was chosen.
    pub(crate) compression: bool,
    /// Whether there is a session id; with TLS 1.3 it is the client's.
    pub(crate) session_id: bool,
    /// Whether a session ticket is to follow (RFC 5077).
    pub(crate) ticket: bool,
    /// Whether the server knows secure renegotiation (RFC 5746).
    pub(crate) secure_renegotiation: bool,
    /// Whether a protocol of ALPN was chosen; with TLS 1.3 that is encrypted.
    pub(crate) alpn: bool,
    /// The group of the key share that TLS 1.3 sends or asks for.
    pub(crate) group: Option<u16>,
}

/// What a `ServerKeyExchange` says, as far as it is of interest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyExchange {
    /// The named curve of ECDHE.
    pub(crate) group: Option<u16>,
    /// The bits of the prime of DHE.
    pub(crate) dh_bits: Option<u16>,
    /// The scheme of the signature, which TLS 1.2 names.
    pub(crate) scheme: Option<u16>,
}

/// Bytes that no TLS server sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Garbage;

/// A flight while it arrives. What was read is not read again, so a server that sends little bits
/// without an end costs no more than their number.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) flight: Flight,
    handshake: Vec<u8>,
    /// How many bytes were read as records, and how many of these as messages.
    records: usize,
    messages: usize,
    /// Nothing of interest follows.
    over: bool,
}

/// Reads the beginning of a flight; what is missing yet is `None`.
#[cfg(any(test, fuzzing))]
pub(crate) fn parse_flight(bytes: &[u8]) -> Result<Flight, Garbage> {
    let mut reading = Reading::default();
    reading.read(bytes)?;
    Ok(reading.flight)
}

impl Reading {
    /// Reads on in the bytes of a flight, which begin as at the last time.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), Garbage> {
        while !self.over {
            let mut records = Reader(bytes.get(self.records..).unwrap_or_default());
            let Some(kind) = records.u8() else { break };
            match (kind, records.u8()) {
                (ALERT | HANDSHAKE, Some(3)) => {}
                (ALERT | HANDSHAKE, None) => break,
                // Encrypted records and `ChangeCipherSpec` only follow what is of interest.
                _ if self.handshake.is_empty() => return Err(Garbage),
                _ => {
                    self.over = true;
                    break;
                }
            }
            let Some((_minor, body)) = records.u8().zip(records.vector16()) else {
                break;
            };
            self.records = bytes.len() - records.0.len();
            match (kind, body) {
                (HANDSHAKE, body) => self.handshake.extend_from_slice(body),
                (_, [WARNING, _]) => {}
                (_, [_, description]) => {
                    self.flight.alert = Some(*description);
                    self.over = true;
                }
                _ => return Err(Garbage),
            }
        }
        self.read_messages()
    }

    fn read_messages(&mut self) -> Result<(), Garbage> {
        let Self { flight, handshake, messages: read, .. } = self;
        loop {
            let mut messages = Reader(handshake.get(*read..).unwrap_or_default());
            let Some(kind) = messages.u8() else { return Ok(()) };
            let is_first = flight.hello.is_none();
            if is_first && kind != SERVER_HELLO {
                return Err(Garbage);
            }
            let Some(body) = messages.vector24() else {
                // The kind alone shows that no certificate comes.
                if !is_first && kind != CERTIFICATE {
                    flight.chain.get_or_insert_default();
                }
                return Ok(());
            };
            match kind {
                _ if is_first => flight.hello = Some(parse_server_hello(body).ok_or(Garbage)?),
                CERTIFICATE => flight.chain = Some(parse_certificates(body).ok_or(Garbage)?),
                KEY_EXCHANGE => flight.key_exchange = Some(body.to_vec()),
                _ => {}
            }
            if !is_first {
                flight.chain.get_or_insert_default();
                flight.done |= kind == DONE;
            }
            *read = handshake.len() - messages.0.len();
        }
    }
}

fn parse_server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader(body);
    let mut hello = ServerHello { version: reader.u16()?, ..ServerHello::default() };
    let _random = reader.take(32)?;
    hello.session_id = !reader.vector8()?.is_empty();
    hello.cipher_suite = reader.u16()?;
    hello.compression = reader.u8()? != 0;
    let mut extensions = Reader(if reader.0.is_empty() { &[] } else { reader.vector16()? });
    while !extensions.0.is_empty() {
        let (kind, value) = (extensions.u16()?, extensions.vector16()?);
        match kind {
            SUPPORTED_VERSIONS => hello.version = Reader(value).u16()?,
            KEY_SHARE => hello.group = Some(Reader(value).u16()?),
            ALPN => hello.alpn = true,
            SESSION_TICKET => hello.ticket = true,
            RENEGOTIATION_INFO => hello.secure_renegotiation = true,
            _ => {}
        }
    }
    Some(hello)
}

/// Reads a `ServerKeyExchange` (RFC 5246 §7.4.3, RFC 8422 §5.4) of ECDHE or of DHE; `signs_by`
/// says whether it names the scheme of its signature, as that of TLS 1.2 does unless the suite
/// is anonymous.
pub(crate) fn parse_key_exchange(body: &[u8], ecdhe: bool, signs_by: bool) -> Option<KeyExchange> {
    let mut reader = Reader(body);
    let mut seen = KeyExchange::default();
    if ecdhe {
        if reader.u8()? != NAMED_CURVE {
            return None;
        }
        seen.group = Some(reader.u16()?);
        let _point = reader.vector8()?;
    } else {
        let prime = reader.vector16()?;
        let unpadded = &prime[prime.iter().take_while(|byte| **byte == 0).count()..];
        let padding = unpadded.first().map_or(0, |byte| byte.leading_zeros() as usize);
        seen.dh_bits = u16::try_from(unpadded.len() * 8 - padding).ok();
        let (_generator, _share) = (reader.vector16()?, reader.vector16()?);
    }
    if signs_by {
        seen.scheme = Some(reader.u16()?);
    }
    Some(seen)
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
