//! What several actions do with instances.

use pgkeep_model::{
    Arn, ArnResource, DbInstance, DbInstanceIdentifier, DbParameterGroup, InstanceStatus,
    PasswordVerifier, Pending, validate,
};
use pgkeep_query::Secret;
use pgkeep_store::{StoreError, Transaction};
use pgkeep_workflow::{Control, verifier};
use time::Duration;

use crate::error::ApiError;

/// How long work on an instance may fail before its status says so. Long enough to download an
/// engine over a slow line.
const DEADLINE: Duration = Duration::minutes(20);

/// The identifier out of a name or an ARN of this region and account.
pub(super) fn identifier(control: &Control, text: &str) -> Result<DbInstanceIdentifier, ApiError> {
    let not_found = |_| ApiError::no_instance(text);
    if !text.starts_with("arn:") {
        return text.parse().map_err(not_found);
    }
    let arn: Arn = text.parse()?;
    let installation = control.installation();
    match arn.resource {
        ArnResource::DbInstance(account, name)
            if account == installation.account_id && arn.region == installation.region =>
        {
            Ok(name)
        }
        _ => Err(ApiError::no_instance(text)),
    }
}

/// The instance of a name or an ARN.
pub(super) fn find(control: &Control, text: &str) -> Result<DbInstance, ApiError> {
    let identifier = identifier(control, text)?;
    let found = control.store().read(|state| state.instance(&identifier))?;
    found.ok_or_else(|| ApiError::no_instance(text))
}

/// Changes what is desired of an instance in one transaction, over the row as it is then, and
/// wakes the driver. `change` refuses without anything being written; what it has to look up it
/// looks up in the transaction.
pub(super) fn change(
    control: &Control,
    text: &str,
    change: impl FnOnce(&Transaction<'_>, &mut DbInstance) -> Result<(), ApiError>,
) -> Result<DbInstance, ApiError> {
    let identifier = identifier(control, text)?;
    let now = control.clock().now();
    let mut refusal = None;
    let changed = control.store().durably(|state| {
        let Some(mut instance) = state.instance(&identifier)? else { return Ok(None) };
        match change(state, &mut instance) {
            Ok(()) => save(state, &mut instance, now)?,
            Err(error) => refusal = Some(error),
        }
        Ok(Some(instance))
    })?;
    if let Some(error) = refusal {
        return Err(error);
    }
    control.wake();
    changed.ok_or_else(|| ApiError::no_instance(text))
}

fn save(
    state: &Transaction<'_>,
    instance: &mut DbInstance,
    now: time::OffsetDateTime,
) -> Result<(), StoreError> {
    instance.generation += 1;
    state.put_instance(instance)?;
    state.make_due(&instance.resource_id, now, Some(now + DEADLINE))
}

/// Adds an instance and wakes the driver.
pub(super) fn insert(control: &Control, instance: &DbInstance) -> Result<(), StoreError> {
    let deadline = control.clock().now() + DEADLINE;
    control.store().durably(|state| {
        let group = &instance.desired.parameter_group;
        if state.parameter_group(&group.parse()?)?.is_none() {
            return Err(StoreError::NoParameterGroup(group.clone()));
        }
        state.insert_instance(instance, deadline)
    })?;
    control.wake();
    Ok(())
}

/// Refuses unless the instance is available.
pub(super) fn require_available(
    instance: &DbInstance,
    refusal: impl FnOnce() -> String,
) -> Result<(), ApiError> {
    match instance.status {
        InstanceStatus::Available => Ok(()),
        InstanceStatus::Deleting => Err(ApiError::being_deleted(&instance.desired.identifier)),
        _ => Err(ApiError::instance_state(refusal())),
    }
}

/// Checks the master user's password and turns it into what a server of the group stores, before
/// anything else sees it.
pub(super) fn master_password(
    password: &Secret,
    username: &str,
    group: &DbParameterGroup,
) -> Result<PasswordVerifier, ApiError> {
    validate::master_user_password(password.expose())?;
    Ok(verifier(password.expose(), username, group.password_encryption()))
}

/// The shape of an answer that shows an instance as it was, with what will become of it.
pub(super) fn with_pending(
    control: &Control,
    instance: &DbInstance,
    pending: &Pending,
) -> pgkeep_query::shapes::DbInstance {
    let mut shape = crate::render::instance(control, instance);
    shape.pending_modified_values = Some(crate::render::pending(pending));
    shape
}
