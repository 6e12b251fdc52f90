//! The packets of PostgreSQL's protocol that pass before a session exists.
//!
//! Invariant: no answer, however broken, makes a parser panic or ask for more than
//! [`MAX_MESSAGE_BYTES`]. Everything after authentication is absent on purpose: a probe never
//! opens a session that does something.
//!
//! Source: PostgreSQL documentation, "Message Formats" and "Message Flow".

use std::fmt;

/// The longest first answer worth reading; libpq gives up on longer ones too.
pub(crate) const MAX_MESSAGE_BYTES: usize = 30_000;

/// `SSLRequest`: its length, then the code 1234 in the high and 5679 in the low 16 bits.
pub(crate) const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// `GSSENCRequest`: the code 1234 in the high and 5680 in the low 16 bits.
pub(crate) const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

/// `Terminate`: the polite end of a session that was authenticated.
pub(crate) const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// What every PostgreSQL since 7.4 speaks.
pub(crate) const PROTOCOL_3_0: (u16, u16) = (3, 0);

/// Newer than any: the server then names the newest that it speaks.
pub(crate) const PROTOCOL_3_9999: (u16, u16) = (3, 9999);

/// How a server wants a role to prove who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMethod {
    /// Nothing is asked: `trust`, `peer`, or a certificate that already sufficed.
    None,
    /// The password as it is: `password`, `ldap`, `pam`, `radius`.
    CleartextPassword,
    /// `md5`.
    Md5,
    /// `gss`.
    Gss,
    /// `sspi`.
    Sspi,
    /// SASL with the mechanisms offered, `SCRAM-SHA-256` for `scram-sha-256`.
    Sasl(Vec<String>),
    /// A code that the protocol 3.0 of PostgreSQL 10 to 18 does not define.
    Other(u32),
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no password"),
            Self::CleartextPassword => f.write_str("a cleartext password"),
            Self::Md5 => f.write_str("an md5 password"),
            Self::Gss => f.write_str("GSSAPI"),
            Self::Sspi => f.write_str("SSPI"),
            Self::Sasl(mechanisms) => f.write_str(&mechanisms.join(" or ")),
            Self::Other(code) => write!(f, "authentication method {code}"),
        }
    }
}

/// What an `ErrorResponse` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// The five characters of the SQLSTATE; empty where the server sent none.
    pub sqlstate: String,
    /// The primary message, in the server's language.
    pub message: String,
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.sqlstate)
    }
}

/// What the bytes received so far amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FirstMessage {
    /// More bytes are needed.
    Incomplete,
    /// `Authentication…`
    Authentication(AuthMethod),
    /// `ErrorResponse`
    Error(ServerMessage),
    /// No message with which a server of PostgreSQL answers a `StartupMessage`.
    Garbage,
}

/// A `StartupMessage`; nothing where a name holds a NUL and cannot be sent.
pub(crate) fn render_startup(protocol: (u16, u16), user: &str, database: &str) -> Option<Vec<u8>> {
    let mut body = [protocol.0.to_be_bytes(), protocol.1.to_be_bytes()].concat();
    for text in ["user", user, "database", database] {
        if text.contains('\0') {
            return None;
        }
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let mut message = u32::try_from(body.len() + 4).ok()?.to_be_bytes().to_vec();
    message.append(&mut body);
    Some(message)
}

/// Reads the first message that a server sends after a `StartupMessage`.
pub(crate) fn parse_first_message(bytes: &[u8]) -> FirstMessage {
    let Some((&tag, rest)) = bytes.split_first() else {
        return FirstMessage::Incomplete;
    };
    if !matches!(tag, b'R' | b'E') {
        return FirstMessage::Garbage;
    }
    let Some((length, rest)) = rest.split_first_chunk() else {
        return FirstMessage::Incomplete;
    };
    let length = u32::from_be_bytes(*length);
    let body_length = match usize::try_from(length) {
        Ok(length @ 8..=MAX_MESSAGE_BYTES) => length - 4,
        _ => return FirstMessage::Garbage,
    };
    let Some(body) = rest.get(..body_length) else {
        return FirstMessage::Incomplete;
    };
    match tag {
        b'R' => {
            parse_authentication(body).map_or(FirstMessage::Garbage, FirstMessage::Authentication)
        }
        _ => FirstMessage::Error(parse_error(body)),
    }
}

/// Reads the `NegotiateProtocolVersion` that may come before the first message: the newest version
/// of the protocol that the server speaks, and the bytes behind it.
pub(crate) fn parse_negotiation(bytes: &[u8]) -> Option<((u16, u16), &[u8])> {
    let (length, rest) = bytes.strip_prefix(b"v")?.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (body, behind) = rest.split_at_checked(length.checked_sub(4)?)?;
    let [a, b, c, d, ..] = *body else { return None };
    (length <= MAX_MESSAGE_BYTES)
        .then_some(((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])), behind))
}

