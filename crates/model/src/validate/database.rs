//! The first user and the first database: names that PostgreSQL takes and the service does not
//! keep for itself.

use super::InvalidParameter;
use super::reserved::{is_reserved_database, is_reserved_role};

/// The longest name PostgreSQL stores (`NAMEDATALEN` - 1).
const MAX_NAME: usize = 63;

/// `MasterUsername`: 1–63 letters, digits and underscores, a letter first, not reserved.
///
/// `postgres` is allowed, as in the service: the engine's own superuser has another name there
/// and here. Case is kept as given.
pub fn master_username(name: &str) -> Result<&str, InvalidParameter> {
    if name.is_empty() {
        return Err(InvalidParameter::Blank { parameter: "MasterUsername" });
    }
    if !is_plain_name(name) {
        return Err(InvalidParameter::MasterUsername);
    }
    if name.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("pg_")) {
        return Err(InvalidParameter::MasterUsernamePrefix { name: name.to_owned() });
    }
    if is_reserved_role(name) {
        return Err(InvalidParameter::MasterUsernameReserved { name: name.to_owned() });
    }
    Ok(name)
}

/// `MasterUserPassword`: 8–128 printable ASCII characters without `/`, `@`, `"` and space.
pub fn master_user_password(password: &str) -> Result<(), InvalidParameter> {
    if password.is_empty() {
        return Err(InvalidParameter::Blank { parameter: "MasterUserPassword" });
    }
    if !password.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'@' | b'"')) {
        return Err(InvalidParameter::PasswordCharacters);
    }
    match password.len() {
        ..8 => Err(InvalidParameter::PasswordTooShort),
        8..=128 => Ok(()),
        _ => Err(InvalidParameter::PasswordTooLong),
    }
}

/// `DBName`: 1–63 letters, digits and underscores, a letter first, not reserved.
///
/// An empty text means none: Terraform sends it so.
pub fn db_name(name: &str) -> Result<Option<&str>, InvalidParameter> {
    if name.is_empty() {
        return Ok(None);
    }
    if !is_plain_name(name) {
        return Err(InvalidParameter::DbName);
    }
    if is_reserved_database(name) {
        return Err(InvalidParameter::DbNameReserved { name: name.to_owned() });
    }
    Ok(Some(name))
}

fn is_plain_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn master_usernames() {
        for name in ["postgres", "a", "master_1", "Admin1", "application_db_admin_user", "left"] {
            assert_eq!(master_username(name), Ok(name));
        }
        for name in ["1a", "_a", "a-b", "a b", "ä", &"a".repeat(64)] {
            assert_eq!(master_username(name), Err(InvalidParameter::MasterUsername), "{name}");
        }
        for name in ["admin", "ADMIN", "rdsadmin", "user", "select", "public", "system_user"] {
            assert_eq!(
                master_username(name).unwrap_err().to_string(),
                format!(
                    "MasterUsername {name} cannot be used as it is a reserved word used by the \
                     engine"
                )
            );
        }
        assert_eq!(
            master_username("pg_dba").unwrap_err().to_string(),
            "MasterUsername pg_dba cannot be used because role names starting with \"pg_\" are \
             reserved by the PostgreSQL engine"
        );
    }

    #[test]
    fn passwords() {
        let of = |length: usize| "x".repeat(length);
        for password in ["secret99", "!#$%&'()*+,-.:;<=>?[\\]^_`{|}~", &of(8), &of(128)] {
            assert_eq!(master_user_password(password), Ok(()));
        }
        for password in
            ["secret/99", "secret@99", "secret\"99", "secret 99", "sécret99", "a\tb\n1234"]
        {
            assert_eq!(master_user_password(password), Err(InvalidParameter::PasswordCharacters));
        }
        assert_eq!(master_user_password(&of(7)), Err(InvalidParameter::PasswordTooShort));
        assert_eq!(master_user_password(&of(129)), Err(InvalidParameter::PasswordTooLong));
        assert_eq!(
            master_user_password("").unwrap_err().to_string(),
            "The parameter MasterUserPassword must be provided and must not be blank."
        );
        assert_eq!(
            InvalidParameter::PasswordCharacters.to_string(),
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII \
             characters besides '/', '@', '\"', ' ' may be used."
        );
    }

    #[test]
    fn database_names() {
        assert_eq!(db_name(""), Ok(None));
        for name in ["app", "App_1", "postgres"] {
            assert_eq!(db_name(name), Ok(Some(name)));
        }
        for name in ["1app", "_app", "my-app", "my app", &"a".repeat(64)] {
            assert_eq!(
                db_name(name).unwrap_err().to_string(),
                "DBName must begin with a letter and contain only alphanumeric characters."
            );
        }
        for name in ["grant", "catalog", "template1", "rdsadmin"] {
            assert_eq!(
                db_name(name).unwrap_err().to_string(),
                format!("DBName {name} cannot be used. It is a reserved word for this engine")
            );
        }
    }

    proptest! {
        #[test]
        fn no_refusal_repeats_the_password(password in "[ -~]{1,9}/[ -~]{0,200}") {
            let refusal = master_user_password(&password).unwrap_err();
            prop_assert_eq!(refusal, InvalidParameter::PasswordCharacters);
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,70}") {
            let _ = (master_username(&text), master_user_password(&text), db_name(&text));
        }
    }
}
