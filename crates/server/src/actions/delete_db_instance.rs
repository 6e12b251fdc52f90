//! `DeleteDBInstance`.

use pgkeep_model::InstanceStatus;
use pgkeep_query::errors::NOT_IMPLEMENTED;
use pgkeep_query::shapes::{DeleteDbInstanceMessage, DeleteDbInstanceResult};
use pgkeep_workflow::Control;

use super::instance::change;
use crate::error::ApiError;
use crate::render;

pub(super) fn answer(
    control: &Control,
    input: &DeleteDbInstanceMessage,
) -> Result<DeleteDbInstanceResult, ApiError> {
    let skip = input.skip_final_snapshot.unwrap_or(false);
    let instance = change(control, &input.db_instance_identifier, |_, instance| {
        if instance.desired.deleted {
            return Err(ApiError::being_deleted(&instance.desired.identifier));
        }
        if instance.desired.deletion_protection {
            return Err(ApiError::combination(
                "Cannot delete protected DB Instance, please disable deletion protection and \
                 try again.",
            ));
        }
        refuse_snapshot(skip, input.final_db_snapshot_identifier.as_deref())?;
        instance.desired.deleted = true;
        instance.status = InstanceStatus::Deleting;
        Ok(())
    })?;
    Ok(DeleteDbInstanceResult { db_instance: Some(render::instance(control, &instance)) })
}

/// Data is only deleted when the request says that no snapshot is wanted.
fn refuse_snapshot(skip: bool, snapshot: Option<&str>) -> Result<(), ApiError> {
    match (skip, snapshot.filter(|text| !text.is_empty())) {
        (true, None) => Ok(()),
        (true, Some(_)) => Err(ApiError::combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a DB instance with \
             SkipFinalSnapshot enabled.",
        )),
        (false, None) => Err(ApiError::combination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )),
        (false, Some(_)) => Err(ApiError::new(
            NOT_IMPLEMENTED,
            "pgkeep has no snapshots yet, so the DB instance was not deleted. Save its data, \
             with pg_dump for example, and delete it with SkipFinalSnapshot.",
        )),
    }
}
