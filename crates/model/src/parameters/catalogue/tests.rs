//! The tables are whole, say what the service documents, and every judgement holds.

use proptest::prelude::*;

use super::read::Row;
use super::*;
use crate::parameters::{
    FormulaVariables, default_formula, default_ssl_ciphers, family, force_ssl_default,
};

const SERVICE: &str = include_str!("../../../data/parameters/service.tsv");
const NEWEST: &str = include_str!("../../../data/parameters/postgres18.tsv");

fn taken(major: u16, name: &str, value: &str) -> Result<String, String> {
    let definition = parameter(major, name).map_err(|refusal| refusal.to_string())?;
    let normalised = check_value(definition, value).map_err(|refusal| refusal.to_string())?;
    let variables = FormulaVariables { memory_bytes: 1 << 30, port: 5432, ..Default::default() };
    normalised.setting(definition, &variables).map_err(|refusal| refusal.to_string())
}

#[test]
fn no_line_is_passed_over() {
    assert!(SERVICE.lines().skip(1).all(|line| Row::read(line).is_some()));
    let rows: Vec<Row> = SERVICE.lines().filter_map(Row::read).collect();
    for row in &rows {
        let used = (row.first..=row.last).any(|major| parameter(major, row.name).is_ok());
        assert!(used && row.first <= row.last, "{} is of no family", row.name);
    }
    let own = rows.iter().filter(|row| row.name.starts_with("rds."));
    assert_eq!(catalogue(18).len(), NEWEST.lines().count() - 1 + own.count());
}

#[test]
fn every_definition_is_sound() {
    for major in MAJORS {
        let all = catalogue(major);
        assert!(all.len() > 290 && all.is_sorted_by(|a, b| a.name < b.name), "{major}");
        for one in all {
            let at = format!("{} {}", family(major), one.name);
            assert!(!one.summary.is_empty() && one.name.to_lowercase() == one.name, "{at}");
            let is_number = matches!(one.value_type, ValueType::Integer | ValueType::Float);
            // `server_version_num` has no range: it is of the minor release.
            let has_range = matches!(one.allowed, Allowed::Range(..));
            assert_eq!(is_number, has_range, "{at}");
            for default in [one.default_value, one.engine_default].into_iter().flatten() {
                let modifiable = ParameterDefinition { is_modifiable: true, ..*one };
                let is_own_list = one.name == "ssl_ciphers" || one.name == "ssl_groups";
                if one.is_modifiable && !is_own_list {
                    assert!(check_value(&modifiable, default).is_ok(), "{at} {default}");
                }
            }
        }
    }
    assert!(catalogue(9).is_empty() && catalogue(19).is_empty());
    assert_eq!(
        parameter(18, "a\nb").unwrap_err().to_string(),
        "Could not find parameter with name: a\\nb"
    );
}

