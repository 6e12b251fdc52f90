//! A caller of the API in its plainest form: one signed request a connection.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pgkeep_query::Secret;
use pgkeep_query::sigv4::{AccessKeyId, RequestHead, Target, sign};
use time::{Duration, OffsetDateTime};

use crate::Xml;

/// The version of the API that every request names.
const VERSION: &str = "2014-10-31";

/// Where the API is, and who asks.
#[derive(Debug, Clone)]
pub struct Api {
    host: String,
    region: String,
    access_key_id: AccessKeyId,
    secret: Secret,
    ahead: Duration,
}

/// An error that the API answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// `<Code>`.
    pub code: String,
    /// `<Message>`.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.message)
    }
}

impl Api {
    /// The API at `url`, asked with a key for a region.
    pub fn new(url: &str, region: &str, access_key_id: &str, secret: &str) -> Self {
        let host = url.strip_prefix("http://").expect("a plain HTTP address");
        Self {
            host: host.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
            access_key_id: AccessKeyId(access_key_id.to_owned()),
            secret: secret.into(),
            ahead: Duration::ZERO,
        }
    }

    /// The same of a pgkeep whose clock goes ahead by days, or behind.
    #[must_use]
    pub fn ahead(self, by: Duration) -> Self {
        Self { ahead: by, ..self }
    }

    /// Calls an operation and gives its answer.
    ///
    /// # Errors
    /// The error that the API answers.
    pub fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Xml, Refusal> {
        self.try_call(action, parameters).expect("the API answers")
    }

    /// Calls an operation of a pgkeep that may end meanwhile.
    ///
    /// # Errors
    /// There was no whole answer.
    pub fn try_call(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> io::Result<Result<Xml, Refusal>> {
        read_answer(self.send(&self.request(action, parameters))?)
    }

    /// Fetches a file: the status and the content.
    pub fn fetch(&self, path: &str) -> (u16, Vec<u8>) {
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host);
        self.send(&head).and_then(read_response).expect("the API answers")
    }

    /// A signed request, as it goes over the wire; the connection ends with the answer.
    pub fn request(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let encode = |(name, value): &(&str, &str)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        let fields = [("Action", action), ("Version", VERSION)];
        let form: Vec<_> = fields.iter().chain(parameters).map(encode).collect();
        let form = form.join("&");
        let kind = "application/x-www-form-urlencoded";
        let headers = [("content-type", kind), ("host", &*self.host)];
        let head = RequestHead { method: "POST", path: "/", query: "", headers: &headers };
        let target = Target { region: &self.region, service: "rds" };
        let now = now() + self.ahead;
        let key = &self.access_key_id;
        let signature =
            sign(&head, form.as_bytes(), target, key, &self.secret, now).expect("a host");
        format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nX-Amz-Date: {}\r\n\
             Authorization: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{form}",
            self.host,
            signature.x_amz_date,
            signature.authorization,
            form.len(),
        )
    }

    /// A request in an address alone that is good for some seconds, as a presigned URL is. The date
    /// is a header besides, since that is what can be signed here.
    pub fn presigned(&self, action: &str, expires_s: u32) -> String {
        let headers = [("host", &*self.host)];
        let target = Target { region: &self.region, service: "rds" };
        let (now, key) = (now() + self.ahead, &self.access_key_id);
        let signed = |query: &str| {
            let head = RequestHead { method: "GET", path: "/", query, headers: &headers };
            sign(&head, b"", target, key, &self.secret, now).expect("a host")
        };
        let date = signed("").x_amz_date;
        let query = format!(
            "Action={action}&Version={VERSION}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
             {}%2F{}%2F{}%2Frds%2Faws4_request&X-Amz-Date={date}&X-Amz-Expires={expires_s}\
             &X-Amz-SignedHeaders=host%3Bx-amz-date",
            key.0,
            &date[..8],
            self.region,
        );
        let authorization = signed(&query).authorization;
        let (_, signature) = authorization.rsplit_once('=').expect("a signature");
        format!(
            "GET /?{query}&X-Amz-Signature={signature} HTTP/1.1\r\nHost: {}\r\n\
             X-Amz-Date: {date}\r\nConnection: close\r\n\r\n",
            self.host
        )
    }

    /// Opens a connection and sends what may be a request, or a part of one.
    ///
    /// # Errors
    /// There is no connection, or it broke.
    pub fn send(&self, text: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.write_all(text.as_bytes())?;
        Ok(stream)
    }
}

/// The answer of the API on a connection that ends with it.
///
/// # Errors
/// There is no whole answer.
pub fn read_answer(stream: TcpStream) -> io::Result<Result<Xml, Refusal>> {
    let (status, body) = read_response(stream)?;
    let xml = Xml::new(String::from_utf8(body).expect("UTF-8"));
    if status == 200 {
        return Ok(Ok(xml));
    }
    let text = |name| xml.text(name).unwrap_or_else(|| format!("no {name} in {xml}"));
    Ok(Err(Refusal { status, code: text("Code"), message: text("Message") }))
}

fn read_response(mut stream: TcpStream) -> io::Result<(u16, Vec<u8>)> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().ok())?
    });
    let body = answer.split_off(end + 4);
    match (status, length) {
        (Some(status), Some(length)) if body.len() == length => Ok((status, body)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a running pgkeep goes by the true time")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
