//! Amazon resource names of what pgkeep keeps: instances, parameter groups and authorities.
//!
//! `arn:aws:rds:<region>:<account>:<type>:<name>`; an authority belongs to no account and its
//! field is empty. Other types and partitions are refused: nothing here answers to them.

use std::fmt;
use std::str::FromStr;

use super::InvalidParameter;
use crate::names::{AccountId, DbInstanceIdentifier, DbParameterGroupName, RegionName};

/// A resource name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    /// The region of the resource.
    pub region: RegionName,
    /// What it names.
    pub resource: ArnResource,
}

/// What a resource name names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ArnResource {
    /// A DB instance (`db`).
    DbInstance(AccountId, DbInstanceIdentifier),
    /// A DB parameter group (`pg`).
    DbParameterGroup(AccountId, DbParameterGroupName),
    /// A certificate authority (`cert`), in lowercase; whether it exists is not said.
    Certificate(String),
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = &self.region;
        match &self.resource {
            ArnResource::DbInstance(account, name) => {
                write!(f, "arn:aws:rds:{region}:{account}:db:{name}")
            }
            ArnResource::DbParameterGroup(account, name) => {
                write!(f, "arn:aws:rds:{region}:{account}:pg:{name}")
            }
            ArnResource::Certificate(name) => write!(f, "arn:aws:rds:{region}::cert:{name}"),
        }
    }
}

impl FromStr for Arn {
    type Err = InvalidParameter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidParameter::Arn { arn: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Arn> {
    let fields: Vec<&str> = text.split(':').collect();
    let ["arn", "aws", "rds", region, account, kind, name] = fields[..] else {
        return None;
    };
    let resource = match (kind, account) {
        ("db", _) => ArnResource::DbInstance(account.parse().ok()?, name.parse().ok()?),
        ("pg", _) => ArnResource::DbParameterGroup(account.parse().ok()?, name.parse().ok()?),
        ("cert", "") => ArnResource::Certificate(super::identifier("cert", name, 255).ok()?),
        _ => return None,
    };
    Some(Arn { region: region.parse().ok()?, resource })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_read_and_written() {
        for text in [
            "arn:aws:rds:us-east-1:123456789012:db:mydb",
            "arn:aws:rds:us-east-1:123456789012:pg:default.postgres16",
            "arn:aws:rds:us-east-1:123456789012:pg:my-group",
            "arn:aws:rds:us-east-1::cert:rds-ca-rsa2048-g1",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
        let upper = "arn:aws:rds:us-east-1:123456789012:db:MyDB".parse::<Arn>().unwrap();
        assert_eq!(upper.to_string(), "arn:aws:rds:us-east-1:123456789012:db:mydb");
    }

    #[test]
    fn other_names_are_refused() {
        for text in [
            "",
            "arn:aws:rds:us-east-1:123456789012:db",
            "arn:aws:rds:us-east-1:123456789012:db:",
            "arn:aws:rds:us-east-1:123456789012:db:a:b",
            "arn:aws:rds:us-east-1:AIDAJDGLPYCDOTN7Q7BXG:db:a",
            "arn:aws:rds:us-east-1:123456789012:cert:rds-ca-rsa2048-g1",
            "arn:aws:rds::123456789012:db:a",
            "arn:aws:ec2:us-east-1:123456789012:db:a",
            "arn:aws-cn:rds:us-east-1:123456789012:db:a",
            "arn:aws:rds:us-east-1:123456789012:snapshot:a",
        ] {
            let refusal = text.parse::<Arn>().unwrap_err();
            assert_eq!(refusal.to_string(), format!("Invalid resource name: {text}"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_what_is_read_is_written(
            text in "(arn:aws:rds:[a-z0-9-]{1,9}:([0-9]{12})?:(db|pg|cert):[a-zA-Z0-9.-]{0,9})\
                |\\PC{0,80}"
        ) {
            if let Ok(arn) = text.parse::<Arn>() {
                prop_assert!(arn.to_string().eq_ignore_ascii_case(&text));
                prop_assert_eq!(arn.to_string().parse::<Arn>().unwrap(), arn);
            }
        }
    }
}
