//! `CreateDBInstance`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use pgkeep_model::{
    Applied, DEFAULT_CA, DbInstance, DbInstanceIdentifier, DbiResourceId, Desired, EngineSource,
    EngineVersion, InstanceStatus, Kept, Pending, decide_windows, validate,
};
use pgkeep_query::shapes::{CreateDbInstanceMessage, CreateDbInstanceResult};
use pgkeep_store::StoreError;
use pgkeep_workflow::{Control, loopback_address};

use super::instance::{insert, master_password};
use super::parameter_group::{associate, check_member};
use crate::error::ApiError;
use crate::kept;
use crate::render;

/// PostgreSQL's own port, and the service's default.
const DEFAULT_PORT: u16 = 5432;
/// How many addresses are tried before the range counts as full.
const ADDRESSES_TO_TRY: u32 = 64;

pub(super) fn answer(
    control: &Control,
    input: &CreateDbInstanceMessage,
) -> Result<CreateDbInstanceResult, ApiError> {
    let identifier: DbInstanceIdentifier = input.db_instance_identifier.parse()?;
    refuse_foreign(input)?;
    validate::engine(&input.engine)?;
    validate::db_instance_class(&input.db_instance_class)?;
    let (source, version) = engine_version(control, input.engine_version.as_deref())?;
    let username = required(input.master_username.as_deref(), "MasterUsername")?;
    validate::master_username(username)?;
    let password = input.master_user_password.as_ref();
    let password = password.ok_or_else(|| ApiError::missing("MasterUserPassword"))?;
    let group = input.db_parameter_group_name.as_deref();
    let read = control
        .store()
        .read(|state| Ok((associate(state, version.major, group), state.certificate_override()?)));
    let (group, default_ca) = read?;
    let group = group?;
    let asked_ca = input.ca_certificate_identifier.as_deref().filter(|text| !text.is_empty());
    let port_is_asked = input.port.is_some();
    let resource_id = DbiResourceId::from_random(rand::random());
    let seed = rand::random();
    let (backup, maintenance) = decide_windows(
        input.preferred_backup_window.as_deref().map(str::parse).transpose()?,
        input.preferred_maintenance_window.as_deref().map(str::parse).transpose()?,
        seed,
    )?;
    let desired = Desired {
        endpoint: control.endpoint_of(&identifier),
        identifier,
        address: control.shared_address().unwrap_or_else(|| loopback_address().into()),
        port: input.port.map_or(Ok(DEFAULT_PORT), validate::port)?,
        engine_source: source,
        engine_version: version,
        class: input.db_instance_class.clone(),
        ca_identifier: authority(control, asked_ca.or(default_ca.as_deref()))?,
        replaced_serial: None,
        parameter_group: group.name.to_string(),
        master_username: username.to_owned(),
        master_password: master_password(password, username, &group)?,
        db_name: db_name(input.db_name.as_deref())?,
        running: true,
        deleted: false,
        reboots: 0,
        deletion_protection: input.deletion_protection.unwrap_or(false),
        maintenance_window: maintenance.to_string(),
        backup_window: backup.to_string(),
        tags: tags(input)?,
        kept: kept_fields(input)?,
    };
    let instance = DbInstance {
        resource_id,
        created_at: control.clock().now(),
        generation: 1,
        status: InstanceStatus::Creating,
        desired,
        pending: Pending::default(),
        applied: Applied::default(),
    };
    check_member(control, &group, &instance)?;
    let instance = insert_at_free_address(control, instance, port_is_asked)?;
    Ok(CreateDbInstanceResult { db_instance: Some(render::instance(control, &instance)) })
}

/// Gives the instance another address, or on a shared address another port where none was asked
/// for, until nobody has it.
fn insert_at_free_address(
    control: &Control,
    mut instance: DbInstance,
    port_is_asked: bool,
) -> Result<DbInstance, ApiError> {
    for _ in 0..ADDRESSES_TO_TRY {
        match insert(control, &instance) {
            Ok(()) => return Ok(instance),
            Err(StoreError::AddressTaken(_)) if control.shared_address().is_none() => {
                instance.desired.address = IpAddr::V4(loopback_address());
            }
            Err(StoreError::AddressTaken(_)) if !port_is_asked => instance.desired.port += 1,
            Err(other) => return Err(other.into()),
        }
    }
    Err(ApiError::combination("No address or port is free for another DB instance."))
}

fn engine_version(
    control: &Control,
    asked: Option<&str>,
) -> Result<(EngineSource, EngineVersion), ApiError> {
    let asked = asked.filter(|text| !text.is_empty());
    control.engines().find(asked).ok_or_else(|| {
        let asked = asked.unwrap_or("of any kind");
        ApiError::combination(format!("Cannot find version {asked} for postgres"))
    })
}

/// The authority's identifier as it is written where it was made.
pub(super) fn authority(control: &Control, asked: Option<&str>) -> Result<String, ApiError> {
    let asked = asked.filter(|text| !text.is_empty()).unwrap_or(DEFAULT_CA);
    let authorities = control.authorities();
    let known = authorities.key_of(asked).map_err(|_| ApiError::no_certificate(asked));
    known.map(|(identifier, _)| identifier.to_owned())
}

fn db_name(asked: Option<&str>) -> Result<Option<String>, ApiError> {
    match asked.filter(|text| !text.is_empty()) {
        Some(name) => Ok(validate::db_name(name)?.map(str::to_owned)),
        None => Ok(None),
    }
}

fn tags(input: &CreateDbInstanceMessage) -> Result<BTreeMap<String, String>, ApiError> {
    super::tags::tag_map(input.tags.as_deref().unwrap_or_default())
}

fn kept_fields(input: &CreateDbInstanceMessage) -> Result<Kept, ApiError> {
    let mut fields = kept::of_create(input);
    fields.allocated_storage.get_or_insert(kept::DEFAULT_ALLOCATED_STORAGE_GIB);
    fields.backup_retention_period.get_or_insert(1);
    fields.storage_type.get_or_insert_with(|| kept::default_storage_type(fields.iops));
    kept::check(&fields)?;
    Ok(fields)
}

fn required<'a>(text: Option<&'a str>, parameter: &str) -> Result<&'a str, ApiError> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| ApiError::missing(parameter))
}

/// Fields of other engines, and of parts of the service that pgkeep does not have.
fn refuse_foreign(input: &CreateDbInstanceMessage) -> Result<(), ApiError> {
    let foreign = [
        ("DBClusterIdentifier", input.db_cluster_identifier.is_some()),
        ("CharacterSetName", input.character_set_name.is_some()),
        ("CustomIamInstanceProfile", input.custom_iam_instance_profile.is_some()),
        ("Domain", input.domain.is_some() || input.domain_fqdn.is_some()),
        ("ManageMasterUserPassword", input.manage_master_user_password == Some(true)),
        ("NcharCharacterSetName", input.nchar_character_set_name.is_some()),
        ("TdeCredentialArn", input.tde_credential_arn.is_some()),
        ("Timezone", input.timezone.is_some()),
    ];
    match foreign.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((name, _)) => {
            Err(ApiError::combination(format!("{name} can't be used with this DB instance.")))
        }
    }
}
