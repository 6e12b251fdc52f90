//! What an endpoint is expected to hold to: a file for CI.

use serde::{Deserialize, Serialize};

use super::mozilla::Profile;
use super::{Outcome, Report, Root, Severity};
use crate::names::{Cipher, ciphers};
use crate::version::TlsVersion;

/// Expectations; each one that is absent expects nothing. Read from TOML; an unknown key is an
/// error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The oldest version allowed: `TLSv1.2`.
    pub min_version: Option<String>,
    /// The version that must be spoken: `TLSv1.3`.
    pub required_version: Option<String>,
    /// Suites that must not be accepted, under OpenSSL's or IANA's names.
    #[serde(default)]
    pub forbidden_suites: Vec<String>,
    /// Whether `verify-full` must work with the roots given.
    #[serde(default)]
    pub verify_full: bool,
    /// Whether plaintext must be refused before authentication.
    #[serde(default)]
    pub plaintext_refused: bool,
    /// How many days every served certificate must have left.
    pub days_left: Option<i64>,
    /// The weakest of Mozilla's profiles allowed.
    pub profile: Option<Profile>,
    /// Whether SCRAM-SHA-256-PLUS must be offered.
    #[serde(default)]
    pub channel_binding: bool,
    /// The gravest severity that findings must stay below: `critical` allows warnings.
    pub no_findings: Option<Gravity>,
    /// Ids of findings that `no_findings` lets pass.
    #[serde(default)]
    pub allowed_findings: Vec<String>,
}

/// A severity, as policies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// Critical findings alone.
    Critical,
    /// Warnings and worse.
    Warning,
    /// Everything.
    Notice,
}

/// An expectation that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Violation {
    /// The key of the policy.
    pub expected: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is no policy in TOML.
    #[error("the policy cannot be read")]
    Toml(#[from] toml::de::Error),
    /// It names a version that there is not.
    #[error("{0:?} is no version: TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 are")]
    Version(String),
    /// It names a suite that there is not.
    #[error("{0:?} is no cipher suite, neither OpenSSL's name of one nor IANA's")]
    Suite(String),
    /// It names a finding that there is not.
    #[error("{0:?} is no id of a finding")]
    Finding(String),
}

impl Policy {
    /// Reads a policy, and makes sure that all that it names exists.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text)?;
        for name in policy.min_version.iter().chain(&policy.required_version) {
            TlsVersion::from_name(name).ok_or_else(|| PolicyError::Version(name.clone()))?;
        }
        for name in &policy.forbidden_suites {
            suite(name).ok_or_else(|| PolicyError::Suite(name.clone()))?;
        }
        let is_unknown = |id: &&String| super::KINDS.iter().all(|kind| kind.id != id.as_str());
        if let Some(id) = policy.allowed_findings.iter().find(is_unknown) {
            return Err(PolicyError::Finding(id.clone()));
        }
        Ok(policy)
    }

    /// What a report does not meet. What was not asked is not met.
    pub fn violations(&self, report: &Report) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut violated = |expected, seen: String| violations.push(Violation { expected, seen });
        self.check_versions(report, &mut violated);
        for name in &self.forbidden_suites {
            let Some(suite) = suite(name) else { continue };
            let accepted = |it: &&super::Version| it.suites.iter().any(|it| it == suite.openssl);
            if let Some(version) = report.facts.versions.iter().find(accepted) {
                violated("forbidden_suites", format!("{name} with {}", version.version));
            }
        }
        let unfinished = report.facts.versions.iter().find(|version| !version.complete);
        if let Some(version) = unfinished.filter(|_| !self.forbidden_suites.is_empty()) {
            violated("forbidden_suites", format!("not all of {} were asked", version.version));
        }
        if self.verify_full {
            match report.psql("verify-full", Root::Given) {
                Some(it) if it.outcome == Outcome::Verified => {}
                Some(it) => violated("verify_full", it.why.clone().unwrap_or("unknown".into())),
                None => violated("verify_full", "no roots were given".to_owned()),
            }
        }
        if self.plaintext_refused && report.facts.plaintext_refused != Some(true) {
            let seen = report.facts.plaintext.clone().unwrap_or("not asked".to_owned());
            violated("plaintext_refused", seen);
        }
        if let Some(days) = self.days_left {
            let chain = &report.chain.certificates;
            match chain.iter().min_by_key(|it| it.days_left) {
                Some(it) if it.days_left >= days => {}
                Some(it) => violated("days_left", format!("{}: {} days", it.subject, it.days_left)),
                None => violated("days_left", "no certificate was seen".to_owned()),
            }
        }
        if let Some(profile) = self.profile
            && report.grade.profile.is_none_or(|it| it > profile)
        {
            let seen = report.grade.short_of.iter().find(|it| it.profile == profile);
            violated("profile", seen.map(|it| it.reasons.join(", ")).unwrap_or_default());
        }
        let offers_plus =
            report.facts.authentication.as_ref().is_some_and(|it| it.contains("PLUS"));
        if self.channel_binding && !offers_plus {
            let seen = report.facts.authentication.clone().unwrap_or("not asked".to_owned());
            violated("channel_binding", seen);
        }
        if let Some(gravity) = self.no_findings {
            for finding in report.findings.iter().filter(|it| it.severity <= gravity.severity()) {
                if !self.allowed_findings.iter().any(|id| id == finding.id) {
                    violated("no_findings", format!("{}: {}", finding.id, finding.seen));
                }
            }
        }
        violations
    }

    fn check_versions(&self, report: &Report, violated: &mut impl FnMut(&'static str, String)) {
        let version = |name: &Option<String>| name.as_deref().and_then(TlsVersion::from_name);
        let spoken = |version: TlsVersion| {
            let seen = report.facts.versions.iter().find(|it| it.version == version.name());
            seen.and_then(|it| it.accepted)
        };
        if let Some(min) = version(&self.min_version) {
            let ssl3 = report.facts.versions.iter().find(|it| it.version == "SSLv3");
            if ssl3.is_some_and(|it| it.accepted == Some(true)) {
                violated("min_version", "SSLv3".to_owned());
            }
            for old in TlsVersion::ALL.into_iter().filter(|it| *it < min) {
                match spoken(old) {
                    Some(false) => {}
                    Some(true) => violated("min_version", old.name().to_owned()),
                    None => violated("min_version", format!("{old} was not asked")),
                }
            }
        }
        if let Some(required) = version(&self.required_version)
            && spoken(required) != Some(true)
        {
            violated("required_version", format!("no {required}"));
        }
    }
}

impl Gravity {
    fn severity(self) -> Severity {
        match self {
            Self::Critical => Severity::Critical,
            Self::Warning => Severity::Warning,
            Self::Notice => Severity::Notice,
        }
    }
}

/// The suite of a name, OpenSSL's or IANA's.
fn suite(name: &str) -> Option<Cipher> {
    ciphers().find(|suite| suite.openssl == name || suite.iana == name)
}
