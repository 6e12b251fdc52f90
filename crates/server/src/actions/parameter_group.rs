//! What several actions do with DB parameter groups.

use pgkeep_model::parameters::{TlsFacts, check_group, check_value, family, parameter};
use pgkeep_model::{
    DbInstance, DbParameterGroup, DbParameterGroupName, Event, EventCategory, EventSource,
    KeyAlgorithm,
};
use pgkeep_query::errors::{DB_PARAMETER_GROUP_ALREADY_EXISTS, DB_PARAMETER_GROUP_QUOTA_EXCEEDED};
use pgkeep_query::shapes;
use pgkeep_store::{StoreError, Transaction};
use pgkeep_workflow::Control;

use crate::error::ApiError;

/// The service's quota of groups in a region.
const MOST_GROUPS: usize = 50;

/// The group of a name.
pub(super) fn find(state: &Transaction<'_>, text: &str) -> Result<DbParameterGroup, ApiError> {
    let name: Result<DbParameterGroupName, _> = text.parse();
    let found = name.ok().map(|name| state.parameter_group(&name)).transpose()?.flatten();
    found.ok_or_else(|| ApiError::no_parameter_group(text))
}

/// The group that an instance of a major version is to use: the one that is asked for, if it is
/// of that family, else the default one.
pub(super) fn associate(
    state: &Transaction<'_>,
    major: u16,
    asked: Option<&str>,
) -> Result<DbParameterGroup, ApiError> {
    let Some(asked) = asked.filter(|text| !text.is_empty()) else {
        return Ok(DbParameterGroup::default_of(major));
    };
    let group = find(state, asked)?;
    if group.major != major {
        return Err(ApiError::combination(format!(
            "The parameter group {} with DBParameterGroupFamily {} can't be used for this \
             instance. Use a parameter group with DBParameterGroupFamily {}.",
            group.name,
            family(group.major),
            family(major)
        )));
    }
    Ok(group)
}

/// Refuses to touch a default group.
pub(super) fn require_custom(group: &DbParameterGroup) -> Result<(), ApiError> {
    if group.name.is_default() {
        return Err(ApiError::value("Cannot modify a default parameter group."));
    }
    Ok(())
}

/// Adds a group under a name that nobody has.
pub(super) fn insert(state: &Transaction<'_>, group: &DbParameterGroup) -> Result<(), ApiError> {
    if state.parameter_group(&group.name)?.is_some() {
        return Err(ApiError::new(
            DB_PARAMETER_GROUP_ALREADY_EXISTS,
            format!("Parameter group {} already exists", group.name),
        ));
    }
    let custom = state.parameter_groups()?.iter().filter(|it| !it.name.is_default()).count();
    if custom >= MOST_GROUPS {
        return Err(ApiError::new(
            DB_PARAMETER_GROUP_QUOTA_EXCEEDED,
            format!("There can be {MOST_GROUPS} DB parameter groups; delete one first."),
        ));
    }
    Ok(state.put_parameter_group(group)?)
}

/// Runs a change of groups in one transaction, which a refusal rolls back, and wakes the driver.
pub(super) fn write<T>(
    control: &Control,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut refusal = None;
    let written = control.store().durably(|state| match change(state) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            refusal = Some(error);
            Err(StoreError::RolledBack)
        }
    });
    if let Some(error) = refusal {
        return Err(error);
    }
    control.wake();
    written?.ok_or_else(|| StoreError::RolledBack.into())
}

/// The shape of a group.
pub(super) fn render(control: &Control, group: &DbParameterGroup) -> shapes::DbParameterGroup {
    shapes::DbParameterGroup {
        db_parameter_group_arn: Some(arn(control, &group.name)),
        db_parameter_group_family: Some(family(group.major)),
        db_parameter_group_name: Some(group.name.to_string()),
        description: Some(group.description.clone()),
    }
}

/// The ARN of a group.
pub(super) fn arn(control: &Control, name: &DbParameterGroupName) -> String {
    let installation = control.installation();
    format!("arn:aws:rds:{}:{}:pg:{name}", installation.region, installation.account_id)
}

/// An event of a group, now.
pub(super) fn event(control: &Control, name: &DbParameterGroupName, message: String) -> Event {
    Event {
        source: EventSource::DbParameterGroup,
        source_identifier: name.to_string(),
        source_arn: arn(control, name),
        category: EventCategory::ConfigurationChange,
        message,
        at: control.clock().now(),
    }
}

/// Makes the driver look at every member of a group that runs: what applies to it, it decides.
pub(super) fn wake_members(
    control: &Control,
    state: &Transaction<'_>,
    group: &DbParameterGroup,
) -> Result<(), StoreError> {
    state.wake_members(&group.name, control.clock().now())
}

/// Judges a group's TLS parameters: against every member, or where it has none, against what any
/// instance could have.
pub(super) fn check_members(
    control: &Control,
    state: &Transaction<'_>,
    group: &DbParameterGroup,
) -> Result<(), ApiError> {
    let members = state.members(&group.name)?;
    for member in &members {
        check_member(control, group, member)?;
    }
    if members.is_empty() {
        let openssl = (3, 5, 0);
        let rsa = TlsFacts { openssl, key: KeyAlgorithm::Rsa2048 };
        let ecdsa = TlsFacts { openssl, key: KeyAlgorithm::EcdsaP384 };
        check_group(group, rsa)
            .or_else(|refusal| check_group(group, ecdsa).map_err(|_| refusal))?;
    }
    Ok(())
}

/// Judges a group for an instance: TLS parameters by its OpenSSL and its certificate's key,
/// formulas by what they give for it.
pub(super) fn check_member(
    control: &Control,
    group: &DbParameterGroup,
    instance: &DbInstance,
) -> Result<(), ApiError> {
    let key = control.authorities().key_of(&instance.desired.ca_identifier).map(|(_, key)| key);
    let key = key.unwrap_or(KeyAlgorithm::Rsa2048);
    check_group(group, TlsFacts { openssl: control.openssl_of(instance), key })?;
    let variables = control.formula_variables(instance)?;
    for (name, value) in group.at_start().values {
        let definition = parameter(group.major, &name)?;
        check_value(definition, &value)?.setting(definition, &variables)?;
    }
    Ok(())
}
