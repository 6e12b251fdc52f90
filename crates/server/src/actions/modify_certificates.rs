//! `ModifyCertificates`: the authority of instances that choose none.

use pgkeep_model::{DEFAULT_CA, ca_policy};
use pgkeep_query::shapes::{ModifyCertificatesMessage, ModifyCertificatesResult};
use pgkeep_workflow::Control;

use super::describe_certificates::certificate;
use crate::error::ApiError;

pub(super) fn answer(
    control: &Control,
    input: &ModifyCertificatesMessage,
) -> Result<ModifyCertificatesResult, ApiError> {
    let asked = input.certificate_identifier.as_deref().filter(|text| !text.is_empty());
    let chosen = match (asked, input.remove_customer_override.unwrap_or(false)) {
        (Some(asked), false) => {
            Some(ca_policy(asked).ok_or_else(|| ApiError::no_certificate(asked))?.identifier)
        }
        (None, true) => None,
        _ => {
            return Err(ApiError::combination(
                "Give either CertificateIdentifier or RemoveCustomerOverride.",
            ));
        }
    };
    control.store().durably(|state| state.override_certificate(chosen))?;
    let shown = chosen.unwrap_or(DEFAULT_CA);
    let authority = control.authorities().describe().into_iter().find(|it| it.identifier == shown);
    let certificate = authority.map(|authority| certificate(control, &authority, chosen));
    Ok(ModifyCertificatesResult { certificate })
}
