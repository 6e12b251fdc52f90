//! The certificates that were served: facts, whether they lead to given roots, and the name.

use rustls_pki_types::CertificateDer;
use serde::Serialize;
use time::OffsetDateTime;

use super::certificate::{KeyKind, ServedCertificate, Validity};
use super::clients::Tls;
use super::finding::{self, Finding};
use super::host_name::{LibpqRelease, PresentedNames, is_address, libpq_host_name};
use super::paths::{Paths, is_known, paths, strict_name};

/// A chain longer than this is found fault with; OpenSSL gives up on 100.
const LONG: usize = 6;
/// Java's limit, the lowest of all.
const BIG_BYTES: usize = 32 * 1024;
/// A leaf that ends in fewer days is warned of.
const SOON_DAYS: i64 = 30;

/// The chain and what clients make of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Chain {
    /// The certificates, the server's own first.
    pub certificates: Vec<ServedCertificate>,
    /// How many further chains the server showed to clients of other abilities.
    pub other_chains: usize,
    /// Whether libpq finds a path to the roots given; none where no roots were.
    pub libpq_trusts: Option<bool>,
    /// Whether strict clients (rustls, Go, Java) find one.
    pub strict_trusts: Option<bool>,
    /// Why no path was found.
    pub distrust: Option<String>,
    /// Whether the name is right for libpq, 15 and later.
    pub libpq_name: bool,
    /// Whether the name is right for strict clients, which never look at the common name.
    pub strict_name: bool,
    #[serde(skip)]
    pub(super) names: PresentedNames,
}

impl Chain {
    /// Whether clients other than libpq take the leaf for the server's. Measured with Python 3.11,
    /// Node 20 and pgjdbc 42.5.
    pub(super) fn is_named(&self, server_name: &str, tls: Tls) -> bool {
        let names = &self.names;
        let libpq = || libpq_host_name(names, server_name, LibpqRelease::From15).is_ok();
        let lenient = || match tls {
            Tls::Rustls | Tls::Go => false,
            // Only an address in `subjectAltName` is one for these.
            Tls::OpenSsl | Tls::Python | Tls::Node if is_address(server_name) => false,
            Tls::Java if is_address(server_name) => {
                libpq() && (!names.has_dns_name() || !is_by_common_name(names, server_name))
            }
            // A common name counts for these where there is no alternative name of the kind.
            _ => libpq() && !names.has_alternative_for(server_name),
        };
        self.strict_name || lenient()
    }
}

pub(super) struct Judged {
    pub(super) chain: Chain,
    pub(super) findings: Vec<Finding>,
    pub(super) given: Option<Paths>,
    pub(super) system: Option<Paths>,
}

