//! The control plane's HTTP: the RDS API, the trust bundles and the metrics, on one router.
//!
//! Actions read and write the state file and wake the driver; they never touch a data directory
//! or a process.

mod actions;
mod bundles;
mod error;
mod filter;
mod http;
mod kept;
mod metrics;
mod page;
mod parameters;
mod render;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use pgkeep_workflow::Control;
use tokio::net::TcpListener;

pub use http::Credentials;

use http::Api;
use metrics::Latencies;

/// How long requests under way may take to end once the server was told to.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// Serves until `shutdown` resolves, then answers the requests that are under way.
pub async fn serve(
    control: Arc<Control>,
    credentials: Credentials,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, mut heard) = tokio::sync::watch::channel(false);
    let told_when_over = async move {
        shutdown.await;
        let _ = told.send(true);
    };
    let server =
        axum::serve(listener, router(control, credentials)).with_graceful_shutdown(told_when_over);
    let patience = async {
        let _ = heard.wait_for(|told| *told).await;
        tokio::time::sleep(GRACE_PERIOD).await;
    };
    tokio::select! {
        result = server => result,
        () = patience => Ok(()),
    }
}

fn router(control: Arc<Control>, credentials: Credentials) -> Router {
    Router::new()
        .route("/", get(http::handle).post(http::handle))
        .route("/metrics", get(metrics::metrics))
        .route("/{scope}/{file}", get(bundles::bundle))
        .with_state(Arc::new(Api { control, credentials, latencies: Latencies::default() }))
}
