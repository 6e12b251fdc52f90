//! Trust bundles over HTTP, at the paths that the service's own have, and revocation lists beside
//! them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::http::Api;

const PEM: &str = "application/x-pem-file";
const P7B: &str = "application/x-pkcs7-certificates";

/// `/<scope>/<file>`: the scope is `global` or the region.
pub(crate) async fn bundle(
    State(api): State<Arc<Api>>,
    Path((scope, file)): Path<(String, String)>,
) -> impl IntoResponse {
    let region = api.control.installation().region.as_str();
    let authorities = api.control.authorities();
    if scope != "global" && scope != region {
        return not_found();
    }
    let is_bundle = |name: &str| name == format!("{scope}-bundle");
    match file.rsplit_once('.') {
        Some((name, "pem")) if is_bundle(name) => found(PEM, authorities.bundle_pem().into_bytes()),
        Some((name, "p7b")) if is_bundle(name) => found(P7B, authorities.bundle_p7b().to_vec()),
        Some((name, "crl")) if is_bundle(name) => found(PEM, authorities.crl_pem().into_bytes()),
        Some((name, "crl")) if scope == "global" => match authorities.authority_crl(name) {
            Ok(crl) => found(PEM, crl.as_bytes().to_vec()),
            Err(_) => not_found(),
        },
        Some((name, "pem")) if scope == "global" => match authorities.authority_pem(name) {
            Ok(pem) => found(PEM, pem.into_bytes()),
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

fn found(kind: &'static str, content: Vec<u8>) -> axum::response::Response {
    ([(header::CONTENT_TYPE, kind)], content).into_response()
}

fn not_found() -> axum::response::Response {
    let message = "There is no such bundle. Try /global/global-bundle.pem.\n";
    (StatusCode::NOT_FOUND, message).into_response()
}
