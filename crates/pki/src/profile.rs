//! What each certificate says: names, validity, extensions. Pure, apart from the random serial.
//!
//! The shape is that of Amazon RDS's own hierarchy: a root without a path length, a subordinate
//! that can sign leaves only, a leaf with one DNS name.

use pgkeep_model::{CaPolicy, KeyAlgorithm};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime, UtcOffset};

use crate::{PkiError, Result};

/// How far before its making a certificate starts, for clients whose clocks are behind.
pub(crate) const BACKDATE: Duration = Duration::hours(1);

/// The longest common name: RFC 5280 appendix A.1, ub-common-name.
const COMMON_NAME_MAX: usize = 64;

/// The first and the last second of a certificate's life, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

impl Validity {
    pub(crate) fn contains(&self, at: OffsetDateTime) -> bool {
        (self.not_before..=self.not_after).contains(&at)
    }

    /// Whether a certificate of this life outlives neither end of its issuer's.
    pub(crate) fn within(&self, issuer: &Self) -> bool {
        issuer.not_before <= self.not_before && self.not_after <= issuer.not_after
    }
}

/// The life of a certificate made at `now`: a little backdated, then that many calendar years, but
/// inside its issuer's life. Nothing if the issuer is not valid at `now`.
pub(crate) fn plan_validity(
    now: OffsetDateTime,
    years: u16,
    issuer: Option<&Validity>,
) -> Option<Validity> {
    let start = now.to_offset(UtcOffset::UTC).replace_nanosecond(0).ok()? - BACKDATE;
    let own = Validity { not_before: start, not_after: add_years(start, years)? };
    let Some(issuer) = issuer else {
        return Some(own);
    };
    issuer.contains(now).then(|| Validity {
        not_before: own.not_before.max(issuer.not_before),
        not_after: own.not_after.min(issuer.not_after),
    })
}

/// The same date that many years later; 28 February where 29 February does not exist. Nothing past
/// the year 9999, which no certificate can name.
pub(crate) fn add_years(at: OffsetDateTime, years: impl Into<i32>) -> Option<OffsetDateTime> {
    let year = at.year() + years.into();
    let date = at.date();
    let moved = date.replace_year(year).or_else(|_| date.replace_day(28)?.replace_year(year));
    moved.ok().map(|date| at.replace_date(date))
}

/// What an authority's root or subordinate certificate must say.
pub(crate) struct AuthorityProfile {
    pub(crate) common_name: String,
    pub(crate) key: KeyAlgorithm,
    /// How many more authorities may follow below; nothing means no limit.
    pub(crate) path_length: Option<u8>,
}

impl AuthorityProfile {
    /// A root: no path length, as in the original.
    pub(crate) fn root(policy: &CaPolicy, region: &str, suffix: &str) -> Result<Self> {
        Self::named(
            policy.key,
            format!("pgkeep RDS {region} Root CA {}{suffix}", policy.label),
            None,
        )
    }

    /// A subordinate of a root.
    pub(crate) fn subordinate(policy: &CaPolicy, region: &str, suffix: &str) -> Result<Self> {
        let name = format!("pgkeep RDS {region} Subordinate CA {}{suffix}", policy.label);
        Self::named(policy.key, name, Some(0))
    }

    /// An intermediate of the user's own that asks for a certificate.
    pub(crate) fn own(key: KeyAlgorithm, region: &str, identifier: &str) -> Result<Self> {
        Self::named(key, format!("pgkeep RDS {region} {identifier}"), Some(0))
    }

    fn named(key: KeyAlgorithm, common_name: String, path_length: Option<u8>) -> Result<Self> {
        if common_name.len() > COMMON_NAME_MAX {
            return Err(PkiError::NameTooLong(common_name));
        }
        Ok(Self { common_name, key, path_length })
    }

    /// The subject, as [`crate::CertificateInfo`] shows it.
    pub(crate) fn subject(&self) -> String {
        format!("O=pgkeep, CN={}", self.common_name)
    }

    /// The request for its certificate, as PEM.
    pub(crate) fn request(&self, key: &KeyPair) -> Result<String> {
        let mut params = CertificateParams::default();
        self.describe(&mut params);
        let request = params.serialize_request(key).and_then(|it| it.pem());
        request.map_err(PkiError::issue(self.subject()))
    }

    pub(crate) fn params(&self, validity: Validity) -> CertificateParams {
        let mut params = params(validity);
        self.describe(&mut params);
        // A root names no authority above it.
        params.use_authority_key_identifier_extension = self.path_length.is_some();
        params
    }

    fn describe(&self, params: &mut CertificateParams) {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "pgkeep");
        params.distinguished_name.push(DnType::CommonName, self.common_name.as_str());
        params.is_ca = IsCa::Ca(
            self.path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained),
        );
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
    }
}

