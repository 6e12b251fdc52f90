//! Connections of clients, each within bounds, so that none of them, and no number of them, takes
//! the API from the others: slow ones are closed, and more than [`CONNECTIONS`] wait.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tracing::debug;

/// How many connections are served at a time; a service manager gives a process 1024 files, and
/// each instance takes two. The kernel keeps more waiting.
pub(crate) const CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request, the first one or the next.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(20);
/// The most bytes of a head, and its most headers: the address of a GET has the whole form, which
/// has at most 64 KiB there (RFC 9110 §4.1 asks for 8000).
const HEAD_BYTES: usize = 128 * 1024;
const HEADERS: usize = 64;
/// How long a connection lives: who does not read its answers is no client any more.
const CONNECTION_LIMIT: Duration = Duration::from_mins(5);
/// How long requests under way may take to end once the connection is to.
const GRACE_PERIOD: Duration = Duration::from_secs(5);
/// After a connection could not be accepted, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` resolves, then answers the requests that are under way.
pub(crate) async fn listen(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let (told, heard) = watch::channel(());
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let accept = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (stream, peer) = accept(&listener).await;
            let (router, heard) = (router.clone(), heard.clone());
            tokio::spawn(async move {
                if let Err(error) = serve(stream, router, heard).await {
                    debug!(%peer, error = &error as &dyn std::error::Error, "a connection broke");
                }
                drop(place);
            });
        }
    };
    tokio::select! { () = accept => {}, () = shutdown => {} }
    drop(listener);
    drop(heard);
    let _ = told.send(());
    let _ = timeout(GRACE_PERIOD, told.closed()).await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "no connection accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection until it ends, its time is over, or `heard` tells that all end.
async fn serve(
    stream: TcpStream,
    router: Router,
    mut heard: watch::Receiver<()>,
) -> hyper::Result<()> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        ended = &mut connection => return ended,
        _ = heard.changed() => {}
        () = sleep(CONNECTION_LIMIT) => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(GRACE_PERIOD, connection).await.unwrap_or(Ok(()))
}
