//! The rules a request's values must keep before anything is done with them.
//!
//! Each function takes what arrived on the wire and gives the value to work with, or an
//! [`InvalidParameter`] whose text is the service's own where that is known; texts of ours are
//! marked so at their variant. What depends on the state of an instance is not judged here, and
//! no refusal repeats a password.

mod arn;
mod configuration;
mod database;
mod error;
mod reserved;
mod settings;
mod storage;
mod tags;

pub use arn::{Arn, ArnResource};
pub use configuration::{account_id, domain_name, region_name};
pub use database::{db_name, master_user_password, master_username};
pub use error::{ErrorCode, InvalidParameter};
pub use settings::{
    backup_retention_period, db_instance_class, engine, license_model, monitoring_interval,
    parameter_group_family, port,
};
pub use storage::{StorageType, storage};
pub use tags::{MAX_TAGS, tag, tags};

/// An identifier of the API: letters, digits and hyphens, a letter first, no hyphen last and no
/// two together. Gives it in lowercase, as the service stores it.
///
/// `parameter` is the name of the request's field, which the refusal tells; `limit` the most
/// characters.
pub fn identifier(
    parameter: &'static str,
    text: &str,
    limit: usize,
) -> Result<String, InvalidParameter> {
    if text.is_empty() {
        return Err(InvalidParameter::Blank { parameter });
    }
    let well_formed = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.ends_with('-')
        && !text.contains("--");
    if !well_formed {
        return Err(InvalidParameter::Identifier { parameter });
    }
    if text.len() > limit {
        return Err(InvalidParameter::IdentifierTooLong { parameter, limit });
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: &str = "The parameter DBInstanceIdentifier is not a valid identifier. \
        Identifiers must begin with a letter; must contain only ASCII letters, digits, and \
        hyphens; and must not end with a hyphen or contain two consecutive hyphens.";

    fn check(text: &str) -> Result<String, String> {
        identifier("DBInstanceIdentifier", text, 63).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn identifiers() {
        assert_eq!(check("MyDB-1"), Ok("mydb-1".to_owned()));
        assert_eq!(check(&"a".repeat(63)), Ok("a".repeat(63)));
        for text in ["1db", "-db", "db-", "d--b", "my db", "my_db", "dåb", "my.db"] {
            assert_eq!(check(text), Err(SHAPE.to_owned()), "{text}");
        }
        let long = "The parameter DBInstanceIdentifier is not a valid identifier because it is \
            longer than 63 characters.";
        assert_eq!(check(&"a".repeat(64)), Err(long.to_owned()));
        let blank = "The parameter DBInstanceIdentifier must be provided and must not be blank.";
        assert_eq!(check(""), Err(blank.to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_what_passes_passes_again(
            text in "\\PC{0,70}|[a-zA-Z0-9-]{0,70}",
        ) {
            if let Ok(stored) = check(&text) {
                prop_assert!(text.eq_ignore_ascii_case(&stored));
                prop_assert_eq!(check(&stored), Ok(stored.clone()));
            }
        }
    }
}
