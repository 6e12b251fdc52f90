//! `DescribePendingMaintenanceActions`: the changes of certificates that wait.

use pgkeep_model::{DbInstance, MaintenanceWindow};
use pgkeep_query::shapes::{
    DescribePendingMaintenanceActionsMessage, PendingMaintenanceAction,
    PendingMaintenanceActionsMessage, ResourcePendingMaintenanceActions,
};
use pgkeep_workflow::{Control, due_renewal};
use time::OffsetDateTime;

use super::instance::find;
use super::list;
use crate::error::ApiError;
use crate::page::Page;
use crate::{filter, render};

/// Another authority was chosen.
pub(super) const OTHER_AUTHORITY: &str = "ca-certificate-rotation";
/// The certificate is past half of its life.
pub(super) const RENEWAL: &str = "server-certificate-rotation";

pub(super) fn answer(
    control: &Control,
    input: &DescribePendingMaintenanceActionsMessage,
) -> Result<PendingMaintenanceActionsMessage, ApiError> {
    let filters = input.filters.as_deref();
    filter::check(filters, &["db-cluster-id", "db-instance-id"])?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let one = input.resource_identifier.as_deref().filter(|text| !text.is_empty());
    let one = one.map(|text| find(control, text).map_err(|error| error.no_resource(text)));
    let now = control.clock().now();
    let read = |after: &str, limit| control.store().instances_to_maintain(now, after, limit);
    let is_pending = |instance: &DbInstance| {
        !pending(control, instance).pending_maintenance_action_details.is_empty()
    };
    let (instances, marker) =
        list::page(control, filters, &page, one.transpose()?, read, is_pending)?;
    let pending_maintenance_actions = instances.iter().map(|it| pending(control, it)).collect();
    Ok(PendingMaintenanceActionsMessage { pending_maintenance_actions, marker })
}

/// What waits for an instance.
pub(super) fn pending(
    control: &Control,
    instance: &DbInstance,
) -> ResourcePendingMaintenanceActions {
    let now = control.clock().now();
    let other_authority = instance.pending.ca_identifier.as_ref().map(|authority| {
        let description = format!("Certificate authority changes to {authority}");
        let at_restart = instance.pending.ca_at_restart;
        let window = next_window(instance, now).filter(|_| !at_restart);
        action(OTHER_AUTHORITY, description, window)
    });
    let renewal = due_renewal(instance, control.signs_until(instance), now)
        .map(|at| action(RENEWAL, "Server certificate is renewed".to_owned(), Some(at)));
    ResourcePendingMaintenanceActions {
        pending_maintenance_action_details: other_authority.into_iter().chain(renewal).collect(),
        resource_identifier: Some(render::arn(control, instance)),
    }
}

fn next_window(instance: &DbInstance, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let window = instance.desired.maintenance_window.parse::<MaintenanceWindow>().ok()?;
    Some(if window.contains(now) { now } else { window.next_start(now) })
}

/// What is done at a time, or at the next restart.
fn action(name: &str, description: String, at: Option<OffsetDateTime>) -> PendingMaintenanceAction {
    PendingMaintenanceAction {
        action: Some(name.to_owned()),
        auto_applied_after_date: at,
        current_apply_date: at,
        description: Some(description),
        forced_apply_date: None,
        opt_in_status: at.map(|_| "next-maintenance".to_owned()),
    }
}
