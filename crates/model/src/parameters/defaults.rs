//! Defaults of the service that differ from the engine's own, by version.
//!
//! Sources: "Using SSL with a PostgreSQL DB instance" (cipher table, `rds.force_ssl`), the default
//! parameter groups of the service (the rest).

use std::collections::BTreeMap;

use crate::engine::EngineVersion;
use crate::names::DbParameterGroupName;
use crate::parameters::{Formula, FormulaVariables};
use crate::validate::InvalidParameter;

/// A row of the cipher table: the list is the default from `first` on, up to the next row.
struct CipherRow {
    first: EngineVersion,
    ciphers: &'static str,
}

const fn row(major: u16, minor: u16, ciphers: &'static str) -> CipherRow {
    CipherRow { first: EngineVersion { major, minor }, ciphers }
}

/// The cipher table in ascending order. It leaves out 10.8, 11.0 and 11.3, which the service
/// never offered: 11.0 goes with 11.1; 10.8 and 11.3 have the stricter list of what follows them.
const SSL_CIPHERS: [CipherRow; 5] = [
    row(10, 0, "HIGH:MEDIUM:+3DES:!aNULL"),
    row(10, 8, "HIGH:MEDIUM:+3DES:!aNULL:!RC4"),
    row(11, 0, "HIGH:MEDIUM:+3DES:!aNULL"),
    row(11, 3, "HIGH:MEDIUM:+3DES:!aNULL:!RC4"),
    row(12, 0, "HIGH:!aNULL:!3DES"),
];

/// The default of `ssl_ciphers`. Versions after the table keep its last list.
pub fn default_ssl_ciphers(version: EngineVersion) -> &'static str {
    let row = SSL_CIPHERS.iter().rev().find(|row| row.first <= version);
    row.unwrap_or(&SSL_CIPHERS[0]).ciphers
}

/// The default of `rds.force_ssl`: on from 15.
pub fn force_ssl_default(major: u16) -> bool {
    major >= 15
}

/// The default of `ssl_min_protocol_version`; before 12 the engine has no such parameter.
pub fn ssl_min_protocol_version_default(major: u16) -> Option<&'static str> {
    (major >= 12).then_some("TLSv1.2")
}

/// The default of `password_encryption`.
pub fn password_encryption_default(major: u16) -> &'static str {
    if major >= 14 { "scram-sha-256" } else { "md5" }
}

/// The default of `log_connections`, where it is not the engine's: a line for every connection
/// while `rds.force_ssl` is off, so that it is known who connects without TLS before that refuses
/// it. From 18 on that one line alone can be had.
pub fn log_connections_default(major: u16, force_ssl: bool) -> Option<&'static str> {
    (!force_ssl).then_some(if major >= 18 { "authorization" } else { "1" })
}

/// The parameter group family of a major version: `postgres16`.
pub fn family(major: u16) -> String {
    format!("postgres{major}")
}

/// The default parameter group of a major version: `default.postgres16`.
pub fn default_group_name(major: u16) -> DbParameterGroupName {
    DbParameterGroupName::of_default(major)
}

/// The parameters whose default is a [`Formula`](super::Formula), in the unit of the engine:
/// 8 kB pages for `shared_buffers`, kB for `maintenance_work_mem`.
pub const DEFAULT_FORMULAS: [(&str, &str); 3] = [
    ("maintenance_work_mem", "GREATEST({DBInstanceClassMemory/63963136*1024},65536)"),
    ("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)"),
    ("shared_buffers", "{DBInstanceClassMemory/32768}"),
];

/// The default formula of a parameter.
pub fn default_formula(parameter: &str) -> Option<&'static str> {
    DEFAULT_FORMULAS.iter().find(|(name, _)| *name == parameter).map(|(_, formula)| *formula)
}

