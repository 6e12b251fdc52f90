//! `ModifyDBInstance`.
//!
//! A password and a port are applied at once, whatever `ApplyImmediately` says; a class, an
//! identifier, an authority and the storage wait for the maintenance window without it. An
//! authority with `CertificateRotationRestart=false` waits for the next restart in any case. The
//! answer shows the instance as it is, and in `PendingModifiedValues` what will become of it.

use pgkeep_model::{
    DbInstance, DbInstanceIdentifier, EventCategory, InstanceStatus, Kept, Pending, decide_windows,
    validate,
};
use pgkeep_query::Secret;
use pgkeep_query::shapes::{ModifyDbInstanceMessage, ModifyDbInstanceResult};
use pgkeep_store::{StoreError, Transaction};
use pgkeep_workflow::Control;

use super::create_db_instance::authority;
use super::instance::{change, find, master_password, with_pending};
use super::parameter_group::{self, associate, check_member};
use crate::error::ApiError;
use crate::kept;

pub(super) fn answer(
    control: &Control,
    input: &ModifyDbInstanceMessage,
) -> Result<ModifyDbInstanceResult, ApiError> {
    refuse_foreign(input)?;
    // The password's hash takes long: it is made before the transaction.
    let seen = find(control, &input.db_instance_identifier)?;
    let password = verified_password(control, input, &seen)?;
    let wish = Wish::of(control, input)?;
    if wish.is_empty(input) && password.is_none() {
        return Err(ApiError::combination("No modifications were requested"));
    }
    let mut before = None;
    let mut shown = Pending::default();
    change(control, &input.db_instance_identifier, |state, instance| {
        before = Some(instance.clone());
        refuse_state(instance)?;
        check_version(input, instance)?;
        let status = instance.status;
        if let Some(verifier) = password {
            instance.desired.master_password = verifier;
            instance.status = InstanceStatus::ResettingMasterCredentials;
        }
        shown = wish.apply(control, state, instance)?;
        // A group is chosen at once, whatever waits of its values.
        if let Some(before) = &mut before {
            before.desired.parameter_group.clone_from(&instance.desired.parameter_group);
        }
        let group = parameter_group::find(state, &instance.desired.parameter_group)?;
        check_member(control, &group, instance)?;
        if !instance.desired.running {
            instance.status = status;
        }
        Ok(())
    })?;
    let before = before.ok_or_else(|| ApiError::no_instance(&input.db_instance_identifier))?;
    let mut shape = with_pending(control, &before, &shown);
    if let Some(pending) = &mut shape.pending_modified_values {
        pending.master_user_password =
            input.master_user_password.as_ref().map(|_| Secret::from("****".to_owned()));
        pending.port = input.db_port_number;
    }
    Ok(ModifyDbInstanceResult { db_instance: Some(shape) })
}

/// The changes of a request, each judged by itself.
struct Wish {
    identifier: Option<DbInstanceIdentifier>,
    class: Option<String>,
    ca_identifier: Option<String>,
    ca_at_restart: bool,
    port: Option<u16>,
    deletion_protection: Option<bool>,
    backup_window: Option<String>,
    maintenance_window: Option<String>,
    parameter_group: Option<String>,
    kept: Kept,
    immediately: bool,
}

impl Wish {
    fn of(control: &Control, input: &ModifyDbInstanceMessage) -> Result<Self, ApiError> {
        let identifier = input.new_db_instance_identifier.as_deref();
        let ca = given(input.ca_certificate_identifier.as_deref());
        if input.certificate_rotation_restart.is_some() && ca.is_none() {
            return Err(ApiError::combination(
                "CACertificateIdentifier is required to use the \
                 NoCertificateRotationRestart option.",
            ));
        }
        let class = given(input.db_instance_class.as_deref());
        class.map(validate::db_instance_class).transpose()?;
        Ok(Self {
            identifier: identifier
                .map(|it| DbInstanceIdentifier::from_parameter("NewDBInstanceIdentifier", it))
                .transpose()?,
            class: class.map(str::to_owned),
            ca_identifier: ca.map(|it| authority(control, Some(it))).transpose()?,
            ca_at_restart: input.certificate_rotation_restart == Some(false),
            port: input.db_port_number.map(validate::port).transpose()?,
            deletion_protection: input.deletion_protection,
            backup_window: input.preferred_backup_window.clone(),
            maintenance_window: input.preferred_maintenance_window.clone(),
            parameter_group: input.db_parameter_group_name.clone(),
            kept: kept::of_modify(input),
            immediately: input.apply_immediately.unwrap_or(false),
        })
    }

    fn is_empty(&self, input: &ModifyDbInstanceMessage) -> bool {
        self.identifier.is_none()
            && self.class.is_none()
            && self.ca_identifier.is_none()
            && self.port.is_none()
            && self.deletion_protection.is_none()
            && self.backup_window.is_none()
            && self.maintenance_window.is_none()
            && self.parameter_group.is_none()
            && input.engine_version.is_none()
            && input.cloudwatch_logs_export_configuration.is_none()
            && self.kept == Kept::default()
    }

