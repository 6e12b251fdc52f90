//! Fields of the service that a local machine has no meaning for.
//!
//! They are validated, kept and returned as they came, so that tools which read back what they
//! wrote see no difference. Nothing else reads them. A field that is absent was never set.

use serde::{Deserialize, Serialize};

macro_rules! kept_fields {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)+) => {
        /// Values of fields that are kept only.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Kept {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")]
            pub $field: Option<$kind>,)+
        }

        impl Kept {
            /// Takes over every value that `newer` has.
            pub fn extend(&mut self, newer: Self) {
                $(if newer.$field.is_some() { self.$field = newer.$field; })+
            }
        }
    };
}

kept_fields! {
    /// `AllocatedStorage`, GiB.
    allocated_storage: i32,
    /// `AutoMinorVersionUpgrade`.
    auto_minor_version_upgrade: bool,
    /// `AvailabilityZone`.
    availability_zone: String,
    /// `BackupRetentionPeriod`, days.
    backup_retention_period: i32,
    /// `CopyTagsToSnapshot`.
    copy_tags_to_snapshot: bool,
    /// `DatabaseInsightsMode`.
    database_insights_mode: String,
    /// `DBSubnetGroupName`.
    db_subnet_group_name: String,
    /// `DedicatedLogVolume`.
    dedicated_log_volume: bool,
    /// `EnableCloudwatchLogsExports`.
    enable_cloudwatch_logs_exports: Vec<String>,
    /// `EnableIAMDatabaseAuthentication`.
    enable_iam_database_authentication: bool,
    /// `EnablePerformanceInsights`.
    enable_performance_insights: bool,
    /// `EngineLifecycleSupport`.
    engine_lifecycle_support: String,
    /// `Iops`.
    iops: i32,
    /// `KmsKeyId`.
    kms_key_id: String,
    /// `LicenseModel`.
    license_model: String,
    /// `MaxAllocatedStorage`, GiB.
    max_allocated_storage: i32,
    /// `MonitoringInterval`, seconds.
    monitoring_interval: i32,
    /// `MonitoringRoleArn`.
    monitoring_role_arn: String,
    /// `MultiAZ`.
    multi_az: bool,
    /// `NetworkType`.
    network_type: String,
    /// `OptionGroupName`.
    option_group_name: String,
    /// `PerformanceInsightsKMSKeyId`.
    performance_insights_kms_key_id: String,
    /// `PerformanceInsightsRetentionPeriod`, days.
    performance_insights_retention_period: i32,
    /// `PubliclyAccessible`.
    publicly_accessible: bool,
    /// `StorageEncrypted`.
    storage_encrypted: bool,
    /// `StorageThroughput`, MiB/s.
    storage_throughput: i32,
    /// `StorageType`.
    storage_type: String,
    /// `VpcSecurityGroupIds`.
    vpc_security_group_ids: Vec<String>,
}
