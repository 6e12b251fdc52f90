//! Judges what a survey found: what is weak, what each client will do, and what to do about it.
//!
//! Pure: no I/O, no clock. What was not asked stays unknown. Deliberately absent: revocation, and
//! a grade of our own: profiles are Mozilla's.

mod access;
mod certificate;
mod chain;
mod clients;
mod facts;
mod finding;
mod handshake;
mod host_name;
mod mozilla;
mod paths;
mod policy;
mod predict;
mod suites;
#[cfg(test)]
mod tests;

pub use certificate::{KeyKind, ServedCertificate};
pub use chain::Chain;
pub use facts::{Facts, Version};
pub use finding::{Finding, KINDS, Kind, Severity};
pub use host_name::{AlternativeName, LibpqRelease, PresentedNames, libpq_host_name};
pub use mozilla::{GUIDELINE, Grade, Profile, ShortOf};
pub use policy::{Policy, PolicyError, Violation};
pub use predict::{Outcome, Prediction, Root};

use rustls_pki_types::CertificateDer;
use serde::Serialize;
use time::OffsetDateTime;

use crate::survey::{SslAnswer, Survey};

/// The version of a report's form in JSON. Fields may come; none goes or changes its meaning
/// without another number here.
pub const SCHEMA: u32 = 1;

/// By what a survey is judged.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The name under which clients reach the server.
    pub server_name: &'a str,
    /// The roots that clients have, in DER. Empty: no path is looked for.
    pub roots: &'a [CertificateDer<'a>],
    /// The roots of the system, for clients that take them without being told.
    pub system_roots: &'a [CertificateDer<'a>],
    /// The moment at which validity is judged.
    pub judged_at: OffsetDateTime,
}

/// Everything there is to say of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The name under which it was judged.
    pub server_name: String,
    /// Where the connections went.
    pub address: String,
    /// When, RFC 3339.
    pub judged_at: String,
    /// How many connections were made.
    pub connections: u32,
    /// How long it took.
    pub elapsed_ms: u64,
    /// The whole in one sentence.
    pub verdict: String,
    /// The gravest first.
    pub findings: Vec<Finding>,
    /// Which of Mozilla's profiles it holds to.
    pub grade: Grade,
    /// What was seen.
    pub facts: Facts,
    /// The certificates.
    pub chain: Chain,
    /// What clients do.
    pub predictions: Vec<Prediction>,
    /// What of a policy is not met; none without a policy.
    pub violations: Option<Vec<Violation>>,
}

/// Judges a survey.
pub fn report(survey: &Survey, basis: &Basis<'_>) -> Report {
    let Basis { server_name, roots, system_roots, judged_at } = *basis;
    let judged = chain::judge_chain(&survey.chains, server_name, roots, system_roots, judged_at);
    let world =
        predict::World { survey, judged: &judged, server_name, has_roots: !roots.is_empty() };
    let predictions = predict::predictions(&world);
    let leaf = judged.chain.certificates.first();
    let mut findings = access::findings(survey, leaf);
    findings.extend(suites::findings(survey));
    findings.extend(judged.findings.iter().cloned());
    findings.sort_by_key(|finding| finding.severity);
    let grade = mozilla::grade(survey, leaf);
    Report {
        schema: SCHEMA,
        server_name: server_name.to_owned(),
        address: survey.addr.to_string(),
        judged_at: certificate::render_moment(judged_at),
        connections: survey.connections,
        elapsed_ms: u64::try_from(survey.elapsed.as_millis()).unwrap_or(u64::MAX),
        verdict: verdict(survey, &predictions, &findings),
        findings,
        grade,
        facts: Facts::of(survey),
        chain: judged.chain,
        predictions,
        violations: None,
    }
}

impl Report {
    /// Notes what of a policy is not met.
    pub fn hold_to(&mut self, policy: &Policy) {
        self.violations = Some(policy.violations(self));
    }

    /// What psql does with a word of `sslmode`, with the given roots or without.
    pub fn psql(&self, sslmode: &str, root: Root) -> Option<&Prediction> {
        self.predictions
            .iter()
            .find(|it| (it.client, it.sslmode, it.root) == ("psql", sslmode, root))
    }

    /// Whether there was a server to look at.
    pub fn is_reached(&self) -> bool {
        self.findings.iter().all(|finding| finding.id != finding::UNREACHABLE.id)
    }
}

fn verdict(survey: &Survey, predictions: &[Prediction], findings: &[Finding]) -> String {
    let psql = |word, root| {
        let of = |it: &&Prediction| (it.client, it.sslmode, it.root) == ("psql", word, root);
        predictions.iter().find(of).map(|it| it.outcome)
    };
    let critical = findings.iter().filter(|it| it.severity == Severity::Critical).count();
    match &survey.ssl_request {
        SslAnswer::Unreachable(reason) => return format!("No connection: {reason}."),
        SslAnswer::Declined if survey.takes_direct_tls() => {
            return "The server has TLS, but something on the way takes it off.".to_owned();
        }
        SslAnswer::Declined => return "No TLS: everything goes in the clear.".to_owned(),
        SslAnswer::Accepted => {}
        other => {
            let seen = facts::describe_ssl_answer(other);
            return format!("This does not answer as PostgreSQL with TLS does: {seen}.");
        }
    }
    let plaintext = match psql("disable", Root::Absent) {
        Some(Outcome::Plaintext) => "plaintext is let in",
        Some(Outcome::Refused) => "plaintext is refused",
        _ => "whether plaintext is refused is not known",
    };
    let full = match psql("verify-full", Root::Given) {
        Some(Outcome::Verified) => "verify-full works",
        Some(Outcome::Refused) => "verify-full is refused",
        Some(_) => "whether verify-full works is not known",
        None => "no roots were given to verify it by",
    };
    let more = match critical {
        0 => String::new(),
        1 => "; 1 critical finding".to_owned(),
        many => format!("; {many} critical findings"),
    };
    let first = full[..1].to_uppercase();
    format!("{first}{}, {plaintext}{more}.", &full[1..])
}
