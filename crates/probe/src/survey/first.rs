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

/// Begins a handshake unasked, with ALPN and, unless in haste, without.
pub(super) async fn direct_tls(line: &Line<'_>) -> (Asked<DirectTls>, Asked<DirectTls>) {
    let with = async { line.asked(direct(line, true).await) };
    let without =
        async { if line.plan.fast { Asked::No } else { line.asked(direct(line, false).await) } };
    tokio::join!(with, without)
}

async fn direct(line: &Line<'_>, alpn: bool) -> Result<DirectTls, ProbeError> {
    let client = Client::able_to(line.plan, Abilities { alpn, ..Abilities::default() })?;
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
