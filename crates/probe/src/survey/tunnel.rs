//! Handshakes that are finished, and the answer to a `StartupMessage` inside of them.

use std::sync::Arc;

use rustls::client::{ClientSessionStore, Resumption};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, HandshakeKind, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::line::Line;
use super::witness::{Sessions, Shown, Witness, schemes};
use super::{AuthAnswer, Plan};
use crate::error::ProbeError;
use crate::handshake::{explain, parse_server_name};
use crate::packets::{self, AuthMethod, FirstMessage};
use crate::plaintext::startup;
use crate::wire::{Limit, Wire, preview};

const HANDSHAKE: &str = "finish the TLS handshake";
const STARTUP: &str = "answer a startup inside TLS";
const CHUNK_BYTES: usize = 4096;

/// A client of TLS 1.2 and 1.3.
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    witness: Arc<Witness>,
    pub(super) sessions: Arc<Sessions>,
}

/// What a finished handshake showed.
pub(super) struct Finished {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) limit: Limit,
}

/// The answer to a `StartupMessage`.
#[derive(Debug)]
pub(super) struct Startup {
    /// The newest version of the protocol that the server says it speaks.
    pub(super) protocol: Option<(u16, u16)>,
    pub(super) answer: AuthAnswer,
}

impl Client {
    pub(super) fn new(plan: &Plan<'_>) -> Self {
        Self::with(plan, schemes(&algorithms()), true)
    }

    /// A client that understands only signatures in some schemes.
    pub(super) fn with(plan: &Plan<'_>, schemes: Vec<SignatureScheme>, alpn: bool) -> Self {
        let witness = Witness::new(algorithms(), schemes);
        let sessions = Sessions::new();
        let mut config = config(&witness, None);
        if !alpn {
            config.alpn_protocols.clear();
        }
        let store: Arc<dyn ClientSessionStore> = Arc::clone(&sessions) as _;
        config.resumption = Resumption::store(store);
        let name = parse_server_name(plan.server_name);
        let name = name.unwrap_or(ServerName::IpAddress(plan.addr.ip().into()));
        Self { config: Arc::new(config), name, witness, sessions }
    }

    pub(super) async fn shake(&self, wire: Wire) -> Result<Finished, ProbeError> {
        let (addr, limit) = (wire.addr, wire.limit);
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let connecting = connector.connect(self.name.clone(), wire.stream);
        let stream = limit.wait(HANDSHAKE, connecting).await?;
        Ok(Finished { stream: stream.map_err(|error| explain(addr, error))?, limit })
    }

    /// What the server showed last, whether the handshake was finished or not.
    pub(super) fn shown(&self) -> Shown {
        self.witness.shown()
    }
}

impl Finished {
    /// Whether the server chose the ALPN protocol.
    pub(super) fn alpn(&self) -> bool {
        self.stream.get_ref().1.alpn_protocol().is_some()
    }

    /// Whether an earlier session was taken up again.
    pub(super) fn is_resumed(&self) -> bool {
        self.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    pub(super) async fn finish(self) {
        self.limit.finish(self.stream).await;
    }

    /// Asks for a session, stops at the first answer, and leaves.
    pub(super) async fn start(mut self, message: &[u8]) -> Result<Startup, ProbeError> {
        let started = self.answer_to(message).await?;
        if started.answer == AuthAnswer::Method(AuthMethod::None) {
            let farewell = self.stream.write_all(&packets::TERMINATE);
            let _ = self.limit.wait(STARTUP, farewell).await?;
        }
        self.finish().await;
        Ok(started)
    }

    async fn answer_to(&mut self, message: &[u8]) -> Result<Startup, ProbeError> {
        let addr = self.limit.addr;
        let send = async {
            self.stream.write_all(message).await?;
            self.stream.flush().await
        };
        // A server that closed meanwhile may have said why.
        let _ = self.limit.wait(STARTUP, send).await?;
        let mut bytes = Vec::new();
        loop {
            let (protocol, first) = read(&bytes);
            let answer = match first {
                FirstMessage::Authentication(method) => AuthAnswer::Method(method),
                FirstMessage::Error(error) => AuthAnswer::Error(error),
                FirstMessage::Garbage => {
                    let preview = preview(&bytes);
                    return Err(ProbeError::Unintelligible { addr, awaited: STARTUP, preview });
                }
                FirstMessage::Incomplete => {
                    bytes.reserve(CHUNK_BYTES);
                    let received = self.stream.read_buf(&mut bytes);
                    match self.limit.wait(STARTUP, received).await?.map_err(|e| explain(addr, e)) {
                        Ok(1..) => continue,
                        Ok(0) | Err(ProbeError::Closed { .. }) => AuthAnswer::Closed,
                        Err(error) => return Err(error),
                    }
                }
            };
            return Ok(Startup { protocol, answer });
        }
    }
}

/// The negotiated protocol, if any, and the message behind it.
fn read(bytes: &[u8]) -> (Option<(u16, u16)>, FirstMessage) {
    match packets::parse_negotiation(bytes) {
        Some((protocol, behind)) => (Some(protocol), packets::parse_first_message(behind)),
        None if bytes.first() == Some(&b'v') && bytes.len() < packets::MAX_MESSAGE_BYTES => {
            (None, FirstMessage::Incomplete)
        }
        None => (None, packets::parse_first_message(bytes)),
    }
}

/// Asks for a session with a version of the protocol newer than any, and again with the oldest
/// where the server takes offence at it, as poolers do.
pub(super) async fn start(
    line: &Line<'_>,
    client: &Client,
    finished: Finished,
) -> Result<Startup, ProbeError> {
    let Plan { user, database, .. } = *line.plan;
    let newest = startup(packets::PROTOCOL_3_9999, user, database)?;
    let started = line.settle(finished.start(&newest).await);
    if started.as_ref().is_ok_and(|started| is_of_the_role(&started.answer)) {
        return started;
    }
    let again = line.settle(client.shake(line.open_tls().await?).await)?;
    line.settle(again.start(&startup(packets::PROTOCOL_3_0, user, database)?).await)
}

/// Whether an answer is about the role and the state of the server, not about the protocol.
fn is_of_the_role(answer: &AuthAnswer) -> bool {
    match answer {
        AuthAnswer::Method(_) => true,
        AuthAnswer::Error(error) => {
            ["28", "3D", "53", "57"].iter().any(|class| error.sqlstate.starts_with(class))
        }
        AuthAnswer::Closed => false,
    }
}

fn algorithms() -> rustls::crypto::WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

/// A configuration whose server is only watched; the certificate is the client's own.
fn config(
    witness: &Arc<Witness>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> ClientConfig {
    todo!()
}
