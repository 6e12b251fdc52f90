//! What passes before anything is encrypted: requests for encryption, a startup without it, and a
//! `ClientHello` that comes unasked.

use super::line::{Line, explain};
use super::tunnel::{Abilities, Client};
use super::{Asked, AuthAnswer, DirectTls, GssAnswer, SslAnswer};
use crate::error::ProbeError;
use crate::packets;
use crate::plaintext::{self, PlaintextAnswer, startup};
use crate::wire::{Reply, Wire};

/// Asks for TLS; where the server agrees, the connection is ready for a handshake.
pub(super) async fn ssl_request(line: &Line<'_>) -> (SslAnswer, Option<Wire>) {
    let mut wire = match line.open().await {
        Ok(wire) => wire,
        Err(ProbeError::TimedOut { .. }) => return (SslAnswer::TimedOut, None),
        Err(error) => return (SslAnswer::Unreachable(explain(&error)), None),
    };
    let answer = match line.settle(wire.request(&packets::SSL_REQUEST, b'S').await) {
        Ok(Reply::Yes) => return (SslAnswer::Accepted, Some(wire)),
        Ok(Reply::No) => SslAnswer::Declined,
        Ok(Reply::Error(error)) => SslAnswer::Error(error),
        Ok(Reply::Garbage(preview)) => SslAnswer::Garbage(preview),
        Err(ProbeError::TimedOut { .. }) => SslAnswer::TimedOut,
        Ok(Reply::Closed) | Err(_) => SslAnswer::Closed,
    };
    wire.finish().await;
    (answer, None)
}

/// Asks for GSSAPI's encryption.
pub(super) async fn gss_request(line: &Line<'_>) -> Asked<GssAnswer> {
    let ask = async {
        let mut wire = line.open().await?;
        let answer = match line.settle(wire.request(&packets::GSS_REQUEST, b'G').await)? {
            Reply::Yes => GssAnswer::Accepted,
            Reply::No => GssAnswer::Declined,
            Reply::Error(error) => GssAnswer::Error(error),
            Reply::Closed => GssAnswer::Closed,
            Reply::Garbage(preview) => GssAnswer::Garbage(preview),
        };
        wire.finish().await;
        Ok(answer)
    };
    line.asked(ask.await)
}

/// Asks for a session without TLS.
pub(super) async fn plaintext(line: &Line<'_>) -> Asked<PlaintextAnswer> {
    let ask = async {
        let startup = startup(packets::PROTOCOL_3_0, line.plan.user, line.plan.database)?;
        line.settle(plaintext::ask(line.open().await?, &startup).await)
    };
    line.asked(ask.await)
}

/// Begins a handshake unasked, with ALPN and, unless in haste, without. The chain is the one that
/// was shown to a client that was let in.
pub(super) async fn direct_tls(
    line: &Line<'_>,
) -> (Asked<DirectTls>, Asked<DirectTls>, Vec<Vec<u8>>) {
    let with = async {
        let client = Client::able_to(line.plan, Abilities::default())?;
        let answer = direct(line, &client).await?;
        let chain = match answer {
            DirectTls::Accepted { alpn: true } => client.shown().chain,
            _ => Vec::new(),
        };
        Ok((answer, chain))
    };
    let without = async {
        let client = Client::able_to(line.plan, Abilities { alpn: false, ..Abilities::default() })?;
        direct(line, &client).await
    };
    let without = async { if line.plan.fast { Asked::No } else { line.asked(without.await) } };
    let (with, without) = tokio::join!(with, without);
    let chain = with.as_ref().map(|(_, chain)| chain.clone()).unwrap_or_default();
    (line.asked(with.map(|(answer, _)| answer)), without, chain)
}

async fn direct(line: &Line<'_>, client: &Client) -> Result<DirectTls, ProbeError> {
    let wire = line.open().await?;
    let finished = match line.settle(client.shake(wire).await) {
        Ok(finished) => finished,
        Err(ProbeError::Handshake { source: rustls::Error::AlertReceived(alert), .. }) => {
            return Ok(DirectTls::Alert(alert.into()));
        }
        Err(error @ ProbeError::TimedOut { .. }) => return Err(error),
        Err(_) => return Ok(DirectTls::Refused),
    };
    if finished.alpn() {
        finished.finish().await;
        return Ok(DirectTls::Accepted { alpn: true });
    }
    // 17 and later finish the handshake, and then end what did not name the protocol.
    let startup = startup(packets::PROTOCOL_3_0, line.plan.user, line.plan.database)?;
    Ok(match line.settle(finished.start(&startup).await)?.answer {
        AuthAnswer::Closed => DirectTls::Refused,
        _ => DirectTls::Accepted { alpn: false },
    })
}
