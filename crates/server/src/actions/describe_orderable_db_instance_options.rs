//! `DescribeOrderableDBInstanceOptions`.
//!
//! Every class goes with every version here: the service's own table of combinations follows
//! from its hardware, which a local machine does not have.

use pgkeep_model::{EngineVersion, InstanceClass, StorageType, instance_classes};
use pgkeep_query::shapes::{
    AvailabilityZone, DescribeOrderableDbInstanceOptionsMessage, OrderableDbInstanceOption,
    OrderableDbInstanceOptionsMessage,
};
use pgkeep_workflow::Control;

use crate::error::ApiError;
use crate::filter;
use crate::page::Page;

pub(super) fn answer(
    control: &Control,
    input: &DescribeOrderableDbInstanceOptionsMessage,
) -> Result<OrderableDbInstanceOptionsMessage, ApiError> {
    filter::check(input.filters.as_deref(), &[])?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let is = |wanted: &Option<String>, own: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == own)
    };
    let mut all = Vec::new();
    let versions =
        if input.engine == "postgres" { control.engines().versions() } else { Vec::new() };
    for version in versions {
        let classes = instance_classes().iter();
        all.extend(
            classes
                .filter(|class| {
                    is(&input.engine_version, &version.to_string())
                        && is(&input.db_instance_class, class.name)
                        && is(&input.license_model, "postgresql-license")
                })
                .flat_map(|class| StorageType::ALL.map(|storage| (version, class, storage))),
        );
    }
    let key = |&(version, class, storage): &(EngineVersion, &InstanceClass, StorageType)| {
        format!("{:05}.{:05} {} {storage}", version.major, version.minor, class.name)
    };
    all.sort_by_key(key);
    let (options, marker) = page.cut(all, key);
    let zone = format!("{}a", control.installation().region);
    let orderable_db_instance_options = options
        .into_iter()
        .map(|(version, class, storage)| option(version, class, storage, &zone))
        .collect();
    Ok(OrderableDbInstanceOptionsMessage { orderable_db_instance_options, marker })
}

fn option(
    version: EngineVersion,
    class: &InstanceClass,
    storage: StorageType,
    zone: &str,
) -> OrderableDbInstanceOption {
    OrderableDbInstanceOption {
        availability_zones: vec![AvailabilityZone { name: Some(zone.to_owned()) }],
        db_instance_class: Some(class.name.to_owned()),
        engine: Some("postgres".to_owned()),
        engine_version: Some(version.to_string()),
        license_model: Some("postgresql-license".to_owned()),
        multi_az_capable: Some(true),
        read_replica_capable: Some(false),
        storage_type: Some(storage.to_string()),
        supported_network_types: vec!["IPV4".to_owned()],
        supports_enhanced_monitoring: Some(true),
        supports_iam_database_authentication: Some(true),
        supports_performance_insights: Some(true),
        supports_storage_encryption: Some(true),
        vpc: Some(true),
        ..OrderableDbInstanceOption::default()
    }
}
