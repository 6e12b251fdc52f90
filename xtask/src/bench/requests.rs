//! The requests whose answers are as large among many instances as among few.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::api::Api;
use super::rows::{arn, resource_id};

/// A request, and the status of its answer.
pub(super) struct Asked {
    pub(super) name: &'static str,
    fields: Vec<(&'static str, String)>,
    status: u16,
}

impl Asked {
    /// How long its answer takes, once it was given before.
    pub(super) fn time(&self, api: &Api, times: u32) -> Result<Duration> {
        let action = self.name.split(',').next().unwrap_or_default();
        let fields: Vec<_> = self.fields.iter().map(|(name, it)| (*name, it.as_str())).collect();
        let mut begun = Instant::now();
        for time in 0..=times {
            let (status, xml) = api.send(action, &fields)?;
            ensure!(status == self.status, "{} is answered with {status}: {xml}", self.name);
            if time == 0 {
                begun = Instant::now();
            }
        }
        Ok(begun.elapsed() / times)
    }
}

/// All of them, about the instance in the middle of so many.
pub(super) fn requests(size: usize) -> Vec<Asked> {
    let middle = size / 2;
    let identifier = format!("bench-{middle}");
    let one = || ("DBInstanceIdentifier", identifier.clone());
    let arn = || arn(&identifier);
    let group = || ("DBParameterGroupName", "bench".to_owned());
    let few = || ("MaxRecords", "20".to_owned());
    let of = |name: &'static str, value: &str| (name, value.to_owned());
    let answered = |name, fields| Asked { name, fields, status: 200 };
    let marker: Vec<_> = identifier.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        answered("DescribeDBInstances, one", vec![one()]),
        answered(
            "DescribeDBInstances, by DbiResourceId",
            vec![
                of("Filters.Filter.1.Name", "dbi-resource-id"),
                of("Filters.Filter.1.Values.Value.1", resource_id(middle).as_str()),
            ],
        ),
        answered("DescribeDBInstances, a page of 20", vec![few(), ("Marker", marker.concat())]),
        answered("ModifyDBInstance", vec![one(), of("DeletionProtection", "true")]),
        Asked { name: "RebootDBInstance, refused", fields: vec![one()], status: 400 },
        answered("ListTagsForResource", vec![("ResourceName", arn())]),
        answered(
            "AddTagsToResource",
            vec![
                ("ResourceName", arn()),
                of("Tags.Tag.1.Key", "bench"),
                of("Tags.Tag.1.Value", "1"),
            ],
        ),
        answered(
            "DescribeEvents, of one",
            vec![
                of("SourceType", "db-instance"),
                ("SourceIdentifier", identifier.clone()),
                of("Duration", "600"),
            ],
        ),
        answered("DescribeEvents, a page of 20", vec![few(), of("Duration", "600")]),
        answered("DescribePendingMaintenanceActions, of one", vec![("ResourceIdentifier", arn())]),
        answered("DescribePendingMaintenanceActions, none for all", vec![]),
        answered("DescribeDBLogFiles", vec![of("DBInstanceIdentifier", "bench-0")]),
        answered("DescribeDBParameterGroups, one", vec![group()]),
        answered(
            "ModifyDBParameterGroup, with one member",
            vec![
                group(),
                of("Parameters.Parameter.1.ParameterName", "log_min_duration_statement"),
                of("Parameters.Parameter.1.ParameterValue", "1000"),
                of("Parameters.Parameter.1.ApplyMethod", "immediate"),
            ],
        ),
        Asked {
            name: "DeleteDBParameterGroup, refused to a group in use",
            fields: vec![group()],
            status: 400,
        },
    ]
}
