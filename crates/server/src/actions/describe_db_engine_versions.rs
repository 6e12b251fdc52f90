//! `DescribeDBEngineVersions`.

use pgkeep_model::EngineVersion;
use pgkeep_model::parameters::family;
use pgkeep_query::shapes::{
    DbEngineVersion, DbEngineVersionMessage, DescribeDbEngineVersionsMessage,
};
use pgkeep_workflow::Control;

use crate::error::ApiError;
use crate::filter;
use crate::page::Page;

const FILTERS: [&str; 5] =
    ["db-parameter-group-family", "engine", "engine-mode", "engine-version", "status"];

pub(super) fn answer(
    control: &Control,
    input: &DescribeDbEngineVersionsMessage,
) -> Result<DbEngineVersionMessage, ApiError> {
    filter::check(input.filters.as_deref(), &FILTERS)?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let engine = input.engine.as_deref().unwrap_or("postgres");
    let mut versions = if engine == "postgres" { control.engines().versions() } else { Vec::new() };
    versions.retain(|version| matches(input, *version));
    if input.default_only == Some(true) {
        let default = control.engines().default_version();
        versions.retain(|version| match &input.engine_version {
            // With a major version, its default: the newest that is offered.
            Some(_) => true,
            None => Some(*version) == default,
        });
        versions = versions.into_iter().next_back().into_iter().collect();
    }
    let (versions, marker) = page.cut(versions, |it| format!("{:05}.{:05}", it.major, it.minor));
    let authorities = control.authorities().describe();
    let authorities: Vec<_> = authorities.into_iter().map(|it| it.identifier).collect();
    let versions = versions.into_iter().map(|it| engine_version(it, &authorities));
    let db_engine_versions = versions.collect();
    Ok(DbEngineVersionMessage { db_engine_versions, marker })
}

fn matches(input: &DescribeDbEngineVersionsMessage, version: EngineVersion) -> bool {
    let wanted = input.engine_version.as_deref().filter(|text| !text.is_empty());
    let wanted_family = input.db_parameter_group_family.as_deref();
    wanted.is_none_or(|text| text == version.to_string() || text == version.major.to_string())
        && wanted_family.is_none_or(|text| text == family(version.major))
        && filter::passes(input.filters.as_deref(), |name| match name {
            "db-parameter-group-family" => vec![family(version.major)],
            "engine" => vec!["postgres".to_owned()],
            "engine-mode" => vec!["provisioned".to_owned()],
            "engine-version" => vec![version.to_string(), version.major.to_string()],
            _ => vec!["available".to_owned()],
        })
}

fn engine_version(version: EngineVersion, authorities: &[String]) -> DbEngineVersion {
    DbEngineVersion {
        db_engine_description: Some("PostgreSQL".to_owned()),
        db_engine_version_description: Some(format!("PostgreSQL {version}")),
        db_parameter_group_family: Some(family(version.major)),
        engine: Some("postgres".to_owned()),
        engine_version: Some(version.to_string()),
        major_engine_version: Some(version.major.to_string()),
        status: Some("available".to_owned()),
        supported_ca_certificate_identifiers: authorities.to_vec(),
        supports_certificate_rotation_without_restart: Some(true),
        supports_global_databases: Some(false),
        supports_log_exports_to_cloudwatch_logs: Some(false),
        supports_parallel_query: Some(false),
        supports_read_replica: Some(false),
        ..DbEngineVersion::default()
    }
}
