//! `pgkeep tls`: the certificate that is recorded, and what the endpoint serves.
//!
//! The recorded facts come from the instance's folder; the rest is asked of the endpoint as any
//! client would ask it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use pgkeep_model::parameters::{default_ssl_ciphers, ssl_min_protocol_version_default};
use pgkeep_model::{Clock as _, DbInstance};
use pgkeep_postgres::{InstanceFiles, Layout, chain_in_use};
use pgkeep_probe::{Handshake, PlaintextAnswer, Trust, Versions, handshake, plaintext};
use pgkeep_workflow::CertificateInfo;
use serde::Serialize;
use time::OffsetDateTime;

use crate::args::TlsArgs;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::render_chain;
use crate::instances::{database, days_between, find, force_ssl, render_time};
use crate::output;
use crate::plane::runtime;
use crate::table;

/// On loopback an answer takes milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn run(args: &TlsArgs) -> anyhow::Result<ExitCode> {
    let data = DataDirectory::open(&args.data)?;
    let instance = find(&data.state()?, &args.instance)?;
    let files = Layout::ensure(data.path())?.instance(&instance.resource_id);
    let roots = std::fs::read_to_string(data.bundle_pem()).context("cannot read the bundle")?;
    let now = SystemClock.now();
    let served = runtime()?.block_on(Served::ask(&instance, &roots, now));
    let facts = Facts::of(&instance, &files, served, now)?;
    if args.json.json {
        table::print_json(&facts)?;
    } else {
        output::write(facts.render())?;
    }
    Ok(if facts.serves_what_is_recorded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a client sees.
struct Served {
    handshake: Result<Handshake, String>,
    plaintext: Result<PlaintextAnswer, String>,
}

impl Served {
    async fn ask(instance: &DbInstance, roots_pem: &str, judged_at: OffsetDateTime) -> Self {
        let desired = &instance.desired;
        let address = SocketAddr::new(desired.address, desired.port);
        let trust = Some(Trust { roots_pem, judged_at });
        let name = &desired.endpoint;
        let handshake = handshake(address, name, trust, Versions::default(), LIMIT).await;
        let user = &desired.master_username;
        let plaintext = plaintext(address, user, database(instance), LIMIT).await;
        Self {
            handshake: handshake.map_err(|error| render_chain(&error)),
            plaintext: plaintext.map_err(|error| render_chain(&error)),
        }
    }
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Facts {
    identifier: String,
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
    ssl_min_protocol_version: Option<&'static str>,
    ssl_ciphers: &'static str,
}

impl Facts {
    fn of(
        instance: &DbInstance,
        files: &InstanceFiles,
        served: Served,
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
        Ok(Self {
            identifier: desired.identifier.to_string(),
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
            force_ssl: force_ssl(instance),
            ssl_min_protocol_version: ssl_min_protocol_version_default(
                desired.engine_version.major,
            ),
            ssl_ciphers: default_ssl_ciphers(desired.engine_version),
        })
    }

    fn render(&self) -> String {
        let nothing = || "-".to_owned();
        let served = match &self.failure {
            Some(failure) => format!("no: {failure}"),
            None if self.serves_what_is_recorded => "yes".to_owned(),
            None => format!("no: {}", self.served_fingerprint_sha256.clone().unwrap_or_default()),
        };
        let rows = [
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
            ("Minimum protocol", self.ssl_min_protocol_version.unwrap_or("of OpenSSL").to_owned()),
            ("ssl_ciphers", self.ssl_ciphers.to_owned()),
        ];
        let mut rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
        let first = rows.next().unwrap_or_default();
        table::render(first, rows)
    }
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
