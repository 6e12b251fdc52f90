//! `DescribeDBLogFiles`.

use pgkeep_query::shapes::{
    DescribeDbLogFilesDetails, DescribeDbLogFilesMessage, DescribeDbLogFilesResponse,
};
use pgkeep_workflow::Control;

use super::instance::find;
use crate::error::ApiError;
use crate::filter;
use crate::page::Page;

pub(super) fn answer(
    control: &Control,
    input: &DescribeDbLogFilesMessage,
) -> Result<DescribeDbLogFilesResponse, ApiError> {
    filter::check(input.filters.as_deref(), &[])?;
    let page = Page::small(input.max_records, input.marker.as_deref())?;
    let instance = find(control, &input.db_instance_identifier)?;
    let millis = |at: time::OffsetDateTime| {
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
    };
    let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut files = control.log_files(&instance)?;
    files.retain(|file| {
        let part = input.filename_contains.as_deref().unwrap_or("");
        file.name.contains(part)
            && millis(file.written_at) >= input.file_last_written.unwrap_or(0)
            && size(file.size) >= input.file_size.unwrap_or(0)
    });
    let (files, marker) = page.cut(files, |file| file.name.clone());
    let describe_db_log_files = files
        .into_iter()
        .map(|file| DescribeDbLogFilesDetails {
            last_written: Some(millis(file.written_at)),
            size: Some(size(file.size)),
            log_file_name: Some(file.name),
        })
        .collect();
    Ok(DescribeDbLogFilesResponse { describe_db_log_files, marker })
}
