//! What is generated: the one list of operations, and what the model does not say.

/// The operations that pgkeep answers. All others of the model are known only by name.
pub(super) const OPERATIONS: &[&str] = &[
    "AddTagsToResource",
    "ApplyPendingMaintenanceAction",
    "CopyDBParameterGroup",
    "CreateDBInstance",
    "CreateDBParameterGroup",
    "DeleteDBInstance",
    "DeleteDBParameterGroup",
    "DescribeAccountAttributes",
    "DescribeCertificates",
    "DescribeDBEngineVersions",
    "DescribeDBInstances",
    "DescribeDBLogFiles",
    "DescribeDBParameterGroups",
    "DescribeDBParameters",
    "DescribeDBSubnetGroups",
    "DescribeEngineDefaultParameters",
    "DescribeEvents",
    "DescribeOrderableDBInstanceOptions",
    "DescribePendingMaintenanceActions",
    "DownloadDBLogFilePortion",
    "ListTagsForResource",
    "ModifyCertificates",
    "ModifyDBInstance",
    "ModifyDBParameterGroup",
    "RebootDBInstance",
    "RemoveTagsFromResource",
    "ResetDBParameterGroup",
    "StartDBInstance",
    "StopDBInstance",
];

/// The timestamps that the service writes with milliseconds, as (shape, member). The model has
/// one timestamp shape for all; the rest have whole seconds.
pub(super) const MILLISECONDS: &[(&str, &str)] =
    &[("DBInstance", "InstanceCreateTime"), ("Event", "Date")];

/// The shapes whose empty lists the service leaves out. Everywhere else it writes them, and
/// clients take the difference between `{}` and a list as a difference of state.
pub(super) const WITHOUT_EMPTY_LISTS: &[&str] = &["Parameter", "PendingModifiedValues"];
