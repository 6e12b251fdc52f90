//! `ModifyCertificates`: the authority of instances that choose none.

use pgkeep_model::DEFAULT_CA;
use pgkeep_query::shapes::{ModifyCertificatesMessage, ModifyCertificatesResult};
use pgkeep_workflow::Control;

use super::create_db_instance::authority;
use super::describe_certificates::certificate;
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &ModifyCertificatesMessage,
) -> Result<ModifyCertificatesResult, ApiError> {
    let asked = input.certificate_identifier.as_deref().filter(|text| !text.is_empty());
    let chosen = match (asked, input.remove_customer_override.unwrap_or(false)) {
        (Some(asked), false) => Some(authority(control, Some(asked))?),
        (None, true) => None,
        _ => {
            return Err(ApiError::combination(
                "Give either CertificateIdentifier or RemoveCustomerOverride.",
            ));
        }
    };
    control.store().durably(|state| state.override_certificate(chosen.as_deref()))?;
    let shown = chosen.as_deref().unwrap_or(DEFAULT_CA);
    let authority = control.authorities().describe().into_iter().find(|it| it.identifier == shown);
    let certificate =
        authority.map(|authority| certificate(control, &authority, chosen.as_deref()));
    Ok(ModifyCertificatesResult { certificate })
}
