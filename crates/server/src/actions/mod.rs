//! The operations of the API, a file each.
//!
//! An action validates, and in one transaction writes what is desired; it never does the work. It
//! runs on a blocking thread, since the state file and the hash of a password take time.

mod add_tags_to_resource;
mod apply_pending_maintenance_action;
mod copy_db_parameter_group;
mod create_db_instance;
mod create_db_parameter_group;
mod delete_db_instance;
mod delete_db_parameter_group;
mod describe_certificates;
mod describe_db_engine_versions;
mod describe_db_instances;
mod describe_db_log_files;
mod describe_db_parameter_groups;
mod describe_db_parameters;
mod describe_engine_default_parameters;
mod describe_events;
mod describe_orderable_db_instance_options;
mod describe_pending_maintenance_actions;
mod download_db_log_file_portion;
mod instance;
mod list;
mod list_tags_for_resource;
mod modify_certificates;
mod modify_db_instance;
mod modify_db_parameter_group;
mod parameter_group;
mod reboot_db_instance;
mod remove_tags_from_resource;
mod reset_db_parameter_group;
mod start_db_instance;
mod stop_db_instance;
mod tags;

use pgkeep_query::errors::NOT_IMPLEMENTED;
use pgkeep_query::{Request, Response};
use pgkeep_workflow::Control;

use crate::error::ApiError;

/// Leads each operation to the file of its name; all have the same form.
macro_rules! answers {
    ($control:ident, $request:ident,
     { $($operation:ident => $file:ident,)+ },
     without output { $($silent:ident => $quiet:ident,)+ }) => {
        match $request {
            $(Request::$operation(input) => {
                $file::answer($control, &input).map(Response::$operation)
            })+
            $(Request::$silent(input) => {
                $quiet::answer($control, &input).map(|()| Response::$silent)
            })+
            other => Err(ApiError::new(
                NOT_IMPLEMENTED,
                format!("pgkeep does not have the operation {} yet.", other.action()),
            )),
        }
    };
}

/// Answers a request.
pub(crate) fn answer(control: &Control, request: Request) -> Result<Response, ApiError> {
    answers!(control, request, {
        ApplyPendingMaintenanceAction => apply_pending_maintenance_action,
        CopyDbParameterGroup => copy_db_parameter_group,
        CreateDbInstance => create_db_instance,
        CreateDbParameterGroup => create_db_parameter_group,
        DeleteDbInstance => delete_db_instance,
        DescribeCertificates => describe_certificates,
        DescribeDbEngineVersions => describe_db_engine_versions,
        DescribeDbInstances => describe_db_instances,
        DescribeDbLogFiles => describe_db_log_files,
        DescribeDbParameterGroups => describe_db_parameter_groups,
        DescribeDbParameters => describe_db_parameters,
        DescribeEngineDefaultParameters => describe_engine_default_parameters,
        DescribeEvents => describe_events,
        DescribeOrderableDbInstanceOptions => describe_orderable_db_instance_options,
        DescribePendingMaintenanceActions => describe_pending_maintenance_actions,
        DownloadDbLogFilePortion => download_db_log_file_portion,
        ListTagsForResource => list_tags_for_resource,
        ModifyCertificates => modify_certificates,
        ModifyDbInstance => modify_db_instance,
        ModifyDbParameterGroup => modify_db_parameter_group,
        RebootDbInstance => reboot_db_instance,
        ResetDbParameterGroup => reset_db_parameter_group,
        StartDbInstance => start_db_instance,
        StopDbInstance => stop_db_instance,
    }, without output {
        AddTagsToResource => add_tags_to_resource,
        DeleteDbParameterGroup => delete_db_parameter_group,
        RemoveTagsFromResource => remove_tags_from_resource,
    })
}