fn parse_authentication(body: &[u8]) -> Option<AuthMethod> {
    let (code, rest) = body.split_first_chunk()?;
    Some(match u32::from_be_bytes(*code) {
        0 => AuthMethod::None,
        3 => AuthMethod::CleartextPassword,
        5 => AuthMethod::Md5,
        7 => AuthMethod::Gss,
        9 => AuthMethod::Sspi,
        10 => AuthMethod::Sasl(strings(rest).collect()),
        other => AuthMethod::Other(other),
    })
}

fn parse_error(body: &[u8]) -> ServerMessage {
    let field = |code| strings(body).find_map(|field| field.strip_prefix(code).map(str::to_owned));
    ServerMessage {
        sqlstate: field('C').unwrap_or_default(),
        message: field('M').unwrap_or_default(),
    }
}

/// The NUL-terminated strings of a list, up to the empty one that ends it.
fn strings(list: &[u8]) -> impl Iterator<Item = String> + '_ {
    list.split(|byte| *byte == 0)
        .take_while(|text| !text.is_empty())
        .map(|text| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn startup_is_laid_out_as_documented() {
        let message = render_startup(PROTOCOL_3_0, "u", "db").unwrap();
        assert_eq!(message, b"\0\0\0\x1c\0\x03\0\0user\0u\0database\0db\0\0"[..].to_vec());
        assert_eq!(render_startup(PROTOCOL_3_0, "u\0x", "db"), None);
    }

    #[test]
    fn an_error_yields_its_code_and_message() {
        let body = b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry\0Fauth.c\0\0";
        let mut bytes = vec![b'E', 0, 0, 0, u8::try_from(body.len() + 4).unwrap()];
        bytes.extend_from_slice(body);
        for cut in 0..bytes.len() {
            assert_eq!(parse_first_message(&bytes[..cut]), FirstMessage::Incomplete);
        }
        let FirstMessage::Error(error) = parse_first_message(&bytes) else { panic!("no error") };
        assert_eq!(error.to_string(), "no pg_hba.conf entry (SQLSTATE 28000)");
    }

    #[test]
    fn sasl_lists_its_mechanisms() {
        let bytes = b"R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        let method = AuthMethod::Sasl(vec!["SCRAM-SHA-256-PLUS".into(), "SCRAM-SHA-256".into()]);
        assert_eq!(parse_first_message(bytes), FirstMessage::Authentication(method));
    }

    #[test]
    fn the_newest_protocol_precedes_the_answer() {
        let bytes = b"v\0\0\0\x0c\0\x03\0\x02\0\0\0\0R\0";
        assert_eq!(parse_negotiation(bytes), Some(((3, 2), &b"R\0"[..])));
        for cut in 0..bytes.len() - 2 {
            assert_eq!(parse_negotiation(&bytes[..cut]), None);
        }
    }

    #[test]
    fn an_impossible_length_is_garbage() {
        for length in [0, 4, 7, 30_001, u32::MAX] {
            let mut bytes = vec![b'E'];
            bytes.extend_from_slice(&length.to_be_bytes());
            assert_eq!(parse_first_message(&bytes), FirstMessage::Garbage);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, tag in "[RE]", length in 0_u32..64) {
            parse_first_message(&bytes);
            parse_negotiation(&[b"v\0\0\0", &bytes[..]].concat());
            let mut framed = tag.into_bytes();
            framed.extend_from_slice(&length.to_be_bytes());
            framed.extend_from_slice(&bytes);
            parse_first_message(&framed);
        }
    }
}
