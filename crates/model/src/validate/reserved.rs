//! Words that cannot name a master user or a database.
//!
//! The service refuses "reserved words" without publishing which. Here they are what PostgreSQL
//! itself cannot take as a name, and the names that were seen refused.

/// PostgreSQL's reserved key words, of all majors together, sorted: what `pg_get_keywords()`
/// calls category R. `system_user` is one from 16 on.
const KEY_WORDS: &str = "all analyse analyze and any array as asc asymmetric both case cast check \
    collate column constraint create current_catalog current_date current_role current_time \
    current_timestamp current_user default deferrable desc distinct do else end except false \
    fetch for foreign from grant group having in initially intersect into lateral leading limit \
    localtime localtimestamp not null offset on only or order placing primary references \
    returning select session_user some symmetric system_user table then to trailing true union \
    unique user using variadic when where window with";

/// Roles of the service, and names that `CREATE ROLE` keeps for itself.
const ROLES: [&str; 7] =
    ["admin", "none", "public", "rdsadmin", "rds_iam", "rds_replication", "rds_superuser"];

/// Databases of the engine and of the service, and words seen refused by the service.
const DATABASES: [&str; 5] = ["catalog", "flag", "rdsadmin", "template0", "template1"];

/// Whether a role of that name is the service's or the engine's. PostgreSQL folds unquoted names,
/// so case makes no difference.
pub(super) fn is_reserved_role(name: &str) -> bool {
    is_key_word(name) || ROLES.iter().any(|role| role.eq_ignore_ascii_case(name))
}

/// Whether a database of that name is the service's or the engine's. `postgres` is not: it may be
/// asked for, and is there anyhow.
pub(super) fn is_reserved_database(name: &str) -> bool {
    is_key_word(name) || DATABASES.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn is_key_word(name: &str) -> bool {
    KEY_WORDS.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(name))
}
