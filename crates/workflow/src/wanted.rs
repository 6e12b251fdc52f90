//! What is wanted of an instance's server, rendered, with the digests that tell a difference.

use std::net::SocketAddr;

use pgkeep_model::{DbInstance, DbParameterGroup, EffectiveParameters, EngineVersion};
use pgkeep_postgres::{Access, Postmaster, Rendered, Settings, bootstrap_digest, digest, render};

use crate::decide::Wanted;
use crate::parameters::Parameters;
use crate::{Control, WorkflowError};

/// What is wanted, in full.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) wanted: Wanted,
    pub(crate) rendered: Rendered,
    pub(crate) access: Access,
    pub(crate) parameters: Parameters,
    pub(crate) address: SocketAddr,
}

/// Works out what is wanted of an instance of a group, on a server of `version` that runs or is to
/// start.
pub(crate) fn plan(
    control: &Control,
    instance: &DbInstance,
    group: &DbParameterGroup,
    version: EngineVersion,
    openssl: (u16, u16, u16),
    postmaster: Option<&Postmaster>,
) -> Result<Plan, WorkflowError> {
    let desired = &instance.desired;
    let address = SocketAddr::new(desired.address, desired.port);
    let running = postmaster.is_some();
    let parameters = Parameters::plan(control, instance, group, version, openssl, running)?;
    let files = control.files(instance);
    let own_views = control.settings.own_views;
    let has_view = postmaster.map_or(own_views, |postmaster| postmaster.has_view(&files));
    let rendered = render(&Settings {
        version,
        address,
        force_ssl: parameters.force_ssl,
        authentication: parameters.authentication,
        os_user: control.settings.os_user.clone(),
        parameters: parameters.values.clone(),
        files,
        has_view,
    });
    let access = Access {
        master_username: desired.master_username.clone(),
        master_password: desired.master_password.clone(),
        db_name: desired.db_name.clone(),
    };
    let wanted = digests(instance, &parameters, &rendered, &access);
    Ok(Plan { wanted, rendered, access, parameters, address })
}

fn digests(
    instance: &DbInstance,
    parameters: &Parameters,
    rendered: &Rendered,
    access: &Access,
) -> Wanted {
    let applied = &instance.applied;
    let fingerprint = applied.certificate.as_ref().map_or("", |it| &it.fingerprint);
    // Two values that render alike are still two: what applies is to be recorded.
    let EffectiveParameters { group, values } = &parameters.effective;
    let pairs = values.iter().flat_map(|(name, value)| [name.as_str(), value]);
    let effective = digest([group.as_str()].into_iter().chain(pairs));
    let reload_digest = digest([&*rendered.reload_digest(), fingerprint, &effective]);
    Wanted {
        start_digest: rendered.start_digest.clone(),
        access_digest: digest([
            &*access.master_username,
            access.master_password.reveal(),
            access.db_name.as_deref().unwrap_or(""),
        ]),
        bootstrap_digest: bootstrap_digest(),
        proof_digest: digest([&*reload_digest, &instance.desired.endpoint]),
        reload_digest,
    }
}
