//! A DB instance as the API shows it.

use std::collections::BTreeMap;

use pgkeep_model::parameters::is_dynamic;
use pgkeep_model::{DbInstance, DbParameterGroup, InstanceStatus, Kept, Pending};
use pgkeep_query::shapes;
use pgkeep_workflow::Control;

/// The shape of an instance. What is not yet proved is not in it: the endpoint appears with the
/// first proof, the certificate's end with the certificate.
pub(crate) fn instance(control: &Control, instance: &DbInstance) -> shapes::DbInstance {
    let desired = &instance.desired;
    let kept = &desired.kept;
    shapes::DbInstance {
        availability_zone: or(
            kept.availability_zone.as_ref(),
            &format!("{}a", control.installation().region),
        ),
        ca_certificate_identifier: Some(desired.ca_identifier.clone()),
        certificate_details: certificate_details(instance),
        db_instance_arn: Some(arn(control, instance)),
        db_instance_class: Some(desired.class.clone()),
        db_instance_identifier: Some(desired.identifier.to_string()),
        db_instance_port: Some(0),
        db_instance_status: Some(instance.status.to_string()),
        db_name: desired.db_name.clone(),
        db_parameter_groups: vec![shapes::DbParameterGroupStatus {
            db_parameter_group_name: Some(desired.parameter_group.clone()),
            parameter_apply_status: Some(apply_status(control, instance)),
        }],
        dbi_resource_id: Some(instance.resource_id.to_string()),
        deletion_protection: Some(desired.deletion_protection),
        endpoint: endpoint(instance),
        engine: Some("postgres".to_owned()),
        engine_version: Some(desired.engine_version.to_string()),
        instance_create_time: instance.applied.created.then_some(instance.created_at),
        master_username: Some(desired.master_username.clone()),
        option_group_memberships: vec![shapes::OptionGroupMembership {
            option_group_name: or(
                kept.option_group_name.as_ref(),
                &format!("default:postgres-{}", desired.engine_version.major),
            ),
            status: Some("in-sync".to_owned()),
        }],
        pending_modified_values: Some(pending(&instance.pending)),
        preferred_backup_window: Some(desired.backup_window.clone()),
        preferred_maintenance_window: Some(desired.maintenance_window.clone()),
        tag_list: tags(&desired.tags),
        ..kept_fields(kept)
    }
}

/// The fields that are kept only, at the service's defaults where they were never set.
fn kept_fields(kept: &Kept) -> shapes::DbInstance {
    let groups = kept.vpc_security_group_ids.iter().flatten();
    shapes::DbInstance {
        allocated_storage: kept.allocated_storage,
        auto_minor_version_upgrade: Some(kept.auto_minor_version_upgrade.unwrap_or(true)),
        backup_retention_period: kept.backup_retention_period,
        backup_target: Some("region".to_owned()),
        copy_tags_to_snapshot: Some(kept.copy_tags_to_snapshot.unwrap_or(false)),
        customer_owned_ip_enabled: Some(false),
        database_insights_mode: or(kept.database_insights_mode.as_ref(), "standard"),
        db_subnet_group: Some(subnet_group(
            kept.db_subnet_group_name.as_deref().unwrap_or("default"),
        )),
        dedicated_log_volume: Some(kept.dedicated_log_volume.unwrap_or(false)),
        enabled_cloudwatch_logs_exports: kept
            .enable_cloudwatch_logs_exports
            .clone()
            .unwrap_or_default(),
        engine_lifecycle_support: or(
            kept.engine_lifecycle_support.as_ref(),
            "open-source-rds-extended-support",
        ),
        iam_database_authentication_enabled: Some(
            kept.enable_iam_database_authentication.unwrap_or(false),
        ),
        iops: kept.iops,
        is_storage_config_upgrade_available: Some(false),
        kms_key_id: kept.kms_key_id.clone(),
        license_model: Some("postgresql-license".to_owned()),
        max_allocated_storage: kept.max_allocated_storage,
        monitoring_interval: Some(kept.monitoring_interval.unwrap_or(0)),
        monitoring_role_arn: kept.monitoring_role_arn.clone(),
        multi_az: Some(kept.multi_az.unwrap_or(false)),
        network_type: or(kept.network_type.as_ref(), "IPV4"),
        performance_insights_enabled: Some(kept.enable_performance_insights.unwrap_or(false)),
        performance_insights_kms_key_id: kept.performance_insights_kms_key_id.clone(),
        performance_insights_retention_period: kept.performance_insights_retention_period,
        publicly_accessible: Some(kept.publicly_accessible.unwrap_or(false)),
        storage_encrypted: Some(kept.storage_encrypted.unwrap_or(false)),
        storage_throughput: Some(kept.storage_throughput.unwrap_or(0)),
        storage_type: kept.storage_type.clone(),
        vpc_security_groups: groups
            .map(|id| shapes::VpcSecurityGroupMembership {
                vpc_security_group_id: Some(id.clone()),
                status: Some("active".to_owned()),
            })
            .collect(),
        ..shapes::DbInstance::default()
    }
}

