//! A client of the RDS API: the same for pgkeep and for what it is compared with.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use pgkeep_query::sigv4::{AccessKeyId, RequestHead, Target, sign};
use pgkeep_query::{API_VERSION, Secret};
use time::OffsetDateTime;

const REGION: &str = "us-east-1";
const FORM: &str = "application/x-www-form-urlencoded";

/// An endpoint of the API, its connection kept open, and the keys for it.
pub(super) struct Api {
    agent: ureq::Agent,
    url: String,
    key: AccessKeyId,
    secret: Secret,
}

impl Api {
    pub(super) fn new(url: &str, key: &str, secret: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.build().into(),
            url: url.trim().trim_end_matches('/').to_owned(),
            key: AccessKeyId(key.to_owned()),
            secret: secret.into(),
        }
    }

    /// Sends a request and returns the XML of its answer.
    pub(super) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let (status, xml) = self.send(action, parameters)?;
        ensure!(status == 200, "{action} was refused: {xml}");
        Ok(xml)
    }

    /// Sends a request again and again until all pages of its answer are there.
    pub(super) fn pages(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Vec<String>> {
        let mut pages: Vec<String> = Vec::new();
        loop {
            let marker = pages.last().and_then(|page| element(page, "Marker"));
            if marker.is_none() && !pages.is_empty() {
                return Ok(pages);
            }
            let marker = marker.map(|marker| ("Marker", marker));
            let fields: Vec<_> = parameters.iter().copied().chain(marker).collect();
            let page = self.call(action, &fields)?;
            pages.push(page);
        }
    }

    /// The same keys at another address.
    pub(super) fn at(&self, url: &str) -> Self {
        Self::new(url, &self.key.0, self.secret.expose())
    }

    /// Fetches a file.
    pub(super) fn fetch(&self, path: &str) -> Result<String> {
        let response = self.agent.get(format!("{}{path}", self.url)).call();
        let mut response = response.with_context(|| format!("cannot fetch {path}"))?;
        ensure!(response.status() == 200, "{path} was refused: {}", response.status());
        Ok(response.body_mut().read_to_string()?)
    }

    /// Sends a request and returns the status and the XML of its answer.
    pub(super) fn send(&self, action: &str, parameters: &[(&str, &str)]) -> Result<(u16, String)> {
        let body = render_form(action, parameters)?;
        let host = self.url.split_once("://").context("the API's address is no URL")?.1;
        let headers = [("host", host), ("content-type", FORM)];
        let head = RequestHead { method: "POST", path: "/", query: "", headers: &headers };
        let target = Target { region: REGION, service: "rds" };
        let signature = sign(&head, body.as_bytes(), target, &self.key, &self.secret, now())?;
        let mut response = self
            .agent
            .post(format!("{}/", self.url))
            .header("content-type", FORM)
            .header("x-amz-date", signature.x_amz_date)
            .header("authorization", signature.authorization)
            .send(body)
            .with_context(|| format!("cannot ask {action} of {}", self.url))?;
        let xml = String::from_utf8(response.body_mut().read_to_vec()?)?;
        Ok((response.status().as_u16(), xml))
    }
}

/// The text of the first element of that name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0)
}

/// The body of a request. The values here need no encoding, which is held.
fn render_form(action: &str, parameters: &[(&str, &str)]) -> Result<String> {
    let mut form = format!("Action={action}&Version={API_VERSION}");
    for (name, value) in parameters {
        let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
        ensure!(is_plain, "{name}={value} would need an encoding");
        write!(form, "&{name}={value}")?;
    }
    Ok(form)
}

#[expect(clippy::disallowed_methods, reason = "a request is signed with the time it is sent")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
