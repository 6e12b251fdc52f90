//! `DownloadDBLogFilePortion`.
//!
//! The marker is a position in the file; `0` means its beginning, none its last lines.

use pgkeep_query::errors::DB_LOG_FILE_NOT_FOUND_FAULT;
use pgkeep_query::shapes::{DownloadDbLogFilePortionDetails, DownloadDbLogFilePortionMessage};
use pgkeep_workflow::{Control, LogPosition};

use super::instance::find;
use crate::error::ApiError;

/// The service's bound of a portion: 1 MB, or 10,000 lines.
const PORTION_BYTES: usize = 1_000_000;
/// The bound of `NumberOfLines`, and how many of the last lines come unasked.
const LINES: usize = 10_000;

pub(super) fn answer(
    control: &Control,
    input: &DownloadDbLogFilePortionMessage,
) -> Result<DownloadDbLogFilePortionDetails, ApiError> {
    let instance = find(control, &input.db_instance_identifier)?;
    let lines = match input.number_of_lines {
        None => LINES,
        Some(lines) => {
            usize::try_from(lines).ok().filter(|lines| (1..=LINES).contains(lines)).ok_or_else(
                || ApiError::value(format!("NumberOfLines must be between 1 and {LINES}.")),
            )?
        }
    };
    let position = match input.marker.as_deref().filter(|marker| !marker.is_empty()) {
        None => LogPosition::LastLines(lines),
        Some(marker) => LogPosition::At(
            marker.parse().map_err(|_| ApiError::value(format!("Invalid marker: {marker}")))?,
        ),
    };
    let name = &input.log_file_name;
    let Some(portion) = control.log_portion(&instance, name, position, lines, PORTION_BYTES)?
    else {
        return Err(ApiError::new(
            DB_LOG_FILE_NOT_FOUND_FAULT,
            format!("DBLog File: {name}, is not found on the DB instance"),
        ));
    };
    Ok(DownloadDbLogFilePortionDetails {
        additional_data_pending: Some(portion.more),
        log_file_data: Some(portion.text.into()),
        marker: Some(portion.end.to_string()),
    })
}
