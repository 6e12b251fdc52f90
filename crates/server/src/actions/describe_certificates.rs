//! `DescribeCertificates`.

use pgkeep_model::DEFAULT_CA;
use pgkeep_query::shapes::{Certificate, CertificateMessage, DescribeCertificatesMessage};
use pgkeep_workflow::{AuthorityInfo, Control};

use crate::error::ApiError;
use crate::filter;
use crate::page::Page;

pub(super) fn answer(
    control: &Control,
    input: &DescribeCertificatesMessage,
) -> Result<CertificateMessage, ApiError> {
    filter::check(input.filters.as_deref(), &[])?;
    let chosen = control.store().certificate_override()?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let mut authorities = control.authorities().describe();
    if let Some(wanted) = input.certificate_identifier.as_deref().filter(|text| !text.is_empty()) {
        authorities.retain(|it| it.identifier.eq_ignore_ascii_case(wanted));
        if authorities.is_empty() {
            return Err(ApiError::no_certificate(wanted));
        }
    }
    authorities.sort_by(|one, other| one.identifier.cmp(&other.identifier));
    let (authorities, marker) = page.cut(authorities, |it| it.identifier.clone());
    Ok(CertificateMessage {
        certificates: authorities
            .iter()
            .map(|it| certificate(control, it, chosen.as_deref()))
            .collect(),
        default_certificate_for_new_launches: Some(chosen.unwrap_or_else(|| DEFAULT_CA.to_owned())),
        marker,
    })
}

/// The shape of an authority; `chosen` is the override, if there is one.
pub(super) fn certificate(
    control: &Control,
    authority: &AuthorityInfo,
    chosen: Option<&str>,
) -> Certificate {
    let region = &control.installation().region;
    let is_chosen = chosen == Some(authority.identifier.as_str());
    Certificate {
        certificate_arn: Some(format!("arn:aws:rds:{region}::cert:{}", authority.identifier)),
        certificate_identifier: Some(authority.identifier.clone()),
        certificate_type: Some("CA".to_owned()),
        customer_override: Some(is_chosen),
        customer_override_valid_till: is_chosen.then_some(authority.not_after),
        thumbprint: Some(authority.thumbprint_sha1.clone()),
        valid_from: Some(authority.not_before),
        valid_till: Some(authority.not_after),
    }
}
