//! Reports for Prometheus, in the OpenMetrics text format: for a textfile collector.

use std::sync::atomic::AtomicI64;

use pgkeep_probe::report::{Report, Root, Severity};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Probed;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTarget {
    target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFindings {
    target: String,
    severity: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfVersion {
    target: String,
    tls_version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPrediction {
    target: String,
    sslmode: &'static str,
    outcome: &'static str,
}

type Gauges<L> = Family<L, Gauge<i64, AtomicI64>>;

pub(super) fn render(all: &[Probed]) -> anyhow::Result<String> {
    let (up, ends) = (Gauges::default(), Gauges::default());
    let (findings, versions) = (Gauges::default(), Gauges::default());
    let (plaintext, sslmodes, violations) =
        (Gauges::default(), Gauges::default(), Gauges::default());
    for probed in all {
        let of = || OfTarget { target: probed.target.clone() };
        let reached = probed.report.as_ref().filter(|report| report.is_reached());
        up.get_or_create(&of()).set(i64::from(reached.is_some()));
        let Some(report) = reached else { continue };
        if let Some(leaf) = report.chain.certificates.first() {
            ends.get_or_create(&of()).set(leaf.ends_at());
        }
        for severity in Severity::ALL {
            let many = report.findings.iter().filter(|it| it.severity == severity).count();
            let label = OfFindings { target: probed.target.clone(), severity: severity.name() };
            findings.get_or_create(&label).set(i64::try_from(many)?);
        }
        for version in &report.facts.versions {
            if let Some(accepted) = version.accepted {
                let tls_version = version.version.clone();
                let label = OfVersion { target: probed.target.clone(), tls_version };
                versions.get_or_create(&label).set(accepted.into());
            }
        }
        if let Some(refused) = report.facts.plaintext_refused {
            plaintext.get_or_create(&of()).set(i64::from(!refused));
        }
        for (sslmode, outcome) in sslmode_outcomes(report) {
            let label = OfPrediction { target: probed.target.clone(), sslmode, outcome };
            sslmodes.get_or_create(&label).set(1);
        }
        if let Some(broken) = &report.violations {
            violations.get_or_create(&of()).set(i64::try_from(broken.len())?);
        }
    }
    let mut registry = Registry::with_prefix("pgkeep_probe");
    registry.register("up", "Whether the target was reached", up);
    registry.register_with_unit(
        "certificate_expiry_timestamp",
        "When the certificate ends",
        Unit::Seconds,
        ends,
    );
    registry.register("findings", "How many findings there are of a severity", findings);
    registry.register("tls_version_accepted", "Whether a version is spoken", versions);
    registry.register("plaintext_accepted", "Whether plaintext reaches authentication", plaintext);
    registry.register("sslmode", "1 for what psql does with an sslmode", sslmodes);
    registry.register("policy_violations", "How many expectations are not met", violations);
    let mut exposition = String::new();
    text::encode(&mut exposition, &registry)?;
    Ok(exposition)
}

/// What psql does, with the roots given if there are any.
fn sslmode_outcomes(report: &Report) -> Vec<(&'static str, &'static str)> {
    let has_roots = report.psql("verify-full", Root::Given).is_some();
    let root = if has_roots { Root::Given } else { Root::Absent };
    let psql = report.predictions.iter().filter(|it| it.client == "psql" && it.root == root);
    psql.map(|it| (it.sslmode, it.outcome.name())).collect()
}