/// The ARN of an instance.
pub(crate) fn arn(control: &Control, instance: &DbInstance) -> String {
    let installation = control.installation();
    format!(
        "arn:aws:rds:{}:{}:db:{}",
        installation.region, installation.account_id, instance.desired.identifier
    )
}

/// Tags, by key.
pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Vec<shapes::Tag> {
    let tag = |(key, value): (&String, &String)| shapes::Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    tags.iter().map(tag).collect()
}

/// The changes that wait, as `PendingModifiedValues`.
pub(crate) fn pending(pending: &Pending) -> shapes::PendingModifiedValues {
    let kept = &pending.kept;
    shapes::PendingModifiedValues {
        allocated_storage: kept.allocated_storage,
        backup_retention_period: kept.backup_retention_period,
        ca_certificate_identifier: pending.ca_identifier.clone(),
        db_instance_class: pending.class.clone(),
        db_instance_identifier: pending.identifier.as_ref().map(ToString::to_string),
        iops: kept.iops,
        multi_az: kept.multi_az,
        storage_throughput: kept.storage_throughput,
        storage_type: kept.storage_type.clone(),
        ..shapes::PendingModifiedValues::default()
    }
}

/// Whether what the group holds is what the server runs with. A group that cannot be read is not
/// said to be in sync.
fn apply_status(control: &Control, instance: &DbInstance) -> String {
    let major = instance.desired.engine_version.major;
    let default = DbParameterGroup::default_of(major);
    let group = if instance.desired.parameter_group == default.name.as_str() {
        Some(default)
    } else {
        let name = instance.desired.parameter_group.parse();
        name.ok().and_then(|name| control.store().read(|it| it.parameter_group(&name)).ok()?)
    };
    let status = group.map(|it| it.apply_status(instance, |name| is_dynamic(major, name)));
    status.unwrap_or("failed-to-apply").to_owned()
}

/// A text, at its default where it was never set.
#[expect(clippy::unnecessary_wraps, reason = "every field of a shape is optional")]
fn or(own: Option<&String>, default: &str) -> Option<String> {
    Some(own.map_or(default, String::as_str).to_owned())
}

fn endpoint(instance: &DbInstance) -> Option<shapes::Endpoint> {
    let shown = instance.applied.created && instance.status != InstanceStatus::Creating;
    shown.then(|| shapes::Endpoint {
        address: Some(instance.desired.endpoint.clone()),
        hosted_zone_id: Some("ZPGKEEPLOCAL".to_owned()),
        port: Some(i32::from(instance.desired.port)),
    })
}

fn certificate_details(instance: &DbInstance) -> Option<shapes::CertificateDetails> {
    if instance.status == InstanceStatus::Deleting {
        return None;
    }
    let proved = instance.applied.certificate.as_ref().filter(|_| instance.applied.created);
    Some(shapes::CertificateDetails {
        ca_identifier: Some(match proved {
            Some(certificate) => certificate.ca_identifier.clone(),
            None => instance.desired.ca_identifier.clone(),
        }),
        valid_till: proved.map(|certificate| certificate.not_after),
    })
}

fn subnet_group(name: &str) -> shapes::DbSubnetGroup {
    shapes::DbSubnetGroup {
        db_subnet_group_name: Some(name.to_owned()),
        db_subnet_group_description: Some(name.to_owned()),
        subnet_group_status: Some("Complete".to_owned()),
        vpc_id: Some("vpc-local".to_owned()),
        ..shapes::DbSubnetGroup::default()
    }
}
