//! Parameters that PostgreSQL takes one by one and refuses together.

use super::{
    Normalised, TlsFacts, check_tls, check_value, default_ssl_ciphers, parameter,
    ssl_min_protocol_version_default,
};
use crate::validate::InvalidParameter;
use crate::{DbParameterGroup, EngineVersion};

/// `check_log_stats` of PostgreSQL: the whole of a statement is measured, or its stages.
const STAGES: [&str; 3] = ["log_executor_stats", "log_parser_stats", "log_planner_stats"];

/// Judges the values of a group together, TLS apart. `setting` gives a normalised value that is
/// set.
///
/// # Errors
/// PostgreSQL would leave one of them out.
pub fn check_together(setting: impl Fn(&str) -> Option<String>) -> Result<(), InvalidParameter> {
    let is_on = |name: &str| setting(name).is_some_and(|value| value == "on");
    match STAGES.into_iter().find(|stage| is_on(stage) && is_on("log_statement_stats")) {
        Some(stage) => Err(InvalidParameter::StatementStats { stage }),
        None => Ok(()),
    }
}

/// Judges the values of a group together: what a server of it would run with is the group's value,
/// else the service's default.
///
/// # Errors
/// PostgreSQL would leave one of them out, no client could connect, or the server's OpenSSL cannot
/// do what is asked for.
pub fn check_group(group: &DbParameterGroup, facts: TlsFacts) -> Result<(), InvalidParameter> {
    let own = group.at_start();
    let newest = EngineVersion { major: group.major, minor: u16::MAX };
    let set = |name: &str| {
        let definition = parameter(group.major, name).ok()?;
        match check_value(definition, own.values.get(name)?).ok()? {
            Normalised::Setting(setting) => Some(setting),
            Normalised::Formula(_) => None,
        }
    };
    let default = |name: &str| match name {
        "ssl_ciphers" => Some(default_ssl_ciphers(newest).to_owned()),
        "ssl_min_protocol_version" => {
            ssl_min_protocol_version_default(group.major).map(str::to_owned)
        }
        _ => None,
    };
    check_together(set)?;
    check_tls(|name| set(name).or_else(|| default(name)), facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_or_the_stages() {
        let judge = |on: &[&str]| {
            check_together(|name| Some(if on.contains(&name) { "on" } else { "off" }.to_owned()))
        };
        assert_eq!(judge(&["log_statement_stats"]), Ok(()));
        assert_eq!(judge(&STAGES), Ok(()));
        assert!(judge(&["log_statement_stats", "log_planner_stats"]).is_err());
    }
}
