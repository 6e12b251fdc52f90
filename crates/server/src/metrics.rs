//! `/metrics`: what monitoring reads, in the OpenMetrics text format.
//!
//! All but counts of what happened is collected when it is asked for; nothing runs in between. The
//! labels are names that pgkeep knows: those of users, databases and applications would let clients
//! fill the memory of whoever collects, and tell strangers who they are.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pgkeep_model::{DbInstance, DbInstanceIdentifier};
use pgkeep_workflow::{CertificateInfo, Session};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::error::ApiError;
use crate::http::{Api, refuse};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds in seconds: an answer takes about a millisecond, a new password's hash some more.
const LATENCIES: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// How long answers of the API took, since this process began.
#[derive(Clone)]
pub(crate) struct Latencies(Family<Answer, Histogram, fn() -> Histogram>);

/// An answer of the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    action: &'static str,
    code: &'static str,
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(LATENCIES)))
    }
}

impl Latencies {
    /// Notes an answer. `action` is none where the request did not get so far as to name one.
    pub(crate) fn observe<T>(
        &self,
        action: Option<&'static str>,
        answer: &Result<T, ApiError>,
        took: Duration,
    ) {
        let code = answer.as_ref().map_or_else(|error| error.code.code, |_| "OK");
        let answer = Answer { action: action.unwrap_or("unknown"), code };
        self.0.get_or_create(&answer).observe(took.as_secs_f64());
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfInstance {
    db_instance_identifier: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCertificate {
    db_instance_identifier: String,
    ca_certificate_identifier: String,
    serial: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAuthority {
    ca_certificate_identifier: String,
    kind: &'static str,
    serial: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatus {
    db_instance_identifier: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfVersion {
    db_instance_identifier: String,
    tls_version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEffect {
    effect: &'static str,
}

/// Answers a scrape.
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    match api.scrape().await {
        Ok(exposition) => ([(header::CONTENT_TYPE, OPEN_METRICS)], exposition).into_response(),
        Err(error) => refuse(&error, &uuid::Uuid::new_v4().to_string()),
    }
}

impl Api {
    async fn scrape(&self) -> Result<String, ApiError> {
        let control = Arc::clone(&self.control);
        let instances = tokio::task::spawn_blocking(move || control.store().instances()).await;
        let instances = instances.map_err(ApiError::panicked)??;
        let sessions = self.control.open_sessions(instances.clone()).await;
        let mut registry = Registry::with_prefix("pgkeep");
        self.register_authorities(&mut registry);
        register_instances(&mut registry, &instances);
        register_sessions(&mut registry, sessions);
        self.register_work(&mut registry);
        let mut exposition = String::new();
        text::encode(&mut exposition, &registry).map_err(ApiError::internal)?;
        Ok(exposition)
    }

    fn register_authorities(&self, registry: &mut Registry) {
        let mut expiries = Vec::new();
        for authority in self.control.authorities().describe() {
            let roots = authority.roots.into_iter().map(|it| ("root", it));
            let subordinates = authority.subordinates.into_iter().map(|it| ("subordinate", it));
            for (kind, CertificateInfo { serial_hex: serial, not_after, .. }) in
                roots.chain(subordinates)
            {
                let ca_certificate_identifier = authority.identifier.clone();
                let certificate = OfAuthority { ca_certificate_identifier, kind, serial };
                expiries.push((certificate, not_after.unix_timestamp()));
            }
        }
        registry.register_with_unit(
            "ca_certificate_expiry_timestamp",
            "When a root in the trust bundle, or a subordinate, ends",
            Unit::Seconds,
            gauges(expiries),
        );
    }

    fn register_work(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "api_request_duration",
            "How long the API took to answer",
            Unit::Seconds,
            self.latencies.0.clone(),
        );
        let failures = Family::<OfEffect, Counter>::default();
        for (effect, count) in self.control.failures() {
            failures.get_or_create(&OfEffect { effect }).inc_by(count);
        }
        let help = "How often work on instances failed, to be tried again";
        registry.register("workflow_failures", help, failures);
    }
}

fn register_instances(registry: &mut Registry, instances: &[DbInstance]) {
    let identifier = |instance: &DbInstance| instance.desired.identifier.to_string();
    let expiries = instances.iter().filter_map(|instance| {
        let certificate = instance.applied.certificate.as_ref()?;
        let labels = OfCertificate {
            db_instance_identifier: identifier(instance),
            ca_certificate_identifier: certificate.ca_identifier.clone(),
            serial: certificate.serial.clone(),
        };
        Some((labels, certificate.not_after.unix_timestamp()))
    });
    registry.register_with_unit(
        "certificate_expiry_timestamp",
        "When the certificate of an instance ends",
        Unit::Seconds,
        gauges(expiries),
    );
    let statuses = instances.iter().map(|instance| {
        let db_instance_identifier = identifier(instance);
        (OfStatus { db_instance_identifier, status: instance.status.as_str() }, 1)
    });
    registry.register("db_instance_status", "1 for the status it has", gauges(statuses));
    let forced = instances.iter().map(|instance| {
        let db_instance_identifier = identifier(instance);
        (OfInstance { db_instance_identifier }, i64::from(instance.force_ssl()))
    });
    let help = "Whether connections without TLS are refused, by rds.force_ssl";
    registry.register("force_ssl", help, gauges(forced));
}

fn register_sessions(
    registry: &mut Registry,
    asked: Vec<(DbInstanceIdentifier, Option<Vec<Session>>)>,
) {
    let (mut counts, mut errors) = (Vec::new(), Vec::new());
    for (identifier, sessions) in asked {
        let db_instance_identifier = identifier.to_string();
        let failed = OfInstance { db_instance_identifier: db_instance_identifier.clone() };
        errors.push((failed, i64::from(sessions.is_none())));
        let Some(sessions) = sessions else { continue };
        let mut versions = BTreeMap::from([("none".to_owned(), 0)]);
        for session in sessions {
            let version = session.tls.map_or_else(|| "none".to_owned(), |tls| tls.version);
            *versions.entry(version).or_default() += 1;
        }
        counts.extend(versions.into_iter().map(|(tls_version, count)| {
            let db_instance_identifier = db_instance_identifier.clone();
            (OfVersion { db_instance_identifier, tls_version }, count)
        }));
    }
    let help = "Open sessions of clients by TLS version, none without TLS";
    registry.register("sessions", help, gauges(counts));
    let help = "Whether a server that runs did not tell its sessions in time";
    registry.register("sessions_scrape_error", help, gauges(errors));
}

fn gauges<L: Clone + Hash + Eq>(values: impl IntoIterator<Item = (L, i64)>) -> Family<L, Gauge> {
    let family = Family::<L, Gauge>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    family
}