    /// Makes the changes what is desired, or what waits; answers what the request asked for.
    fn apply(
        self,
        control: &Control,
        state: &Transaction<'_>,
        instance: &mut DbInstance,
    ) -> Result<Pending, ApiError> {
        let mut kept = self.kept;
        let in_window = kept::split_window(&mut kept);
        let desired = &mut instance.desired;
        if let Some(asked) = &self.parameter_group {
            let group = associate(state, desired.engine_version.major, Some(asked))?;
            if group.name.as_str() != desired.parameter_group {
                state.append_events(&[control.instance_event(
                    &desired.identifier,
                    EventCategory::ConfigurationChange,
                    format!("Updated to use DBParameterGroup {}.", group.name),
                )])?;
            }
            desired.parameter_group = group.name.to_string();
        }
        if self.backup_window.is_some() || self.maintenance_window.is_some() {
            let backup = self.backup_window.as_ref().unwrap_or(&desired.backup_window);
            let weekly = self.maintenance_window.as_ref().unwrap_or(&desired.maintenance_window);
            let (backup, weekly) = decide_windows(Some(backup.parse()?), Some(weekly.parse()?), 0)?;
            desired.backup_window = backup.to_string();
            desired.maintenance_window = weekly.to_string();
        }
        desired.deletion_protection =
            self.deletion_protection.unwrap_or(desired.deletion_protection);
        desired.kept.extend(kept);
        if let Some(port) = self.port.filter(|port| *port != desired.port) {
            desired.port = port;
            instance.status = InstanceStatus::Modifying;
        }
        let unchanged = |own: &str, wish: &Option<String>| wish.as_deref() == Some(own);
        let asked = Pending {
            class: self.class.clone().filter(|_| !unchanged(&desired.class, &self.class)),
            identifier: self.identifier.filter(|it| *it != desired.identifier),
            ca_identifier: self
                .ca_identifier
                .clone()
                .filter(|_| !unchanged(&desired.ca_identifier, &self.ca_identifier)),
            ca_at_restart: self.ca_at_restart,
            kept: in_window,
        };
        let mut stands = desired.kept.clone();
        stands.extend(asked.kept.clone());
        kept::check(&stands)?;
        if let Some(identifier) = &asked.identifier
            && state.instance(identifier)?.is_some()
        {
            return Err(StoreError::IdentifierTaken(identifier.to_string()).into());
        }
        wait_or_apply(control, instance, &asked, self.immediately);
        Ok(asked)
    }
}

fn wait_or_apply(control: &Control, instance: &mut DbInstance, asked: &Pending, immediately: bool) {
    let waiting = &mut instance.pending;
    waiting.identifier = asked.identifier.clone().or(waiting.identifier.take());
    waiting.class = asked.class.clone().or(waiting.class.take());
    if asked.ca_identifier.is_some() {
        waiting.ca_identifier.clone_from(&asked.ca_identifier);
        waiting.ca_at_restart = asked.ca_at_restart;
    }
    waiting.kept.extend(asked.kept.clone());
    if immediately && waiting.waits_for_window() {
        if waiting.identifier.is_some() {
            instance.status = InstanceStatus::Renaming;
            instance.desired.reboots += 1;
        } else if waiting.class.is_some()
            || (waiting.ca_identifier.is_some() && !waiting.ca_at_restart)
        {
            instance.status = InstanceStatus::Modifying;
        }
        instance.apply_pending(|identifier| control.endpoint_of(identifier));
    }
}

fn refuse_state(instance: &DbInstance) -> Result<(), ApiError> {
    match instance.status {
        InstanceStatus::Available
        | InstanceStatus::Stopped
        | InstanceStatus::IncompatibleParameters => Ok(()),
        InstanceStatus::Deleting => Err(ApiError::being_deleted(&instance.desired.identifier)),
        other => Err(ApiError::instance_state(format!(
            "Database instance is not in available state: it is {other}."
        ))),
    }
}

fn verified_password(
    control: &Control,
    input: &ModifyDbInstanceMessage,
    instance: &DbInstance,
) -> Result<Option<pgkeep_model::PasswordVerifier>, ApiError> {
    let Some(password) = &input.master_user_password else { return Ok(None) };
    let desired = &instance.desired;
    let group = &desired.parameter_group;
    let group = control.store().read(|state| Ok(parameter_group::find(state, group)))??;
    master_password(password, &desired.master_username, &group).map(Some)
}

/// A change of the release: none is offered yet.
fn check_version(input: &ModifyDbInstanceMessage, instance: &DbInstance) -> Result<(), ApiError> {
    let Some(asked) = given(input.engine_version.as_deref()) else { return Ok(()) };
    let present = instance.desired.engine_version;
    if asked == present.to_string() || asked == present.major.to_string() {
        return Ok(());
    }
    Err(ApiError::combination(format!("Cannot upgrade postgres from {present} to {asked}")))
}

/// Fields of other engines, and of parts of the service that pgkeep does not have.
fn refuse_foreign(input: &ModifyDbInstanceMessage) -> Result<(), ApiError> {
    let foreign = [
        ("Domain", input.domain.is_some() || input.domain_fqdn.is_some()),
        ("Engine", input.engine.as_deref().is_some_and(|engine| engine != "postgres")),
        ("ManageMasterUserPassword", input.manage_master_user_password == Some(true)),
        ("RotateMasterUserPassword", input.rotate_master_user_password == Some(true)),
        ("TdeCredentialArn", input.tde_credential_arn.is_some()),
    ];
    match foreign.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((name, _)) => {
            Err(ApiError::combination(format!("{name} can't be used with this DB instance.")))
        }
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
