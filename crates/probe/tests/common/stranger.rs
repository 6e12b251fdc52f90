//! Servers that are not PostgreSQL, or choose what no PostgreSQL at hand can.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub type Answers = &'static [&'static [u8]];

/// What a server does after its answers.
#[derive(Clone, Copy)]
pub enum End {
    Closes,
    /// It keeps the connection until the client gives up, and longer.
    Hangs,
    /// It sends the same again and again, until the client closes.
    Floods(&'static [u8]),
}

/// A server that reads a packet, sends one of `answers` after each, and comes to its end.
pub async fn stranger(answers: Answers, end: End) -> SocketAddr {
    listen(move |mut stream| async move {
        let mut sink = [0; 4096];
        for answer in answers {
            let _ = stream.read(&mut sink).await;
            let _ = stream.write_all(answer).await;
        }
        match end {
            End::Closes => {}
            End::Hangs => {
                while matches!(stream.read(&mut sink).await, Ok(1..)) {}
                std::future::pending::<()>().await;
            }
            End::Floods(bytes) => while stream.write_all(bytes).await.is_ok() {},
        }
    })
    .await
}

/// A server of TLS 1.2 that shows a certificate in DER and chooses one of `suites`, or none. It
/// lets nobody in without TLS.
pub async fn choosing(suites: &'static [u16], certificate: Vec<u8>) -> SocketAddr {
    listen(move |stream| choose(stream, suites, certificate.clone())).await
}

async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    addr
}

async fn choose(mut stream: TcpStream, suites: &[u16], certificate: Vec<u8>) {
    const REFUSAL: &[u8] = b"E\0\0\0\x38C28000\0Mno pg_hba.conf entry for you, no encryption\0\0";
    let mut hello = [0; 4096];
    match stream.read(&mut hello).await {
        // `SSLRequest`.
        Ok(8) if hello[4..6] == [0x04, 0xd2] && hello[7] == 0x2f => {}
        // A handshake that comes unasked.
        Ok(_) if hello[0] == 22 => return,
        _ => {
            let _ = stream.write_all(REFUSAL).await;
            return;
        }
    }
    let _ = stream.write_all(b"S").await;
    let _ = stream.read(&mut hello).await;
    // The record's header, the message's, version and random, the session's id, the suites.
    let after_id = 44 + usize::from(hello[43]);
    let length = usize::from(u16::from_be_bytes([hello[after_id], hello[after_id + 1]]));
    let offered = hello[after_id + 2..after_id + 2 + length].chunks_exact(2);
    let offered: Vec<_> = offered.map(|code| u16::from_be_bytes([code[0], code[1]])).collect();
    let chosen = suites.iter().find(|suite| offered.contains(suite));
    let answer = match (&hello[9..11], chosen) {
        ([3, 3], Some(suite)) => flight(*suite, &certificate),
        ([3, 3], None) => vec![21, 3, 3, 0, 2, 2, 40],
        _ => vec![21, 3, 1, 0, 2, 2, 70],
    };
    let _ = stream.write_all(&answer).await;
    while matches!(stream.read(&mut hello).await, Ok(1..)) {}
}

/// `ServerHello` with secure renegotiation, `Certificate` and `ServerHelloDone`, in one record.
fn flight(suite: u16, certificate: &[u8]) -> Vec<u8> {
    let vector = |bytes: &[u8]| [&[0], &length(bytes)[..], bytes].concat();
    let message = |kind: u8, body: &[u8]| [&[kind], &vector(body)[..]].concat();
    let mut hello = [&[3, 3][..], &[0x70; 32], &[0]].concat();
    hello.extend(suite.to_be_bytes());
    hello.extend([0, 0, 5, 0xff, 0x01, 0, 1, 0]);
    let chain = vector(&vector(certificate));
    let messages = [message(2, &hello), message(11, &chain), message(14, &[])].concat();
    [&[22, 3, 3], &length(&messages)[..], &messages].concat()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_be_bytes()
}
