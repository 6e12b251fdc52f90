//! The fields that are only kept: taken from requests, and judged as the service judges them.

use pgkeep_model::{Kept, StorageType, validate};
use pgkeep_query::shapes::{CreateDbInstanceMessage, ModifyDbInstanceMessage};

use crate::error::ApiError;

/// GiB, where a request names none: the least that every kind of volume but the provisioned takes.
pub(crate) const DEFAULT_ALLOCATED_STORAGE_GIB: i32 = 20;

macro_rules! take {
    ($input:ident: $($field:ident),+ $(,)?) => {
        {
            let mut kept = Kept::default();
            $(kept.$field = $input.$field;)+
            kept
        }
    };
}

/// The kept fields of `CreateDBInstance`.
pub(crate) fn of_create(input: &CreateDbInstanceMessage) -> Kept {
    let input = input.clone();
    take!(input:
        allocated_storage, auto_minor_version_upgrade, availability_zone,
        backup_retention_period, copy_tags_to_snapshot, database_insights_mode,
        db_subnet_group_name, dedicated_log_volume, enable_cloudwatch_logs_exports,
        enable_iam_database_authentication, enable_performance_insights,
        engine_lifecycle_support, iops, kms_key_id, license_model, max_allocated_storage,
        monitoring_interval, monitoring_role_arn, multi_az, network_type, option_group_name,
        performance_insights_kms_key_id, performance_insights_retention_period,
        publicly_accessible, storage_encrypted, storage_throughput, storage_type,
        vpc_security_group_ids,
    )
}

/// The kept fields of `ModifyDBInstance`.
pub(crate) fn of_modify(input: &ModifyDbInstanceMessage) -> Kept {
    let input = input.clone();
    take!(input:
        allocated_storage, auto_minor_version_upgrade, backup_retention_period,
        copy_tags_to_snapshot, database_insights_mode, db_subnet_group_name,
        dedicated_log_volume, enable_iam_database_authentication, enable_performance_insights,
        engine_lifecycle_support, iops, license_model, max_allocated_storage,
        monitoring_interval, monitoring_role_arn, multi_az, network_type, option_group_name,
        performance_insights_kms_key_id, performance_insights_retention_period,
        publicly_accessible, storage_throughput, storage_type, vpc_security_group_ids,
    )
}

/// Splits off the fields that wait for the maintenance window unless they are to apply at once.
pub(crate) fn split_window(all: &mut Kept) -> Kept {
    Kept {
        allocated_storage: all.allocated_storage.take(),
        iops: all.iops.take(),
        multi_az: all.multi_az.take(),
        storage_throughput: all.storage_throughput.take(),
        storage_type: all.storage_type.take(),
        ..Kept::default()
    }
}

/// The kind of volume that the service chooses.
pub(crate) fn default_storage_type(iops: Option<i32>) -> String {
    StorageType::default_for(iops.map(i64::from)).to_string()
}

/// Judges the fields together, as they would stand.
pub(crate) fn check(fields: &Kept) -> Result<(), ApiError> {
    if let Some(license) = &fields.license_model {
        validate::license_model(license)?;
    }
    if let Some(days) = fields.backup_retention_period {
        validate::backup_retention_period(days)?;
    }
    if let Some(seconds) = fields.monitoring_interval {
        validate::monitoring_interval(seconds)?;
        if seconds > 0 && fields.monitoring_role_arn.is_none() {
            return Err(ApiError::combination(
                "A MonitoringRoleARN value is required if you specify a MonitoringInterval \
                 value other than 0.",
            ));
        }
    }
    let storage_type: StorageType = fields.storage_type.as_deref().unwrap_or("gp3").parse()?;
    let allocated = fields.allocated_storage.unwrap_or(DEFAULT_ALLOCATED_STORAGE_GIB);
    validate::storage(storage_type, allocated, fields.iops.map(i64::from))?;
    if fields.max_allocated_storage.is_some_and(|most| most < allocated) {
        return Err(ApiError::combination(
            "MaxAllocatedStorage must not be less than AllocatedStorage.",
        ));
    }
    Ok(())
}
