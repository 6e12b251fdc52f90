//! One TCP connection to an endpoint, with one deadline for everything that happens on it.
//!
//! Invariant: every wait ends at the deadline and every read is bounded. A connection is ended
//! with [`Wire::finish`], not by dropping it: PostgreSQL logs a connection that is reset, and
//! stays silent when it reads an orderly end of file in place of the next packet.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::error::ProbeError;
use crate::packets::{self, FirstMessage, ServerMessage};

const REQUESTED: &str = "answer the request for TLS";
const CHUNK_BYTES: usize = 4096;
const MAX_FAREWELL_BYTES: usize = 64 * 1024;
/// The answer is known by then: a server that does not close must not hold it back for long.
const FAREWELL: Duration = Duration::from_millis(500);

/// A connection to `addr` that must be done `within` its time.
pub(crate) struct Wire {
    pub(crate) addr: SocketAddr,
    pub(crate) stream: TcpStream,
    pub(crate) limit: Limit,
}

/// The answer to a request for encryption.
pub(crate) enum Reply {
    Yes,
    No,
    Error(ServerMessage),
    Closed,
    /// The beginning of what came instead.
    Garbage(String),
}

/// The total time for a question.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) addr: SocketAddr,
    within: Duration,
    deadline_at: Instant,
}

impl Limit {
    pub(crate) fn new(addr: SocketAddr, within: Duration) -> Self {
        Self { addr, within, deadline_at: Instant::now() + within }
    }

    /// Waits for `work`, but not beyond the deadline.
    pub(crate) async fn wait<T>(
        self,
        awaited: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, ProbeError> {
        let Self { addr, within, deadline_at } = self;
        let late = |_| ProbeError::TimedOut { addr, awaited, within };
        timeout_at(deadline_at, work).await.map_err(late)
    }

    /// Tells the other side that nothing more comes, and reads until it closes too.
    ///
    /// Closing with unread bytes would reset the connection (RFC 1122 §4.2.2.13), which is an
    /// error line in the server's log. Failures are of no interest: the answer is known.
    pub(crate) async fn finish(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let farewell = async {
            stream.shutdown().await?;
            let mut sink = vec![0; CHUNK_BYTES];
            let mut seen = 0;
            while seen < MAX_FAREWELL_BYTES {
                match stream.read(&mut sink).await? {
                    0 => break,
                    count => seen += count,
                }
            }
            io::Result::Ok(())
        };
        let until = self.deadline_at.min(Instant::now() + FAREWELL);
        let _ = timeout_at(until, farewell).await;
    }
}

impl Wire {
    /// Connects.
    pub(crate) async fn open(addr: SocketAddr, within: Duration) -> Result<Self, ProbeError> {
        let limit = Limit::new(addr, within);
        let failed = |source| ProbeError::Connect { addr, source };
        let stream = limit.wait("accept a connection", TcpStream::connect(addr)).await?;
        let stream = stream.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { addr, stream, limit })
    }

    /// Connects and asks for TLS; the next bytes are those of a handshake.
    pub(crate) async fn open_tls(addr: SocketAddr, within: Duration) -> Result<Self, ProbeError> {
        Self::open(addr, within).await?.request_tls().await
    }

    /// Asks for TLS; the next bytes are those of a handshake.
    pub(crate) async fn request_tls(mut self) -> Result<Self, ProbeError> {
        let addr = self.addr;
        match self.request(&packets::SSL_REQUEST, b'S').await? {
            Reply::Yes => Ok(self),
            Reply::No => {
                self.finish().await;
                Err(ProbeError::TlsDeclined { addr })
            }
            Reply::Error(answer) => {
                self.finish().await;
                Err(ProbeError::ServerError { addr, answer })
            }
            Reply::Closed => Err(ProbeError::Closed { addr, awaited: REQUESTED }),
            Reply::Garbage(preview) => {
                Err(ProbeError::Unintelligible { addr, awaited: REQUESTED, preview })
            }
        }
    }

    /// Asks for encryption; where the answer is `yes`, the next bytes are those of a handshake.
    ///
    /// Exactly one byte is read: bytes behind the `S` could only come from a third party
    /// (CVE-2021-23222) and become part of a handshake that then fails.
    pub(crate) async fn request(&mut self, packet: &[u8], yes: u8) -> Result<Reply, ProbeError> {
        self.send(packet, REQUESTED).await?;
        let mut answer = [0; 1];
        let read = self.limit.wait(REQUESTED, self.stream.read(&mut answer)).await?;
        if self.count(read, REQUESTED)? == 0 {
            return Ok(Reply::Closed);
        }
        if answer[0] == yes {
            return Ok(Reply::Yes);
        }
        if answer[0] == b'N' {
            return Ok(Reply::No);
        }
        let mut bytes = answer.to_vec();
        loop {
            match packets::parse_first_message(&bytes) {
                FirstMessage::Incomplete if self.receive(&mut bytes, REQUESTED).await? > 0 => {}
                FirstMessage::Error(answer) => return Ok(Reply::Error(answer)),
                _ => return Ok(Reply::Garbage(preview(&bytes))),
            }
        }
    }

    /// Sends bytes. A connection that the server closed meanwhile is no error here: what it
    /// said before it closed is still to be read.
    pub(crate) async fn send(
        &mut self,
        bytes: &[u8],
        awaited: &'static str,
    ) -> Result<(), ProbeError> {
        match self.limit.wait(awaited, self.stream.write_all(bytes)).await? {
            Err(source) if !is_close(&source) => {
                Err(ProbeError::Io { addr: self.addr, awaited, source })
            }
            _ => Ok(()),
        }
    }

    /// Appends what arrives next to `bytes`; 0 is the end.
    pub(crate) async fn receive(
        &mut self,
        bytes: &mut Vec<u8>,
        awaited: &'static str,
    ) -> Result<usize, ProbeError> {
        bytes.reserve(CHUNK_BYTES);
        let read = self.limit.wait(awaited, self.stream.read_buf(bytes)).await?;
        self.count(read, awaited)
    }

    /// Ends the connection in order.
    pub(crate) async fn finish(self) {
        self.limit.finish(self.stream).await;
    }

    /// The length of what was read; a connection that was cut is at its end.
    fn count(&self, read: io::Result<usize>, awaited: &'static str) -> Result<usize, ProbeError> {
        match read {
            Ok(count) => Ok(count),
            Err(source) if is_close(&source) => Ok(0),
            Err(source) => Err(ProbeError::Io { addr: self.addr, awaited, source }),
        }
    }
}

/// The beginning of an unintelligible answer, for a person to look at.
pub(crate) fn preview(bytes: &[u8]) -> String {
    bytes.iter().take(32).flat_map(|byte| byte.escape_ascii()).map(char::from).collect()
}

fn is_close(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}
