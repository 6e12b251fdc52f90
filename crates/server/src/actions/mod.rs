//! The operations of the API, a file each.
//!
//! An action validates, and in one transaction writes what is desired; it never does the work. It
//! runs on a blocking thread, since the state file and the hash of a password take time.

mod add_tags_to_resource;
mod create_db_instance;
mod delete_db_instance;
mod describe_certificates;
mod describe_db_engine_versions;
mod describe_db_instances;
mod describe_db_log_files;
mod describe_events;
mod describe_orderable_db_instance_options;
mod download_db_log_file_portion;
mod instance;
mod list_tags_for_resource;
mod modify_db_instance;
mod reboot_db_instance;
mod remove_tags_from_resource;
mod start_db_instance;
mod stop_db_instance;

use pgkeep_query::errors::NOT_IMPLEMENTED;
use pgkeep_query::{Request, Response};
use pgkeep_workflow::Control;

use crate::error::ApiError;

/// Answers a request.
pub(crate) fn answer(control: &Control, request: Request) -> Result<Response, ApiError> {
    match request {
        Request::AddTagsToResource(input) => {
            add_tags_to_resource::answer(control, &input).map(|()| Response::AddTagsToResource)
        }
        Request::CreateDbInstance(input) => {
            create_db_instance::answer(control, input).map(Response::CreateDbInstance)
        }
        Request::DeleteDbInstance(input) => {
            delete_db_instance::answer(control, &input).map(Response::DeleteDbInstance)
        }
        Request::DescribeCertificates(input) => {
            describe_certificates::answer(control, &input).map(Response::DescribeCertificates)
        }
        Request::DescribeDbEngineVersions(input) => {
            describe_db_engine_versions::answer(control, &input)
                .map(Response::DescribeDbEngineVersions)
        }
        Request::DescribeDbInstances(input) => {
            describe_db_instances::answer(control, &input).map(Response::DescribeDbInstances)
        }
        Request::DescribeDbLogFiles(input) => {
            describe_db_log_files::answer(control, &input).map(Response::DescribeDbLogFiles)
        }
        Request::DescribeEvents(input) => {
            describe_events::answer(control, &input).map(Response::DescribeEvents)
        }
        Request::DescribeOrderableDbInstanceOptions(input) => {
            describe_orderable_db_instance_options::answer(control, &input)
                .map(Response::DescribeOrderableDbInstanceOptions)
        }
        Request::DownloadDbLogFilePortion(input) => {
            download_db_log_file_portion::answer(control, &input)
                .map(Response::DownloadDbLogFilePortion)
        }
        Request::ListTagsForResource(input) => {
            list_tags_for_resource::answer(control, &input).map(Response::ListTagsForResource)
        }
        Request::ModifyDbInstance(input) => {
            modify_db_instance::answer(control, &input).map(Response::ModifyDbInstance)
        }
        Request::RebootDbInstance(input) => {
            reboot_db_instance::answer(control, &input).map(Response::RebootDbInstance)
        }
        Request::RemoveTagsFromResource(input) => {
            remove_tags_from_resource::answer(control, &input)
                .map(|()| Response::RemoveTagsFromResource)
        }
        Request::StartDbInstance(input) => {
            start_db_instance::answer(control, &input).map(Response::StartDbInstance)
        }
        Request::StopDbInstance(input) => {
            stop_db_instance::answer(control, &input).map(Response::StopDbInstance)
        }
        other => Err(ApiError::new(
            NOT_IMPLEMENTED,
            format!("pgkeep does not have the operation {} yet.", other.action()),
        )),
    }
}
