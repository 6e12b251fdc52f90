//! Mozilla's profiles for servers: what each asks for, and which one an endpoint holds to.
//!
//! Source: Mozilla's "Server Side TLS" guidelines, version 5.7 (`guidelines/5.7.json`). Hybrid
//! groups with ML-KEM are younger than the guideline and count as X25519, which they contain.

use serde::Serialize;

use super::certificate::{KeyKind, ServedCertificate};
use super::facts::version_name;
use crate::survey::{Asked, ProtocolVersion, Survey, VersionSeen};
use crate::version::TlsVersion;

/// The version of the guideline.
pub const GUIDELINE: &str = "5.7";

/// The profiles, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// TLS 1.3 only.
    Modern,
    /// TLS 1.2 with forward secrecy and authenticated encryption, and 1.3.
    Intermediate,
    /// What clients of the last century need.
    Old,
}

/// Which profile an endpoint holds to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Grade {
    /// The version of Mozilla's guideline.
    pub guideline: String,
    /// The strictest profile that it holds to; none where it is weaker than all of them, or was
    /// not seen to speak TLS.
    pub profile: Option<Profile>,
    /// Why it does not hold to each other one.
    pub short_of: Vec<ShortOf>,
}

/// Why an endpoint does not hold to a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShortOf {
    /// The profile.
    pub profile: Profile,
    /// What it does that the profile does not have.
    pub reasons: Vec<String>,
}

struct Rules {
    min: TlsVersion,
    /// How many of [`SUITES`] it allows beside those of TLS 1.3.
    suites: usize,
    keys: &'static [KeyKind],
    signatures: &'static [&'static str],
    dh_bits: u16,
    lifespan_days: i64,
}

impl Profile {
    const fn rules(self) -> Rules {
        match self {
            Self::Modern => Rules {
                min: TlsVersion::Tls13,
                suites: 0,
                keys: &[KeyKind::Ec],
                signatures: &ECDSA,
                dh_bits: 0,
                lifespan_days: 90,
            },
            Self::Intermediate => Rules {
                min: TlsVersion::Tls12,
                suites: 9,
                keys: &[KeyKind::Ec, KeyKind::Rsa],
                signatures: &RSA_OR_ECDSA,
                dh_bits: 2048,
                lifespan_days: 366,
            },
            Self::Old => Rules {
                min: TlsVersion::Tls10,
                suites: SUITES.len(),
                keys: &[KeyKind::Rsa],
                signatures: &["sha256WithRSAEncryption"],
                dh_bits: 1024,
                lifespan_days: 366,
            },
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Intermediate => "intermediate",
            Self::Old => "old",
        }
    }
}

const ECDSA: [&str; 3] = ["ecdsa-with-SHA256", "ecdsa-with-SHA384", "ecdsa-with-SHA512"];
const RSA_OR_ECDSA: [&str; 4] =
    ["sha256WithRSAEncryption", "ecdsa-with-SHA256", "ecdsa-with-SHA384", "ecdsa-with-SHA512"];
const MIN_RSA_BITS: usize = 2048;
const CURVE_BITS: [usize; 2] = [256, 384];
const GROUPS: [&str; 3] = ["x25519", "secp256r1", "secp384r1"];

/// The suites of TLS 1.3 that every profile has.
const TLS13: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// Those of older versions, under OpenSSL's names; the first nine are intermediate.
const SUITES: [&str; 26] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES128-SHA256",
    "DHE-RSA-AES256-SHA256",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA256",
    "AES256-SHA256",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// Grades what was seen.
pub(super) fn grade(survey: &Survey, leaf: Option<&ServedCertificate>) -> Grade {
    let profiles = [Profile::Modern, Profile::Intermediate, Profile::Old];
    let short_of = profiles
        .map(|profile| ShortOf { profile, reasons: reasons(survey, leaf, &profile.rules()) });
    let held = short_of.iter().find(|short| short.reasons.is_empty());
    Grade {
        guideline: GUIDELINE.to_owned(),
        profile: held.map(|short| short.profile),
        short_of: short_of.into_iter().filter(|short| !short.reasons.is_empty()).collect(),
    }
}

fn reasons(survey: &Survey, leaf: Option<&ServedCertificate>, rules: &Rules) -> Vec<String> {
    let mut reasons = Vec::new();
    let accepted = || survey.versions.iter().filter(|(_, seen)| *seen == VersionSeen::Accepted);
    if accepted().next().is_none() {
        return vec!["no TLS was seen".to_owned()];
    }
    for (version, _) in accepted() {
        if *version < ProtocolVersion::Tls(rules.min) {
            reasons.push(version_name(*version).to_owned());
        }
    }
    if accepted().all(|(version, _)| *version != ProtocolVersion::Tls(TlsVersion::Tls13)) {
        reasons.push("no TLSv1.3".to_owned());
    }
    for seen in &survey.suites {
        if seen.version < ProtocolVersion::Tls(rules.min) {
            continue;
        }
        let allowed = &SUITES[..rules.suites];
        let forbidden = seen
            .suites
            .iter()
            .filter(|suite| !TLS13.contains(&suite.code) && !allowed.contains(&suite.openssl));
        for suite in forbidden.map(|suite| suite.openssl.to_owned()) {
            if !reasons.contains(&suite) {
                reasons.push(suite);
            }
        }
    }
    if let Asked::Answer(groups) = &survey.groups {
        let is_allowed = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.contains("mlkem") || GROUPS.contains(&name.as_str())
        };
        let foreign = groups.iter().filter(|group| !is_allowed(group.name));
        reasons.extend(foreign.map(|group| format!("group {}", group.name)));
    }
    if let Asked::Answer(bits) = survey.dh_bits
        && bits < rules.dh_bits
    {
        reasons.push(format!("a Diffie-Hellman prime of {bits} bits"));
    }
    match leaf {
        Some(leaf) => reasons.extend(of_leaf(leaf, rules)),
        None => reasons.push("no certificate was seen".to_owned()),
    }
    reasons
}

fn of_leaf(leaf: &ServedCertificate, rules: &Rules) -> Vec<String> {
    let mut reasons = Vec::new();
    let size_fits = match leaf.key {
        KeyKind::Rsa => leaf.key_bits >= MIN_RSA_BITS,
        KeyKind::Ec => CURVE_BITS.contains(&leaf.key_bits),
        _ => true,
    };
    if !rules.keys.contains(&leaf.key) || !size_fits {
        reasons.push(format!("a key of {}", leaf.key_name()));
    }
    if !rules.signatures.contains(&leaf.signature.as_str()) {
        reasons.push(format!("a certificate signed with {}", leaf.signature));
    }
    if leaf.lifespan_days > rules.lifespan_days {
        let (days, most) = (leaf.lifespan_days, rules.lifespan_days);
        reasons.push(format!("a certificate for {days} days, more than {most}"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::SUITES;
    use crate::names::ciphers;

    #[test]
    fn every_suite_is_known() {
        for name in SUITES {
            assert!(ciphers().any(|cipher| cipher.openssl == name), "{name}");
        }
    }
}
