//! Weak versions, suites, groups and features of TLS.

use super::facts::version_name;
use super::finding::{self, Finding, Kind};
use crate::names::Cipher;
use crate::survey::{Asked, ProtocolVersion, SuiteOrder, Survey, VersionSeen};
use crate::version::TlsVersion;

const TLS12: ProtocolVersion = ProtocolVersion::Tls(TlsVersion::Tls12);
const TLS13: ProtocolVersion = ProtocolVersion::Tls(TlsVersion::Tls13);

type IsWeak = fn(&str) -> bool;

/// Kinds of weak suites, with what is in their IANA names. A suite can be of several.
const WEAK: [(Kind, IsWeak); 8] = [
    (finding::SUITE_NULL, |name| name.contains("_WITH_NULL_")),
    (finding::SUITE_ANONYMOUS, |name| name.contains("_anon_")),
    (finding::SUITE_EXPORT, |name| name.contains("_EXPORT_")),
    (finding::SUITE_RC4, |name| name.contains("_RC4_")),
    (finding::SUITE_3DES, |name| name.contains("_3DES_")),
    (finding::SUITE_STATIC_RSA, |name| name.starts_with("TLS_RSA_")),
    (finding::SUITE_CBC_SHA1, |name| name.contains("_CBC_") && name.ends_with("_SHA")),
    (finding::SUITE_OUTDATED, |name| {
        ["_SEED_", "_IDEA_", "_CAMELLIA_", "_ARIA_"].iter().any(|it| name.contains(it))
    }),
];

/// Names shown of a kind before the rest is counted.
const SHOWN: usize = 6;

pub(super) fn findings(survey: &Survey) -> Vec<Finding> {
    let mut findings = versions(survey);
    let mut suites: Vec<Cipher> = Vec::new();
    for suite in survey.suites.iter().flat_map(|seen| &seen.suites) {
        if !suites.contains(suite) {
            suites.push(*suite);
        }
    }
    for (kind, is_weak) in WEAK {
        let weak: Vec<_> = suites.iter().filter(|suite| is_weak(suite.iana)).collect();
        if !weak.is_empty() {
            let names: Vec<_> = weak.iter().take(SHOWN).map(|suite| suite.openssl).collect();
            let more = match weak.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            findings.push(kind.seen(format!("{}{more}", names.join(", "))));
        }
    }
    let client_rules = |seen: &&crate::survey::SuitesSeen| {
        seen.version < TLS13 && seen.order == Asked::Answer(SuiteOrder::Client)
    };
    if let Some(seen) = survey.suites.iter().rfind(client_rules) {
        findings.push(finding::SUITE_CLIENT_ORDER.seen(version_name(seen.version)));
    }
    findings.extend(features(survey));
    findings
}

fn versions(survey: &Survey) -> Vec<Finding> {
    let mut findings = Vec::new();
    let accepted = survey.versions.iter().filter(|(_, seen)| *seen == VersionSeen::Accepted);
    let accepted: Vec<_> = accepted.map(|(version, _)| *version).collect();
    let old: Vec<_> = accepted.iter().filter(|version| **version < TLS12).collect();
    let names: Vec<_> = old.iter().map(|version| version_name(**version)).collect();
    if !old.is_empty() {
        findings.push(finding::VERSION_OLD.seen(names.join(", ")));
    }
    match accepted.iter().max() {
        None if survey.ssl_request == crate::survey::SslAnswer::Accepted => {
            let refused = survey.versions.iter().map(|(version, _)| version_name(*version));
            let refused = refused.collect::<Vec<_>>().join(", ");
            findings.push(finding::TLS_NO_VERSION.seen(format!("offered: {refused}")));
        }
        Some(newest) if *newest < TLS12 => {
            findings.push(finding::VERSION_NOT_FOR_CLIENTS.seen(version_name(*newest)));
        }
        Some(newest) if *newest < TLS13 => {
            findings.push(finding::VERSION_NO_13.seen(version_name(*newest)));
        }
        _ => {}
    }
    findings
}

fn features(survey: &Survey) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Asked::Answer(bits) = survey.dh_bits
        && bits < 2048
    {
        findings.push(finding::DH_SMALL.seen(format!("{bits} bits")));
    }
    if let Asked::Answer(groups) = &survey.groups {
        let is_hybrid = |name: &str| name.to_ascii_uppercase().contains("MLKEM");
        if !groups.iter().any(|group| is_hybrid(group.name)) {
            let names: Vec<_> = groups.iter().map(|group| group.name).collect();
            findings.push(finding::NO_POST_QUANTUM.seen(names.join(", ")));
        }
    }
    if let Asked::Answer(schemes) = &survey.signature_schemes
        && let Some(scheme) = schemes.iter().find(|scheme| scheme.name.contains("sha1"))
    {
        findings.push(finding::SIGNATURE_SHA1.seen(scheme.name));
    }
    if survey.compression == Asked::Answer(true) {
        findings.push(finding::COMPRESSION.seen("DEFLATE"));
    }
    if survey.secure_renegotiation == Asked::Answer(false) {
        findings.push(finding::NO_SECURE_RENEGOTIATION.seen("not offered"));
    }
    findings
}
