//! Connections of clients, each within bounds, so that none of them, and no number of them, takes
//! the API from the others: slow ones are closed, by [`HEAD_LIMIT`] or as soon as others want their
//! [`Places`].

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::places::{Place, Places};

/// How many connections the kernel keeps for us until they have a place; where it has no room, a
/// client tries again after a second or more. Linux takes `net.core.somaxconn` as the most, which
/// is the same by default; the standard library asks for 128.
const BACKLOG: i32 = 4096;
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
    if let Err(error) = rustix::net::listen(&listener, BACKLOG) {
        warn!(error = &error as &dyn std::error::Error, "few connections can wait");
    }
    let (told, heard) = watch::channel(());
    let places = Arc::new(Places::default());
    let accept = async {
        loop {
            let (stream, peer) = accept(&listener).await;
            let place = places.take().await;
            let (router, heard) = (router.clone(), heard.clone());
            tokio::spawn(async move {
                let served = tokio::select! {
                    // First whether the request is there after all.
                    biased;
                    served = serve(stream, router, Arc::clone(&place), heard) => served,
                    () = place.lost() => Ok(()),
                };
                if let Err(error) = served {
                    debug!(%peer, error = &error as &dyn std::error::Error, "a connection broke");
                }
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
    place: Arc<Place>,
    mut heard: watch::Receiver<()>,
) -> hyper::Result<()> {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let place = Arc::clone(&place);
        if request.body().is_end_stream() {
            place.keep();
        }
        request.extensions_mut().insert(Arc::clone(&place));
        let answered = router.call(request);
        async move {
            let mut answer = answered.await;
            if place.wait()
                && let Ok(answer) = &mut answer
            {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = &mut connection => return ended,
        _ = heard.changed() => {}
        () = sleep(CONNECTION_LIMIT) => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(GRACE_PERIOD, connection).await.unwrap_or(Ok(()))
}
