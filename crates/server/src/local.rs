//! Only what calls this machine by a name of its own reads what is not signed.
//!
//! A web page elsewhere whose name is made to lead to a loopback address (DNS rebinding) has the
//! browser send that name. Requests of the API are signed and may use any.

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

const REFUSAL: &str = "Ask for this by a loopback address, localhost or a name that ends in \
                       .localhost.\n";

/// Answers requests for this machine, and refuses others (RFC 9110 §15.5.20).
pub(crate) async fn require_local(request: Request<Body>, next: Next) -> Response {
    if is_local(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, REFUSAL).into_response()
}

/// Whether every `Host` means this machine; HTTP/1.0 has none, and no browser speaks it.
fn is_local(headers: &HeaderMap) -> bool {
    headers.get_all(header::HOST).iter().all(|host| {
        let authority = Authority::try_from(host.as_bytes());
        authority.is_ok_and(|it| is_local_name(it.host()))
    })
}

fn is_local_name(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return address.parse().is_ok_and(|it: std::net::Ipv6Addr| it.is_loopback());
    }
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|it: std::net::Ipv4Addr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn allows(hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        is_local(&headers)
    }

    #[test]
    fn names_of_this_machine_alone_are_local() {
        let local = "127.0.0.1 127.0.0.1:7432 127.8.9.10:80 [::1] [::1]:7432 localhost \
                     LocalHost:7432 api.localhost";
        for host in local.split(' ') {
            assert!(allows(&[host]), "{host}");
        }
        let strange = "evil.example localhost.evil.example:7432 evillocalhost \
                       127.0.0.1.evil.example 128.0.0.1 0.0.0.0:7432 10.0.0.1 [::2]:7432 ::1 a/b";
        for host in strange.split(' ').chain([""]) {
            assert!(!allows(&[host]), "{host}");
        }
        assert!(allows(&[]));
        assert!(!allows(&["localhost", "evil.example"]));
    }
}
