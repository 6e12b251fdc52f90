//! A client of the RDS API on loopback, signed as AWS's own clients sign.
//!
//! quickstart goes the way that everybody goes, so that it shows that way to work.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use pgkeep_model::Clock as _;
use pgkeep_query::API_VERSION;
use pgkeep_query::sigv4::{AccessKeyId, RequestHead, Target, sign};
use pgkeep_server::Credentials;
use ureq::Agent;

use crate::clock::SystemClock;

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
const LIMIT: Duration = Duration::from_secs(30);
/// Unreserved characters stay themselves (RFC 3986 §2.3).
const PLAIN: &str = "-_.~";

/// Who calls which API.
#[derive(Clone)]
pub(crate) struct ApiClient {
    pub(crate) address: SocketAddr,
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
}

impl ApiClient {
    /// Calls an operation; blocks. The answer's XML, or the service's own words of refusal.
    pub(crate) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> anyhow::Result<String> {
        let fixed = [("Action", action), ("Version", API_VERSION)];
        let pairs = fixed.iter().chain(parameters);
        let pairs: Vec<_> =
            pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let body = pairs.join("&");
        let host = self.address.to_string();
        let headers = [("host", host.as_str()), ("content-type", CONTENT_TYPE)];
        let head = RequestHead { method: "POST", path: "/", query: "", headers: &headers };
        let target = Target { region: &self.region, service: "rds" };
        let id = AccessKeyId(self.credentials.access_key_id.clone());
        let secret = &self.credentials.secret_access_key;
        let signature = sign(&head, body.as_bytes(), target, &id, secret, SystemClock.now())?;
        let mut request = agent().post(format!("http://{host}/"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request
            .header("x-amz-date", signature.x_amz_date)
            .header("authorization", signature.authorization);
        let answer = request.send(&body).with_context(|| format!("cannot call {action}"))?;
        let status = answer.status();
        let xml = answer.into_body().read_to_string().context("cannot read the API's answer")?;
        if status.is_success() {
            return Ok(xml);
        }
        let message = element(&xml, "Message").unwrap_or_else(|| status.to_string());
        bail!("{action} was refused: {message}")
    }
}

/// A client that goes straight to loopback, whatever proxy the environment names.
fn agent() -> Agent {
    Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(LIMIT))
        .build()
        .new_agent()
}

fn encode(value: &str) -> String {
    let encode = |byte: u8| match char::from(byte) {
        c if c.is_ascii_alphanumeric() || PLAIN.contains(c) => c.to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

/// The text of the first element of that name, which has no children.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let decode = |text: String, (entity, c): (&str, &str)| text.replace(entity, c);
    Some(entities.into_iter().fold(text.to_owned(), decode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_form_and_messages_the_xml() {
        let value = "a b+c&d=e/é~";
        assert_eq!(encode(value), "a%20b%2Bc%26d%3De%2F%C3%A9~");
        let body = format!("Action=X&Version={API_VERSION}&V={}", encode(value));
        assert!(pgkeep_query::Params::parse(body.as_bytes()).is_ok());
        let xml = "<Error><Message>a &lt;b&gt; &amp;amp; c</Message></Error>";
        assert_eq!(element(xml, "Message").unwrap(), "a <b> &amp; c");
    }
}
