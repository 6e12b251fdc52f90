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
mod listen;
mod local;
mod metrics;
mod page;
mod parameters;
mod places;
mod render;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use pgkeep_workflow::Control;
use tokio::net::TcpListener;

pub use http::Credentials;

use http::Api;
use metrics::Latencies;

/// Serves until `shutdown` resolves, then answers the requests that are under way.
pub async fn serve(
    control: Arc<Control>,
    credentials: Credentials,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    listen::listen(listener, router(control, credentials), shutdown).await;
}

fn router(control: Arc<Control>, credentials: Credentials) -> Router {
    let unsigned = Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/{scope}/{file}", get(bundles::bundle))
        .route_layer(from_fn(local::require_local));
    Router::new()
        .route("/", get(http::handle).post(http::handle))
        .merge(unsigned)
        .with_state(Arc::new(Api { control, credentials, latencies: Latencies::default() }))
}