/// Judges the chains of a survey, of which the first is the one that most clients see.
pub(super) fn judge_chain(
    chains: &[Vec<Vec<u8>>],
    server_name: &str,
    given: &[CertificateDer<'_>],
    system: &[CertificateDer<'_>],
    at: OffsetDateTime,
) -> Judged {
    let empty = Vec::new();
    let served = chains.first().unwrap_or(&empty);
    let mut findings = Vec::new();
    let mut certificates = Vec::new();
    for der in served {
        match ServedCertificate::from_der(der, at) {
            Ok(certificate) => certificates.push(certificate),
            Err(error) => findings.push(finding::CHAIN_UNREADABLE.seen(error.to_string())),
        }
    }
    let find = |roots: &[CertificateDer<'_>]| {
        let is_asked = !roots.is_empty() && !served.is_empty();
        is_asked.then(|| paths(served, &certificates, roots, at))
    };
    let (given, system) = (find(given), find(system));
    let names = served.first().map(|der| PresentedNames::from_der(der)).unwrap_or_default();
    let distrust = given.as_ref().and_then(|paths| paths.openssl.as_ref().err());
    let chain = Chain {
        other_chains: chains.len().saturating_sub(1),
        libpq_trusts: given.as_ref().and_then(|paths| is_known(&paths.openssl)),
        strict_trusts: given.as_ref().map(|paths| paths.strict.is_ok()),
        distrust: distrust.map(|distrust| match std::error::Error::source(distrust) {
            Some(source) => format!("{distrust}: {source}"),
            None => distrust.to_string(),
        }),
        libpq_name: libpq_host_name(&names, server_name, LibpqRelease::From15).is_ok(),
        strict_name: strict_name(served, server_name).is_ok(),
        names,
        certificates,
    };
    if !chain.certificates.is_empty() {
        findings.extend(of_form(&chain.certificates));
        let bytes: usize = served.iter().map(Vec::len).sum();
        if bytes > BIG_BYTES {
            findings.push(finding::CHAIN_BIG.seen(format!("{} KiB", bytes / 1024)));
        }
        findings.extend(of_each(&chain.certificates));
        findings.extend(of_trust(&chain, given.is_some()));
        findings.extend(of_name(&chain, server_name));
    }
    Judged { chain, findings, given, system }
}

/// Order, completeness and length.
fn of_form(chain: &[ServedCertificate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let followed = |pair: &[ServedCertificate]| pair[0].issuer == pair[1].subject;
    let is_issuer = |one: &ServedCertificate| chain.iter().any(|other| other.issuer == one.subject);
    if let Some(pair) = chain.windows(2).find(|pair| !followed(pair)) {
        let sent = chain.iter().any(|one| one.subject == pair[0].issuer);
        let out_of_place = !pair[0].is_self_issued && sent;
        let (seen, next) = (&pair[0].subject, &pair[1].subject);
        if out_of_place || is_issuer(&pair[1]) {
            findings.push(finding::CHAIN_ORDER.seen(format!("{seen} is followed by {next}")));
        } else {
            findings.push(finding::CHAIN_STRANGER.seen(next.as_str()));
        }
    }
    if let Some(root) = chain.iter().skip(1).find(|one| one.is_self_issued) {
        findings.push(finding::CHAIN_NEEDLESS_ROOT.seen(root.subject.as_str()));
    }
    if chain.len() > LONG {
        findings.push(finding::CHAIN_LONG.seen(format!("{} certificates", chain.len())));
    }
    if chain[0].is_self_issued {
        findings.push(finding::CHAIN_SELF_SIGNED.seen(chain[0].subject.as_str()));
    }
    findings
}

/// Dates, keys and signatures.
fn of_each(chain: &[ServedCertificate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, one) in chain.iter().enumerate() {
        let who = &one.subject;
        match one.is_valid {
            Validity::NotYet => {
                let seen = format!("{who}, from {}", one.not_before);
                findings.push(finding::CHAIN_NOT_YET_VALID.seen(seen));
            }
            Validity::Ended => {
                findings.push(finding::CHAIN_EXPIRED.seen(format!("{who}, on {}", one.not_after)));
            }
            Validity::Valid if one.days_left < SOON_DAYS => {
                let seen = format!("{who}, in {} days, on {}", one.days_left, one.not_after);
                findings.push(finding::CHAIN_EXPIRES_SOON.seen(seen));
            }
            Validity::Valid => {}
        }
        if one.is_key_weak() {
            findings.push(finding::CHAIN_WEAK_KEY.seen(format!("{who}: {}", one.key_name())));
        }
        if one.is_signature_weak() {
            let seen = format!("{who}: {}", one.signature);
            findings.push(finding::CHAIN_WEAK_SIGNATURE.seen(seen));
        }
        if place == 0 && !matches!(one.key, KeyKind::Rsa | KeyKind::Ec) {
            findings.push(finding::CHAIN_KEY_KIND.seen(one.key_name()));
        }
    }
    findings
}

fn of_trust(chain: &Chain, is_asked: bool) -> Option<Finding> {
    let certificates = &chain.certificates;
    match chain.libpq_trusts {
        None if is_asked => {
            let seen: Vec<_> = certificates.iter().map(|one| one.signature.as_str()).collect();
            return Some(finding::CHAIN_SIGNATURE_KIND.seen(seen.join(", ")));
        }
        None | Some(true) => return None,
        Some(false) => {}
    }
    let distrust = chain.distrust.clone().unwrap_or_default();
    // What is past its dates or weak has a finding of its own.
    let is_told = |one: &ServedCertificate| {
        one.is_valid != Validity::Valid || one.is_key_weak() || one.is_signature_weak()
    };
    let mut last = &certificates[0];
    for _ in certificates {
        let is_issuer = |one: &&ServedCertificate| one.subject == last.issuer;
        last = certificates.iter().find(is_issuer).unwrap_or(last);
    }
    if certificates.iter().any(is_told) {
        None
    } else if chain.strict_trusts == Some(true) {
        Some(finding::CHAIN_STRICT_ONLY.seen(distrust))
    } else if last.is_self_issued {
        Some(finding::CHAIN_UNTRUSTED.seen(format!("{distrust}: {}", last.subject)))
    } else if last.is_ca && certificates.len() > 1 {
        Some(finding::CHAIN_UNTRUSTED.seen(format!("{distrust}: {}", last.issuer)))
    } else {
        Some(finding::CHAIN_INCOMPLETE.seen(format!("{distrust}: {}", last.issuer)))
    }
}

fn of_name(chain: &Chain, server_name: &str) -> Vec<Finding> {
    let names = &chain.names;
    let libpq = |release| libpq_host_name(names, server_name, release);
    let mut findings = Vec::new();
    match (libpq(LibpqRelease::From15), chain.strict_name) {
        (Err(words), false) => findings.push(finding::NAME_WRONG.seen(words)),
        (Err(words), true) => findings.push(finding::NAME_STRICT_ONLY.seen(words)),
        (Ok(()), false) if is_by_common_name(names, server_name) => {
            findings.push(finding::NAME_COMMON_NAME_ONLY.seen(server_name));
        }
        (Ok(()), false) => findings.push(finding::NAME_LIBPQ_ONLY.seen(server_name)),
        (Ok(()), true) => {}
    }
    if chain.libpq_name && is_address(server_name) && libpq(LibpqRelease::UpTo14).is_err() {
        findings.push(finding::NAME_ADDRESS.seen(server_name));
    }
    findings
}

/// Whether libpq takes a certificate for its common name, not for an alternative one.
fn is_by_common_name(names: &PresentedNames, server_name: &str) -> bool {
    let alone = PresentedNames { common_name: None, alternative: names.alternative.clone() };
    libpq_host_name(&alone, server_name, LibpqRelease::From15).is_err()
}
