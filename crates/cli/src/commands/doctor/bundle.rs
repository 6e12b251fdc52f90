//! `pgkeep doctor --bundle FILE`: whether clients with a bundle that is deployed somewhere verify
//! every instance, also after the next rotations, and until when.
//!
//! From public files alone: what is served, and the roots that `serve` publishes.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use pgkeep_model::{Clock as _, DbInstance, ca_policy};
use pgkeep_postgres::{Layout, chain_in_use};
use pgkeep_workflow::{CertificateInfo, trusted_until};
use time::OffsetDateTime;

use super::Finding;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::{Hint as _, render_chain};

const WHAT: &str = "bundle";

/// What the bundle means for each instance.
pub(super) fn findings(data: &DataDirectory, path: &Path) -> anyhow::Result<Vec<Finding>> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let trusted = CertificateInfo::all_from_pem(&text)
        .with_context(|| format!("{shown} is no bundle"))
        .hint(|| "name a file of certificates in PEM".to_owned())?;
    let now = SystemClock.now();
    let mut findings = vec![Finding::ok(WHAT, format!("{shown} has {} roots", trusted.len()))];
    let layout = Layout::ensure(data.path())?;
    for instance in data.state()?.instances()? {
        if instance.desired.deleted || instance.applied.certificate.is_none() {
            continue;
        }
        findings.push(match chain_in_use(&layout.instance(&instance.resource_id)) {
            Ok(served) => of_served(data, &instance, &served, &trusted, now)?,
            Err(error) => {
                let message = format!("{}: {}", instance.desired.identifier, render_chain(&error));
                Finding::fail(WHAT, message, "pgkeep serve replaces it within a minute")
            }
        });
        findings.extend(of_change(data, &instance, &trusted, now)?);
    }
    Ok(findings)
}

/// What it means for what an instance serves, and for its renewals.
fn of_served(
    data: &DataDirectory,
    instance: &DbInstance,
    served: &str,
    trusted: &[CertificateInfo],
    now: OffsetDateTime,
) -> anyhow::Result<Finding> {
    let authority = instance.applied.certificate.as_ref().map(|it| it.ca_identifier.as_str());
    let authority = authority.unwrap_or_default();
    let chain = CertificateInfo::all_from_pem(served).context("the served chain is damaged")?;
    let root = chain.last().map(|it| it.issuer.as_str());
    let published = published(data, authority)?;
    let at = published.iter().position(|it| Some(it.subject.as_str()) == root);
    let roots = &published[at.unwrap_or_default()..];
    let who = instance.desired.identifier.to_string();
    Ok(judge(authority, &who, roots, trusted, now))
}

/// What it means once another authority signs that was chosen.
fn of_change(
    data: &DataDirectory,
    instance: &DbInstance,
    trusted: &[CertificateInfo],
    now: OffsetDateTime,
) -> anyhow::Result<Option<Finding>> {
    let desired = &instance.desired;
    let next = instance.pending.ca_identifier.as_ref().unwrap_or(&desired.ca_identifier);
    if instance.applied.certificate.as_ref().is_some_and(|it| it.ca_identifier == *next) {
        return Ok(None);
    }
    let published = published(data, next)?;
    // Each until the one after it may sign.
    let signs = published.iter().position(|root| {
        let alone = std::slice::from_ref(root);
        until(next, alone, alone).is_some_and(|until| until > now)
    });
    let who = format!("{}, once it has {next},", desired.identifier);
    Ok(Some(judge(next, &who, &published[signs.unwrap_or_default()..], trusted, now)))
}

/// The roots of an authority that `serve` publishes, in the order of making.
fn published(data: &DataDirectory, authority: &str) -> anyhow::Result<Vec<CertificateInfo>> {
    let path = data.authority_pem(authority);
    let text = fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(CertificateInfo::all_from_pem(&text)?)
}

fn until(
    authority: &str,
    roots: &[CertificateInfo],
    trusted: &[CertificateInfo],
) -> Option<OffsetDateTime> {
    // Of the user's own, the root alone decides: another subordinate is another import.
    let years = ca_policy(authority).map_or(0, |policy| policy.subordinate_years);
    trusted_until(years, roots, trusted)
}

fn judge(
    authority: &str,
    who: &str,
    roots: &[CertificateInfo],
    trusted: &[CertificateInfo],
    now: OffsetDateTime,
) -> Finding {
    let is_lacking = |root: &&CertificateInfo| {
        trusted.iter().all(|it| it.fingerprint_sha256 != root.fingerprint_sha256)
    };
    let lacking = roots.iter().find(is_lacking).map(|root| root.subject.as_str());
    let hint = "replace it with that of: pgkeep bundle";
    match (until(authority, roots, trusted), lacking) {
        (None, lacking) => {
            let lacking = lacking.unwrap_or("its root");
            Finding::fail(WHAT, format!("{who} is not verified: {lacking} is not there"), hint)
        }
        (Some(until), Some(lacking)) if until <= now => {
            let message = format!("{who} is not verified after the next renewal by {lacking}");
            Finding::fail(WHAT, message, hint)
        }
        (Some(until), Some(lacking)) => {
            let message = format!("{who} is verified until {}, then by {lacking}", until.date());
            Finding::warn(WHAT, message, hint)
        }
        (Some(until), None) => {
            Finding::ok(WHAT, format!("{who} is verified at least until {}", until.date()))
        }
    }
}
