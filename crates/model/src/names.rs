//! Names as types: what has one of these has been judged, and two kinds cannot be mixed up.
//!
//! Each is plain text in JSON and judged again when read back. Randomness is a parameter:
//! [`DbiResourceId::from_random`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::MAJORS;
use crate::parameters::default_group_name;
use crate::validate::{self, InvalidParameter};

/// A text that `$judge` let through.
macro_rules! judged_text {
    ($(#[$doc:meta])* $name:ident, $judge:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidParameter;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $judge(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidParameter;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

judged_text!(
    /// The identifier of a DB instance: 1–63 characters, lowercase.
    DbInstanceIdentifier,
    |text| validate::identifier("DBInstanceIdentifier", text, DbInstanceIdentifier::MAX)
);

judged_text!(
    /// The name of a DB parameter group, lowercase: one of a customer, or a default
    /// (`default.postgres16`).
    DbParameterGroupName,
    |text: &str| match default_group(text) {
        Some(name) => Ok(name.0),
        None => DbParameterGroupName::custom(text).map(|name| name.0),
    }
);

judged_text!(
    /// The immutable id of a DB instance: `db-` and 26 characters of base 32.
    DbiResourceId,
    |text: &str| {
        let is_id = |id: &str| id.len() == 26 && id.bytes().all(|b| BASE32.contains(&b));
        let refusal = || InvalidParameter::DbiResourceId { text: text.to_owned() };
        text.strip_prefix("db-").filter(|id| is_id(id)).map(|_| text.to_owned()).ok_or_else(refusal)
    }
);

judged_text!(
    /// An account: 12 digits.
    AccountId,
    validate::account_id
);

judged_text!(
    /// A region: `us-east-1`.
    RegionName,
    validate::region_name
);

judged_text!(
    /// The domain all endpoints end in: `rds.localhost`.
    DomainName,
    validate::domain_name
);

impl DbInstanceIdentifier {
    const MAX: usize = 63;

    /// The identifier out of another field of a request, which a refusal then names:
    /// `NewDBInstanceIdentifier`.
    pub fn from_parameter(parameter: &'static str, text: &str) -> Result<Self, InvalidParameter> {
        validate::identifier(parameter, text, Self::MAX).map(Self)
    }
}

impl DbParameterGroupName {
    /// A name for a group of a customer: 1–255 characters, and no period.
    pub fn custom(text: &str) -> Result<Self, InvalidParameter> {
        validate::identifier("DBParameterGroupName", text, 255).map(Self)
    }

    /// The name of the default group of a major version, known or not.
    pub(crate) fn of_default(major: u16) -> Self {
        Self(format!("default.{}", crate::parameters::family(major)))
    }

    /// Whether this is a default group, which nobody may change or delete.
    pub fn is_default(&self) -> bool {
        self.0.contains('.')
    }
}

/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl DbiResourceId {
    /// An id from 17 random bytes, of which 130 bits are used.
    pub fn from_random(bytes: [u8; 17]) -> Self {
        let mut id = "db-".to_owned();
        let (mut bits, mut count) = (0_u32, 0_u32);
        for byte in bytes {
            bits = (bits << 8) | u32::from(byte);
            count += 8;
            while count >= 5 && id.len() < 29 {
                count -= 5;
                id.push(char::from(BASE32[(bits >> count) as usize & 31]));
            }
        }
        Self(id)
    }
}

/// The 12 lowercase letters and digits that stand for an account in a region in every endpoint.
///
/// The original's are secret; ours are a hash, so that they are the same after a restart and on
/// every machine, and two accounts on one machine do not share endpoints.
pub fn account_hash(account: &AccountId, region: &RegionName) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let digest = Sha256::digest(format!("pgkeep endpoint\0{account}\0{region}"));
    let mut rest = digest.iter().take(16).fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
    let mut next = || {
        let digit = DIGITS[(rest % 36) as usize];
        rest /= 36;
        char::from(digit)
    };
    std::iter::repeat_with(&mut next).take(12).collect()
}

/// The DNS name of an instance's endpoint: `mydb.abcdefghijkl.us-east-1.rds.localhost`.
///
/// At most 253 characters, as each part is bounded.
pub fn endpoint_name(
    identifier: &DbInstanceIdentifier,
    account: &AccountId,
    region: &RegionName,
    domain: &DomainName,
) -> String {
    format!("{identifier}.{}.{region}.{domain}", account_hash(account, region))
}

fn default_group(text: &str) -> Option<DbParameterGroupName> {
    MAJORS.map(default_group_name).find(|name| name.0.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instance_identifiers_are_lowercase_text_in_json() {
        let id: DbInstanceIdentifier = serde_json::from_str("\"MyDB\"").unwrap();
        assert_eq!((id.as_str(), id.to_string().as_str()), ("mydb", "mydb"));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"mydb\"");
        let refusal = serde_json::from_str::<DbInstanceIdentifier>("\"my--db\"").unwrap_err();
        assert!(refusal.to_string().starts_with("The parameter DBInstanceIdentifier is not"));
        let renamed = DbInstanceIdentifier::from_parameter("NewDBInstanceIdentifier", "1");
        assert!(renamed.unwrap_err().to_string().contains("NewDBInstanceIdentifier"));
    }

    #[test]
    fn group_names() {
        for (text, is_default) in [("default.postgres16", true), ("Mine-1", false)] {
            let name: DbParameterGroupName = text.parse().unwrap();
            assert_eq!(name.is_default(), is_default);
            assert_eq!(name.as_str(), text.to_ascii_lowercase());
        }
        for text in ["default.postgres9", "default.mysql8.0", "my.group", "default.", ""] {
            assert!(text.parse::<DbParameterGroupName>().is_err(), "{text}");
        }
        assert!(DbParameterGroupName::custom("default.postgres16").is_err());
        assert!(DbParameterGroupName::custom(&"a".repeat(255)).is_ok());
        assert!(DbParameterGroupName::custom(&"a".repeat(256)).is_err());
    }

    /// Expected texts: Python's `base64.b32encode`, cut to 26 characters.
    #[test]
    fn resource_ids_are_base_32() {
        let zero = DbiResourceId::from_random([0; 17]);
        assert_eq!(zero.as_str(), "db-AAAAAAAAAAAAAAAAAAAAAAAAAA");
        let ones = DbiResourceId::from_random([0xff; 17]);
        assert_eq!(ones.as_str(), "db-77777777777777777777777777");
        let count = std::array::from_fn(|n| u8::try_from(n).unwrap());
        assert_eq!(DbiResourceId::from_random(count).as_str(), "db-AAAQEAYEAUDAOCAJBIFQYDIOB4");
        for text in ["", "db-", "db-aaaaaaaaaaaaaaaaaaaaaaaaaa", "db-AAAAAAAAAAAAAAAAAAAAAAAAA1"] {
            assert!(text.parse::<DbiResourceId>().is_err(), "{text}");
        }
    }

    /// The digest is the `sha256sum` command's; the digits were taken off it by Python.
    #[test]
    fn endpoints_are_stable() {
        let (account, region) = ("123456789012".parse().unwrap(), "us-east-1".parse().unwrap());
        let endpoint = endpoint_name(
            &"mydb".parse().unwrap(),
            &account,
            &region,
            &"rds.localhost".parse().unwrap(),
        );
        assert_eq!(endpoint, "mydb.6lcep595r0fx.us-east-1.rds.localhost");
    }

    #[test]
    fn hashes_differ_by_account_and_region() {
        let hashes: HashSet<String> = ["123456789012", "123456789013"]
            .iter()
            .flat_map(|account| ["us-east-1", "us-east-2"].map(|region| (account, region)))
            .map(|(account, region)| {
                account_hash(&account.parse().unwrap(), &region.parse().unwrap())
            })
            .collect();
        assert_eq!(hashes.len(), 4);
    }

    #[test]
    fn the_longest_endpoint_fits_a_dns_name() {
        let (region, label) = ("r".repeat(32), "d".repeat(63));
        let domain = format!("{label}.{label}.{}", "d".repeat(15));
        let endpoint = endpoint_name(
            &"a".repeat(63).parse().unwrap(),
            &"123456789012".parse().unwrap(),
            &region.parse().unwrap(),
            &domain.parse().unwrap(),
        );
        assert_eq!(endpoint.len(), 253);
    }

    proptest! {
        #[test]
        fn every_random_id_is_valid(bytes: [u8; 17]) {
            let id = DbiResourceId::from_random(bytes);
            prop_assert_eq!(id.as_str().parse(), Ok(id.clone()));
        }

        #[test]
        fn every_hash_is_12_lowercase_characters(
            account in "[0-9]{12}",
            region in "[a-z]{2}-[a-z]{4}-[0-9]",
        ) {
            let hash = account_hash(&account.parse().unwrap(), &region.parse().unwrap());
            prop_assert_eq!(hash.len(), 12);
            prop_assert!(hash.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        }
    }
}