/// The default of the service for a family, where it is one by version. A group has no minor
/// version; it shows what the newest has.
pub(super) fn service_default(major: u16, parameter: &str) -> Option<&'static str> {
    match parameter {
        "log_connections" => log_connections_default(major, force_ssl_default(major)),
        "password_encryption" => Some(password_encryption_default(major)),
        "rds.force_ssl" => Some(if force_ssl_default(major) { "1" } else { "0" }),
        "ssl_ciphers" => Some(default_ssl_ciphers(EngineVersion { major, minor: u16::MAX })),
        "ssl_min_protocol_version" => ssl_min_protocol_version_default(major),
        other => default_formula(other),
    }
}

/// The values of a default group for a server: those parameters whose default is the service's,
/// not the engine's, in the engine's units.
///
/// # Errors
/// A formula has no value for these variables.
pub fn evaluate_defaults(
    version: EngineVersion,
    variables: &FormulaVariables,
) -> Result<BTreeMap<String, String>, InvalidParameter> {
    let mut values = BTreeMap::new();
    for (name, formula) in DEFAULT_FORMULAS {
        let formula: Formula = formula.parse()?;
        values.insert(name.to_owned(), formula.evaluate(variables)?.to_string());
    }
    let mut set = |name: &str, value: &str| values.insert(name.to_owned(), value.to_owned());
    set("ssl_ciphers", default_ssl_ciphers(version));
    set("password_encryption", password_encryption_default(version.major));
    set("timezone", "UTC");
    if let Some(least) = ssl_min_protocol_version_default(version.major) {
        set("ssl_min_protocol_version", least);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the page's table, with 17 and 18 and the versions between the lines.
    #[test]
    fn the_cipher_table() {
        const STRICT: &str = "HIGH:!aNULL:!3DES";
        const WITHOUT_RC4: &str = "HIGH:MEDIUM:+3DES:!aNULL:!RC4";
        const OLD: &str = "HIGH:MEDIUM:+3DES:!aNULL";
        for (versions, ciphers) in [
            (&["19.0", "18.4", "18.0", "17.10", "16.0", "16.14", "15.18"][..], STRICT),
            (&["14.23", "13.0", "13.23", "12.0", "12.22"], STRICT),
            (&["11.4", "11.5", "11.22", "11.3"], WITHOUT_RC4),
            (&["11.1", "11.2", "11.0"], OLD),
            (&["10.9", "10.23", "10.8"], WITHOUT_RC4),
            (&["10.7", "10.1", "10.0", "9.6"], OLD),
        ] {
            for version in versions {
                assert_eq!(default_ssl_ciphers(version.parse().unwrap()), ciphers, "{version}");
            }
        }
    }

    #[test]
    fn by_major_version() {
        assert_eq!([10, 14, 15, 18].map(force_ssl_default), [false, false, true, true]);
        assert_eq!(ssl_min_protocol_version_default(11), None);
        assert_eq!([12, 18].map(ssl_min_protocol_version_default), [Some("TLSv1.2"); 2]);
        assert_eq!(
            [10, 13, 14, 18].map(password_encryption_default),
            ["md5", "md5", "scram-sha-256", "scram-sha-256"]
        );
        let open = [10, 17, 18].map(|major| log_connections_default(major, false));
        assert_eq!(open, [Some("1"), Some("1"), Some("authorization")]);
        assert_eq!(log_connections_default(14, true), None);
        assert_eq!(default_group_name(16).to_string(), "default.postgres16");
        assert_eq!(family(9), "postgres9");
    }

    /// The figures were worked out by hand for 1 GiB and 1 TiB.
    #[test]
    fn default_formulas_have_values() {
        for (parameter, small, large) in [
            ("max_connections", 112, 5000),
            ("shared_buffers", 32_768, 33_554_432),
            ("maintenance_work_mem", 65_536, 17_601_536),
        ] {
            let formula: Formula = default_formula(parameter).unwrap().parse().unwrap();
            let value = |memory| {
                let variables = FormulaVariables { memory_bytes: memory, ..Default::default() };
                formula.evaluate(&variables).unwrap()
            };
            assert_eq!((value(1 << 30), value(1 << 40)), (small, large), "{parameter}");
        }
        assert_eq!(default_formula("work_mem"), None);
    }
}