/// The tables of the service's documents.
#[test]
fn documented_parameters() {
    let shown = |major: u16, name: &str| {
        let it = parameter(major, name).unwrap();
        (it.value_type.as_str(), it.apply_type.as_str(), it.is_modifiable, it.default_value)
    };
    for major in MAJORS {
        let forced = if force_ssl_default(major) { "1" } else { "0" };
        assert_eq!(shown(major, "rds.force_ssl"), ("boolean", "dynamic", true, Some(forced)));
        assert_eq!(
            shown(major, "max_connections"),
            ("integer", "static", true, default_formula("max_connections"))
        );
        assert_eq!(shown(major, "work_mem"), ("integer", "dynamic", true, None));
        assert_eq!(shown(major, "port"), ("integer", "static", false, Some("{EndPointPort}")));
        assert_eq!(shown(major, "ssl"), ("boolean", "dynamic", false, Some("1")));
        let ciphers = default_ssl_ciphers(format!("{major}.99").parse().unwrap());
        let kind = if major >= 16 { "list" } else { "string" };
        assert_eq!(shown(major, "SSL_ciphers"), (kind, "dynamic", major >= 16, Some(ciphers)));
        assert_eq!(parameter(major, "ssl_min_protocol_version").is_ok(), major >= 12);
        assert_eq!(parameter(major, "ssl_groups").is_ok(), major >= 18);
        let kind = if major >= 18 { "string" } else { "boolean" };
        let logged = (major < 15).then_some("1");
        assert_eq!(shown(major, "log_connections"), (kind, "dynamic", true, logged));
    }
    for name in ["rds.logical_replication", "rds.restrict_password_commands"] {
        assert_eq!(shown(10, name), ("boolean", "static", true, Some("0")));
    }
    let buffers = parameter(16, "shared_buffers").unwrap();
    assert_eq!(buffers.allowed_values().unwrap(), "16-1073741823");
    assert!(buffers.description().starts_with("(8kB) Sets the number of shared memory"));
    let words = |name| parameter(18, name).unwrap().allowed_values();
    assert_eq!(words("autovacuum").unwrap(), "0,1");
    assert_eq!(words("rds.log_retention_period").unwrap(), "1440-10080");
    assert_eq!(words("ssl_max_protocol_version").unwrap(), "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3");
    assert_eq!(words("search_path"), None);
}

/// What would let a customer run code, read files, move the endpoint or lock pgkeep out.
#[test]
fn what_pgkeep_holds_is_not_modifiable() {
    let ends = "_command _file _filename _directory _directories library_path control_path \
        _dir _libraries _library _provider _conninfo";
    let starts = "archive_ unix_socket listen_ bonjour recovery_target primary_ syslog \
        ssl_passphrase allow_ external_pid";
    for major in MAJORS {
        for one in catalogue(major).iter().filter(|it| it.is_modifiable) {
            let held = ends.split_whitespace().any(|end| one.name.ends_with(end))
                || starts.split_whitespace().any(|start| one.name.starts_with(start));
            // Its words are libraries of the engine itself.
            assert!(!held || one.name == "shared_preload_libraries", "{major} {}", one.name);
        }
        for name in ["ssl", "port", "fsync", "logging_collector", "log_directory", "wal_level"] {
            let refusal = taken(major, name, "1").unwrap_err();
            assert_eq!(refusal, format!("The parameter {name} cannot be modified."));
        }
    }
}

