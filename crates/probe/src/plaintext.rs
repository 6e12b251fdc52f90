//! What becomes of a client that does not ask for TLS.
//!
//! PostgreSQL decides by `pg_hba.conf` whether a connection without TLS may even try to
//! authenticate; the answer holds for the role, the database and the address asked from. No
//! password is ever sent: that a server *asks* for one is already the answer.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::error::ProbeError;
use crate::packets::{self, AuthMethod, FirstMessage, ServerMessage};
use crate::wire::{Wire, preview};

/// `invalid_authorization_specification`. As a first answer it can only come from `pg_hba.conf`:
/// roles are looked up after `Authentication…` was sent.
const REFUSED_BY_HBA: &str = "28000";

/// A server's first answer to a `StartupMessage` without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaintextAnswer {
    /// `pg_hba.conf` does not let the connection in.
    RefusedBeforeAuthentication(ServerMessage),
    /// The client may authenticate over plaintext.
    ReachesAuthentication {
        /// What it would have to show.
        method: AuthMethod,
    },
    /// Another error, which says nothing about plaintext: 57P03 while the server starts, 53300
    /// when it has no free connection.
    OtherError(ServerMessage),
    /// The server closed the connection without a word.
    Closed,
    /// No answer of a PostgreSQL server.
    Garbage {
        /// Its beginning.
        preview: String,
    },
}

impl fmt::Display for PlaintextAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RefusedBeforeAuthentication(answer) => write!(f, "refused: {answer}"),
            Self::ReachesAuthentication { method } => write!(f, "let in as far as {method}"),
            Self::OtherError(answer) => write!(f, "answered with an error: {answer}"),
            Self::Closed => f.write_str("cut off without an answer"),
            Self::Garbage { preview } => write!(f, "answered with {preview:?}"),
        }
    }
}

/// Asks `addr` for a session without TLS, as `user` in `database`, and stops at the first answer.
///
/// # Errors
/// [`ProbeError`] when there is no connection, the time runs out, or a name holds a NUL.
pub async fn plaintext(
    addr: SocketAddr,
    user: &str,
    database: &str,
    within: Duration,
) -> Result<PlaintextAnswer, ProbeError> {
    let startup = startup(packets::PROTOCOL_3_0, user, database)?;
    ask(Wire::open(addr, within).await?, &startup).await
}

/// The message that asks for a session.
pub(crate) fn startup(
    protocol: (u16, u16),
    user: &str,
    database: &str,
) -> Result<Vec<u8>, ProbeError> {
    packets::render_startup(protocol, user, database)
        .ok_or_else(|| ProbeError::NulInName(format!("{user} in {database}")))
}

/// Asks over a connection that is already there.
pub(crate) async fn ask(mut wire: Wire, startup: &[u8]) -> Result<PlaintextAnswer, ProbeError> {
    const AWAITED: &str = "answer a startup without TLS";
    wire.send(startup, AWAITED).await?;
    let mut bytes = Vec::new();
    let answer = loop {
        match packets::parse_first_message(&bytes) {
            FirstMessage::Incomplete if wire.receive(&mut bytes, AWAITED).await? > 0 => {}
            FirstMessage::Incomplete if bytes.is_empty() => break PlaintextAnswer::Closed,
            FirstMessage::Authentication(method) => {
                break PlaintextAnswer::ReachesAuthentication { method };
            }
            FirstMessage::Error(answer) if answer.sqlstate == REFUSED_BY_HBA => {
                break PlaintextAnswer::RefusedBeforeAuthentication(answer);
            }
            FirstMessage::Error(answer) => break PlaintextAnswer::OtherError(answer),
            FirstMessage::Incomplete | FirstMessage::Garbage => {
                break PlaintextAnswer::Garbage { preview: preview(&bytes) };
            }
        }
    };
    if let PlaintextAnswer::ReachesAuthentication { method: AuthMethod::None } = answer {
        wire.send(&packets::TERMINATE, AWAITED).await?;
    }
    wire.finish().await;
    Ok(answer)
}