/// A server's certificate for one name.
///
/// A name over 64 characters does not fit a common name and is left out of the subject; the SAN,
/// the only place where clients must look (RFC 6125 §6.4.4), carries it in any case. The SAN is
/// not critical, as the subject never is empty (RFC 5280 §4.2.1.6). Key encipherment stands on
/// RSA leaves for the RSA key exchange of TLS 1.2 and before, which old engines offer.
pub(crate) fn leaf_params(
    endpoint: &str,
    key: KeyAlgorithm,
    validity: Validity,
) -> Result<CertificateParams> {
    if !is_host_name(endpoint) {
        return Err(PkiError::Endpoint(endpoint.to_owned()));
    }
    let mut params = params(validity);
    if endpoint.len() <= COMMON_NAME_MAX {
        params.distinguished_name.push(DnType::CommonName, endpoint);
    }
    params.distinguished_name.push(DnType::OrganizationalUnitName, "RDS pgkeep");
    let name = endpoint.try_into().map_err(|_| PkiError::Endpoint(endpoint.to_owned()))?;
    params.subject_alt_names = vec![SanType::DnsName(name)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if key != KeyAlgorithm::EcdsaP384 {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Parameters without a name, but with a serial and dates: the encoder's own defaults for these
/// are a hash of the key and the year 4096.
fn params(validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(random_serial());
    params.not_before = validity.not_before;
    params.not_after = validity.not_after;
    params
}

/// A positive number of exactly 16 bytes, 126 bits of them random (RFC 5280 §4.1.2.2 allows 20
/// bytes, and wants unique and positive).
fn random_serial() -> SerialNumber {
    let mut bytes: [u8; 16] = rand::random();
    bytes[0] = bytes[0] & 0x3f | 0x40;
    SerialNumber::from_slice(&bytes)
}

/// A host name by RFC 1123 §2.1: letters, digits and hyphens; at most 63 in a label, 253 in all.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_leap_day_ends_on_28_february() {
        let life = |now, years| plan_validity(now, years, None).unwrap();
        let ordinary = life(datetime!(2026-03-05 12:30:15.75 UTC), 1);
        assert_eq!(ordinary.not_before, datetime!(2026-03-05 11:30:15 UTC));
        assert_eq!(ordinary.not_after, datetime!(2027-03-05 11:30:15 UTC));
        let leap = datetime!(2028-02-29 12:00 UTC);
        assert_eq!(life(leap, 1).not_after, datetime!(2029-02-28 11:00 UTC));
        assert_eq!(life(leap, 40).not_after, datetime!(2068-02-29 11:00 UTC));
        // 2100 and 2128: a century is no leap year unless 400 divides it.
        assert_eq!(life(leap, 72).not_after, datetime!(2100-02-28 11:00 UTC));
        assert_eq!(life(leap, 100).not_after, datetime!(2128-02-29 11:00 UTC));
        // The date is the one in UTC, wherever the clock's offset is.
        let elsewhere = life(datetime!(2028-03-01 02:30 +5), 1);
        assert_eq!(elsewhere.not_after, datetime!(2029-02-28 20:30 UTC));
        assert_eq!(plan_validity(datetime!(9999-06-01 0:00 UTC), 1, None), None);
    }

    #[test]
    fn a_child_lives_inside_its_issuer() {
        let issuer = Validity {
            not_before: datetime!(2026-01-01 0:00 UTC),
            not_after: datetime!(2036-01-01 0:00 UTC),
        };
        let life = |now| plan_validity(now, 1, Some(&issuer));
        let first = life(datetime!(2026-01-01 0:30 UTC)).unwrap();
        assert_eq!(first.not_before, issuer.not_before);
        let last = life(datetime!(2035-07-01 0:00 UTC)).unwrap();
        assert_eq!(last.not_after, issuer.not_after);
        assert!(first.within(&issuer) && last.within(&issuer));
        assert_eq!(life(datetime!(2025-12-31 23:59:59 UTC)), None);
        assert_eq!(life(datetime!(2036-01-01 0:00:01 UTC)), None);
    }

    #[test]
    fn only_host_names_are_vouched_for() {
        for name in ["localhost", "demo.abc123.us-east-1.rds.localhost", &"a".repeat(63)] {
            assert!(is_host_name(name), "{name}");
        }
        let long = ["a".repeat(63).as_str(); 4].join(".");
        for name in ["", ".", "a..b", "a.", "*.a", "-a", "a-", "a b", "a\0b", "ä.b", "a/b", &long]
        {
            assert!(!is_host_name(name), "{name}");
        }
        assert!(!is_host_name(&"a".repeat(64)));
    }

    #[test]
    fn serials_are_sixteen_bytes_and_positive() {
        for _ in 0..1000 {
            let serial = random_serial().to_bytes();
            assert_eq!(serial.len(), 16);
            assert!((0x40..0x80).contains(&serial[0]), "{serial:?}");
        }
    }
}
