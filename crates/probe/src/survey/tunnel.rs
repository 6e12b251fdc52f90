//! Handshakes that are finished, and the answer to a `StartupMessage` inside of them.

use std::sync::Arc;

use rustls::client::{self, ClientSessionStore};
use rustls::crypto::aws_lc_rs;
use rustls::{
    CertificateError, ClientConfig, Error, HandshakeKind, SignatureScheme, SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::hellos::TLS12;
use super::line::Line;
use super::{Asked, AuthAnswer, Plan, ProtocolVersion, Resumption};
use crate::error::ProbeError;
use crate::handshake::{explain, parse_server_name};
use crate::names::{self, Cipher};
use crate::packets::{self, AuthMethod, FirstMessage};
use crate::plaintext::startup;
use crate::server_hello::{Flight, ServerHello};
use crate::version::TlsVersion;
use crate::wire::{Limit, Wire, preview};
use crate::witness::{Sessions, Shown, Witness, schemes};

const ONLY_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const HANDSHAKE: &str = "finish the TLS handshake";
const STARTUP: &str = "answer a startup inside TLS";
/// What 17 and later want to be told in a handshake that comes first.
const ALPN: &[u8] = b"postgresql";
const CHUNK_BYTES: usize = 4096;

/// A client of TLS 1.2 and 1.3.
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    witness: Arc<Witness>,
    pub(super) sessions: Arc<Sessions>,
}

/// What a client can do.
pub(super) struct Abilities {
    pub(super) versions: &'static [&'static SupportedProtocolVersion],
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) alpn: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Self { versions: rustls::ALL_VERSIONS, schemes: schemes(&algorithms()), alpn: true }
    }
}

/// A handshake that was finished.
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
    /// A client that understands everything that rustls does.
    pub(super) fn new(plan: &Plan<'_>) -> Result<Self, ProbeError> {
        Self::able_to(plan, Abilities::default())
    }

    pub(super) fn able_to(plan: &Plan<'_>, abilities: Abilities) -> Result<Self, ProbeError> {
        let witness = Witness::new(algorithms(), abilities.schemes);
        let sessions = Sessions::new();
        let config = config(Arc::clone(&witness) as _, abilities.versions, None);
        let failed =
            |what| ProbeError::Handshake { addr: plan.addr, source: rustls::Error::General(what) };
        let mut config = config.map_err(failed)?;
        if !abilities.alpn {
            config.alpn_protocols.clear();
        }
        let store: Arc<dyn ClientSessionStore> = Arc::clone(&sessions) as _;
        config.resumption = client::Resumption::store(store);
        let name = parse_server_name(plan.server_name);
        let name = name.unwrap_or(ServerName::IpAddress(plan.addr.ip().into()));
        Ok(Self { config: Arc::new(config), name, witness, sessions })
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

    /// The version and suite agreed on.
    pub(super) fn agreed(&self) -> Option<(TlsVersion, Cipher)> {
        let connection = self.stream.get_ref().1;
        let version = TlsVersion::from_code(connection.protocol_version()?.into())?;
        Some((version, names::cipher(connection.negotiated_cipher_suite()?.suite().into())?))
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

/// What the first connection showed.
pub(super) struct Inside {
    pub(super) authentication: Asked<AuthAnswer>,
    pub(super) protocol: Asked<(u16, u16)>,
    pub(super) key_proved: Asked<bool>,
    pub(super) agreed: Option<(TlsVersion, Cipher)>,
    pub(super) shown: Shown,
}

/// Finishes a handshake and asks for a session inside of it.
pub(super) async fn inside(line: &Line<'_>, client: &Client, wire: Wire) -> Inside {
    let finished = line.settle(client.shake(wire).await);
    let shown = client.shown();
    let key_proved = match (&finished, &shown.signature) {
        (Ok(_), Some((_, Ok(())))) => Asked::Answer(true),
        (Ok(_), Some((_, Err(Error::InvalidCertificate(CertificateError::BadSignature))))) => {
            Asked::Answer(false)
        }
        (Ok(_), Some((_, Err(error)))) => Asked::Failed(error.to_string()),
        _ => Asked::No,
    };
    let (agreed, started) = match finished {
        Ok(finished) => (finished.agreed(), start(line, client, finished).await),
        Err(error) => (None, Err(error)),
    };
    let protocol = started.as_ref().ok().and_then(|started| started.protocol);
    let protocol = protocol.map_or(Asked::No, Asked::Answer);
    let authentication = line.asked(started.map(|started| started.answer));
    Inside { authentication, protocol, key_proved, agreed, shown }
}

/// The chain for clients that understand only the other kind of signatures, if there is another.
pub(super) async fn other_chain(line: &Line<'_>, first: &Shown) -> Option<Vec<Vec<u8>>> {
    let (code, _) = first.signature.as_ref()?;
    let schemes = schemes(&algorithms()).into_iter();
    let schemes = schemes.filter(|it| is_rsa((*it).into()) != is_rsa(*code)).collect();
    let client = Client::able_to(line.plan, Abilities { schemes, ..Abilities::default() }).ok()?;
    // That it fails is the usual answer: there is one certificate.
    let finished = line.settle(client.shake(line.open_tls().await.ok()?).await).ok()?;
    finished.finish().await;
    Some(client.shown().chain).filter(|chain| !chain.is_empty() && *chain != first.chain)
}

/// Whether a scheme is one of RSA keys.
fn is_rsa(code: u16) -> bool {
    code & 0xff == 0x01 || matches!(code, 0x0804..=0x0806 | 0x0809..=0x080b)
}

/// Whether the server gives sessions to take up again, and does.
pub(super) async fn resumption(
    line: &Line<'_>,
    newest: &Client,
    flights: &[(ProtocolVersion, Flight, ServerHello)],
) -> Asked<Resumption> {
    let tls12 = flights.iter().find(|it| it.0 <= TLS12).map(|it| &it.2);
    let session_id = tls12.is_some_and(|hello| hello.session_id);
    let ticket = tls12.is_some_and(|hello| hello.ticket);
    let mut seen = Resumption { session_id, ticket, resumed: false };
    let ask = async {
        if newest.sessions.were_given() {
            seen.ticket = true;
            seen.resumed |= shake_again(line, newest).await?;
        }
        if session_id || ticket {
            let abilities = Abilities { versions: ONLY_TLS12, ..Abilities::default() };
            let older = Client::able_to(line.plan, abilities)?;
            shake_again(line, &older).await?;
            seen.resumed |= shake_again(line, &older).await?;
        }
        Ok(seen)
    };
    line.asked(ask.await)
}

/// Makes a handshake that takes up an earlier session if it can, and says whether it did.
async fn shake_again(line: &Line<'_>, client: &Client) -> Result<bool, ProbeError> {
    let finished = line.settle(client.shake(line.open_tls().await?).await)?;
    let is_resumed = finished.is_resumed();
    finished.finish().await;
    Ok(is_resumed)
}

pub(super) fn algorithms() -> rustls::crypto::WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

/// A configuration whose server is only watched; the certificate, in PEM, is the client's own.
pub(super) fn config(
    witness: Arc<Witness>,
    versions: &[&'static SupportedProtocolVersion],
    own: Option<(&str, &str)>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(witness);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
            let chain = chain.collect::<Result<_, _>>();
            let chain = chain.map_err(|error| format!("the client certificate: {error}"))?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
            let key = key.map_err(|error| format!("the client's key: {error}"))?;
            let built = builder.with_client_auth_cert(chain, key);
            built.map_err(|error| format!("the client certificate: {error}"))?
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
