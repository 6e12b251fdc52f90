//! What is known of an instance's TLS, as a table and JSON.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context as _;
use pgkeep_model::DbInstance;
use pgkeep_postgres::{InstanceFiles, chain_in_use};
use pgkeep_probe::PlaintextAnswer;
use pgkeep_workflow::CertificateInfo;
use serde::Serialize;
use time::OffsetDateTime;

use super::sessions::{self, Line};
use super::{Inside, Served};
use crate::instances::{days_between, render_time};
use crate::table;

/// Names are stable: docs/api.md lists them.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Facts {
    identifier: String,
    status: &'static str,
    endpoint: String,
    port: u16,
    common_name: String,
    subject_alternative_names: Vec<String>,
    issuer: String,
    key: String,
    not_before: String,
    not_after: String,
    days_left: i64,
    serial: String,
    fingerprint_sha256: String,
    ca_identifier: String,
    serves_what_is_recorded: bool,
    served_fingerprint_sha256: Option<String>,
    chain_is_trusted: bool,
    name_matches: bool,
    protocol: Option<String>,
    cipher: Option<String>,
    failure: Option<String>,
    plaintext_refused: bool,
    plaintext: String,
    force_ssl: bool,
    ssl_min_protocol_version: Option<String>,
    ssl_max_protocol_version: Option<String>,
    ssl_ciphers: Option<String>,
    ssl_tls13_ciphers: Option<String>,
    ssl_groups: Option<String>,
    sessions_open: u64,
    sessions_without_tls: u64,
    sessions: Vec<Line>,
    sessions_failure: Option<String>,
}

impl Facts {
    pub(super) fn of(
        instance: &DbInstance,
        files: &InstanceFiles,
        served: Served,
        inside: Result<Inside, String>,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let desired = &instance.desired;
        let recorded = instance.applied.certificate.as_ref();
        let recorded = recorded.with_context(|| {
            format!("{} is {} and has no certificate yet", desired.identifier, instance.status)
        })?;
        let info = CertificateInfo::from_pem(&chain_in_use(files)?)?;
        let seen = served.handshake.as_ref().ok();
        let fingerprint = seen.map(|seen| seen.leaf_fingerprint.clone());
        let (mut settings, sessions, sessions_failure) = match inside {
            Ok(Inside { settings, sessions }) => (settings, Line::group(sessions), None),
            Err(failure) => (BTreeMap::new(), Vec::new(), Some(failure)),
        };
        // PostgreSQL shows what has no bound as an empty text.
        let mut setting = |name: &str| settings.remove(name).filter(|value| !value.is_empty());
        let count = |lines: &mut dyn Iterator<Item = &Line>| lines.map(|line| line.count).sum();
        Ok(Self {
            identifier: desired.identifier.to_string(),
            status: instance.status.as_str(),
            endpoint: desired.endpoint.clone(),
            port: desired.port,
            common_name: info.common_name.unwrap_or_default(),
            subject_alternative_names: info.subject_alt_names,
            issuer: info.issuer,
            key: info.key_algorithm,
            not_before: render_time(info.not_before),
            not_after: render_time(info.not_after),
            days_left: days_between(now, info.not_after),
            serial: info.serial_hex,
            fingerprint_sha256: recorded.fingerprint.clone(),
            ca_identifier: recorded.ca_identifier.clone(),
            serves_what_is_recorded: fingerprint.as_ref() == Some(&recorded.fingerprint),
            served_fingerprint_sha256: fingerprint,
            chain_is_trusted: seen.is_some_and(|seen| matches!(seen.verdict.chain, Some(Ok(())))),
            name_matches: seen.is_some_and(|seen| seen.verdict.name.is_ok()),
            protocol: seen.map(|seen| seen.protocol.to_string()),
            cipher: seen.map(|seen| seen.cipher.openssl.to_owned()),
            failure: served.handshake.err(),
            plaintext_refused: matches!(
                served.plaintext,
                Ok(PlaintextAnswer::RefusedBeforeAuthentication(_))
            ),
            plaintext: served.plaintext.map_or_else(|error| error, |answer| answer.to_string()),
            force_ssl: instance.force_ssl(),
            ssl_min_protocol_version: setting("ssl_min_protocol_version"),
            ssl_max_protocol_version: setting("ssl_max_protocol_version"),
            ssl_ciphers: setting("ssl_ciphers"),
            ssl_tls13_ciphers: setting("ssl_tls13_ciphers"),
            ssl_groups: setting("ssl_groups"),
            sessions_open: count(&mut sessions.iter()),
            sessions_without_tls: count(&mut sessions.iter().filter(|it| it.is_plaintext())),
            sessions,
            sessions_failure,
        })
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.serves_what_is_recorded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    pub(super) fn render(&self) -> String {
        let or = |value: &Option<String>, absent: &str| {
            let absent = if self.sessions_failure.is_some() { "not known" } else { absent };
            value.clone().unwrap_or_else(|| absent.to_owned())
        };
        let nothing = || "-".to_owned();
        let served = match &self.failure {
            Some(failure) => format!("no: {failure}"),
            None if self.serves_what_is_recorded => "yes".to_owned(),
            None => format!("no: {}", self.served_fingerprint_sha256.clone().unwrap_or_default()),
        };
        let rows = [
            ("Status", self.status.to_owned()),
            ("Endpoint", format!("{}:{}", self.endpoint, self.port)),
            ("CN", self.common_name.clone()),
            ("SAN", self.subject_alternative_names.join(", ")),
            ("Issuer", self.issuer.clone()),
            ("Authority", self.ca_identifier.clone()),
            ("Key", self.key.clone()),
            ("Begins", self.not_before.clone()),
            ("Ends", format!("{} ({} days left)", self.not_after, self.days_left)),
            ("Serial", self.serial.clone()),
            ("SHA-256", self.fingerprint_sha256.clone()),
            ("Served", served),
            ("Trusted", yes_no(self.chain_is_trusted)),
            ("Name matches", yes_no(self.name_matches)),
            ("Protocol", self.protocol.clone().unwrap_or_else(nothing)),
            ("Cipher", self.cipher.clone().unwrap_or_else(nothing)),
            ("Plaintext", self.plaintext.clone()),
            ("rds.force_ssl", u8::from(self.force_ssl).to_string()),
            ("Minimum protocol", or(&self.ssl_min_protocol_version, "that of OpenSSL")),
            ("Maximum protocol", or(&self.ssl_max_protocol_version, "that of OpenSSL")),
            ("ssl_ciphers", or(&self.ssl_ciphers, "-")),
        ];
        // Versions before 18 have no such settings.
        let newer =
            [("ssl_tls13_ciphers", &self.ssl_tls13_ciphers), ("ssl_groups", &self.ssl_groups)];
        let newer = newer.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let sessions = [("Sessions", self.render_sessions())];
        let mut rows = rows
            .into_iter()
            .chain(newer)
            .chain(sessions)
            .map(|(name, value)| vec![name.to_owned(), value]);
        let first = rows.next().unwrap_or_default();
        let mut text = table::render(first, rows);
        if !self.sessions.is_empty() {
            text.push('\n');
            text.push_str(&sessions::render(&self.sessions));
        }
        text
    }

    fn render_sessions(&self) -> String {
        match &self.sessions_failure {
            Some(failure) => format!("not known: {failure}"),
            None => format!("{}, {} without TLS", self.sessions_open, self.sessions_without_tls),
        }
    }
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