#[test]
fn values_in_the_form_of_the_engine() {
    for (name, value, expected) in [
        ("rds.force_ssl", "1", "on"),
        ("autovacuum", "False", "off"),
        ("work_mem", "16MB", "16384"),
        ("datestyle", "dmy,iso", "ISO, DMY"),
        ("shared_buffers", "1 GB", "131072"),
        ("shared_buffers", "{DBInstanceClassMemory/32768}", "32768"),
        ("checkpoint_timeout", "5min", "300"),
        ("log_min_duration_statement", "-1", "-1"),
        ("vacuum_cost_delay", "2000us", "2"),
        ("random_page_cost", "1.10", "1.1"),
        ("seq_page_cost", "1e300", "1e300"),
        ("synchronous_commit", "1", "on"),
        ("wal_compression", "1", "pglz"),
        ("ssl_min_protocol_version", "TLSV1.2", "TLSv1.2"),
        ("ssl_max_protocol_version", "", ""),
        ("timezone", "europe/berlin", "Europe/Berlin"),
        ("search_path", "\"$user\", public", "\"$user\", public"),
        (
            "shared_preload_libraries",
            "pg_stat_statements,auto_explain",
            "pg_stat_statements, auto_explain",
        ),
        ("ssl_groups", "X25519, prime256v1", "X25519:prime256v1"),
        ("ssl_ciphers", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("rds.accepted_password_auth_method", "SCRAM", "scram"),
    ] {
        assert_eq!(taken(18, name, value), Ok(expected.to_owned()), "{name} = {value}");
    }
}

#[test]
fn refusals_say_what_is_allowed() {
    for (name, value, expected) in [
        ("rds.force_ssl", "2", "2 for: rds.force_ssl allowed values are: 0,1"),
        ("work_mem", "1", "1 for: work_mem allowed values are: 64-2147483647 (kB)"),
        ("work_mem", "100000B", "100000B for: work_mem allowed values are: 64-2147483647 (kB)"),
        (
            "rds.allowed_extensions",
            "a\nb",
            "a\\nb for: rds.allowed_extensions allowed values are: at most 1024 printable ASCII \
          characters",
        ),
        (
            "search_path",
            "a;b",
            "a;b for: search_path allowed values are: names with commas between",
        ),
        (
            "restrict_nonsystem_relation_kind",
            "view,",
            "view, for: restrict_nonsystem_relation_kind allowed values are: view,foreign-table",
        ),
    ] {
        let expected = format!("Invalid parameter value: {expected}");
        assert_eq!(taken(18, name, value), Err(expected), "{name} = {value:?}");
    }
    for (name, value) in [
        ("max_connections", "1.5"),
        ("max_connections", "10MB"),
        ("max_connections", "0x10"),
        ("random_page_cost", "NaN"),
        ("random_page_cost", "inf"),
        ("random_page_cost", "1e999"),
        ("work_mem", "9223372036854775807TB"),
        ("work_mem", ""),
        ("work_mem", "0064"),
        ("datestyle", "ISO, SQL"),
        ("vacuum_buffer_usage_limit", "127"),
        ("transaction_buffers", "17"),
        ("ssl_ciphers", ""),
        ("ssl_ciphers", "HIGH:!aNULL"),
        ("ssl_groups", " "),
        ("timezone", "Mars/Base"),
        ("shared_preload_libraries", "/tmp/evil"),
        ("application_name", "a\0"),
        ("max_connections", "{DBInstanceClassMemory}"),
        ("autovacuum", ""),
    ] {
        assert!(taken(18, name, value).is_err(), "{name} = {value:?}");
    }
    let formula = taken(18, "shared_buffers", "DBInstanceClassMemory/32768");
    assert_eq!(formula, Err("invalid parameter value: DBInstanceClassMemory/32768".to_owned()));
}

/// Any parameter, and a text that is random or near to what the parameter takes.
fn attempts() -> impl Strategy<Value = (ParameterDefinition, String)> {
    let definition = MAJORS.prop_flat_map(|major| proptest::sample::select(catalogue(major)));
    let near = |it: ParameterDefinition| {
        let words = it.allowed_values().unwrap_or_default().into_owned();
        let word = words.split([',', '-']).next().unwrap_or_default().to_owned();
        prop_oneof![
            any::<String>(),
            "[-+0-9.e]{0,12}(B|kB|MB|ms|min| )?",
            Just(word.clone()),
            "[\\x00-\\x7f]{0,4}".prop_map(move |tail| format!("{word}{tail}")),
            "[\"a-z,. ]{0,12}",
        ]
    };
    definition.prop_flat_map(move |it| (Just(it), near(it)))
}

proptest! {
    #[test]
    fn what_is_taken_is_one_plain_line_and_taken_again((definition, value) in attempts()) {
        match check_value(&definition, &value) {
            Ok(Normalised::Setting(setting)) => {
                prop_assert!(setting.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
                prop_assert!(setting.len() <= 2048);
                // The lists of TLS are in OpenSSL's words now.
                if !definition.name.starts_with("ssl_") {
                    let again = check_value(&definition, &setting);
                    prop_assert_eq!(again, Ok(Normalised::Setting(setting)));
                }
            }
            Ok(Normalised::Formula(_)) => {
                prop_assert!(definition.value_type != ValueType::String);
            }
            Err(refusal) => {
                prop_assert!(!refusal.to_string().is_empty());
                prop_assert_eq!(refusal.code().name(), "InvalidParameterValue");
            }
        }
    }
}
