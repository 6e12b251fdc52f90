//! HTTP around the API: the way of a request from bytes to an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, Request as HttpRequest, Response as HttpResponse, StatusCode, header};
use pgkeep_query::sigv4::{RequestHead, Target, verify};
use pgkeep_query::{MAX_BODY_BYTES, Params, Request, Secret, render_error};
use pgkeep_workflow::Control;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::actions;
use crate::error::ApiError;
use crate::listen::HEAD_LIMIT;
use crate::metrics::Latencies;
use crate::places::Place;

/// How long a client may take to send the body of a request.
const BODY_LIMIT: Duration = HEAD_LIMIT;

/// The one key that may sign requests.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
}

/// What a handler works with.
pub(crate) struct Api {
    pub(crate) control: Arc<Control>,
    pub(crate) credentials: Credentials,
    pub(crate) latencies: Latencies,
}

/// Answers a request of the AWS Query protocol.
pub(crate) async fn handle(
    State(api): State<Arc<Api>>,
    request: HttpRequest<Body>,
) -> HttpResponse<Body> {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (head, body) = request.into_parts();
    let body = timeout(BODY_LIMIT, to_bytes(body, MAX_BODY_BYTES)).await;
    if let Some(place) = head.extensions.get::<Arc<Place>>() {
        place.keep();
    }
    let begun = Instant::now();
    let (action, answer) = match body {
        Ok(Ok(body)) => {
            // The state file and the hash of a password block.
            let (id, api) = (request_id.clone(), Arc::clone(&api));
            let work = tokio::task::spawn_blocking(move || api.answer(&head, &body, &id));
            work.await.unwrap_or_else(|error| (None, Err(ApiError::panicked(error))))
        }
        Ok(Err(_)) => refused(format!("A request has at most {MAX_BODY_BYTES} bytes.")),
        Err(_) => refused(format!("A request takes at most {} s.", BODY_LIMIT.as_secs())),
    };
    api.latencies.observe(action, &answer, begun.elapsed());
    match answer {
        Ok(xml) => respond(StatusCode::OK, &request_id, xml),
        Err(error) => refuse(&error, &request_id),
    }
}

fn refused(message: String) -> (Option<&'static str>, Result<String, ApiError>) {
    (None, Err(ApiError::value(message)))
}

/// Answers with an error; its cause goes to the log.
pub(crate) fn refuse(error: &ApiError, request_id: &str) -> HttpResponse<Body> {
    if let Some(source) = &error.source {
        let source: &(dyn std::error::Error + 'static) = &**source;
        warn!(request_id, error = source, "a request failed");
    }
    let status =
        StatusCode::from_u16(error.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, request_id, render_error(error.code, &error.message, request_id))
}

impl Api {
    /// The operation, as far as there is one, and its answer.
    fn answer(
        &self,
        head: &Parts,
        body: &Bytes,
        request_id: &str,
    ) -> (Option<&'static str>, Result<String, ApiError>) {
        let request = match self.read(head, body) {
            Ok(request) => request,
            Err(error) => return (None, Err(error)),
        };
        let action = request.action();
        info!(request_id, action, "request");
        let answer = actions::answer(&self.control, request);
        (Some(action), answer.map(|answer| answer.render(request_id)))
    }

    fn read(&self, head: &Parts, body: &Bytes) -> Result<Request, ApiError> {
        self.check_signature(head, body)?;
        let query = head.uri.query().unwrap_or("");
        let form = if head.method == Method::GET { query.as_bytes() } else { body };
        let params = Params::parse(form)?;
        Ok(Request::decode(params.action()?, &params)?)
    }

    fn check_signature(&self, head: &Parts, body: &[u8]) -> Result<(), ApiError> {
        let mut headers = Vec::with_capacity(head.headers.len());
        for (name, value) in &head.headers {
            let value = value
                .to_str()
                .map_err(|_| ApiError::value(format!("The header {name} is not text.")))?;
            headers.push((name.as_str(), value));
        }
        let request = RequestHead {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or(""),
            headers: &headers,
        };
        let target = Target { region: self.control.installation().region.as_str(), service: "rds" };
        let secret = |id: &str| {
            let credentials = &self.credentials;
            (id == credentials.access_key_id).then(|| credentials.secret_access_key.clone())
        };
        verify(&request, body, target, secret, self.control.clock().now())?;
        Ok(())
    }
}

fn respond(status: StatusCode, request_id: &str, xml: String) -> HttpResponse<Body> {
    let mut response = HttpResponse::new(Body::from(xml));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml"));
    if let Ok(value) = header::HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    response
}
