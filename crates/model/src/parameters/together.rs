//! Parameters that PostgreSQL takes one by one and refuses together.

use crate::validate::InvalidParameter;

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
