//! What is wanted of an instance's server, rendered, with the digests that tell a difference.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use pgkeep_model::parameters::{FormulaVariables, evaluate_defaults, force_ssl_default};
use pgkeep_model::{DbInstance, EngineVersion, instance_class};
use pgkeep_postgres::{Access, AuthenticationMethod, Rendered, Settings, digest, render};

use crate::decide::Wanted;
use crate::{Control, WorkflowError};

/// What is wanted, in full.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) wanted: Wanted,
    pub(crate) rendered: Rendered,
    pub(crate) access: Access,
    pub(crate) force_ssl: bool,
    pub(crate) address: SocketAddr,
}

/// Works out what is wanted of an instance that runs on `version`.
pub(crate) fn plan(
    control: &Control,
    instance: &DbInstance,
    version: EngineVersion,
) -> Result<Plan, WorkflowError> {
    let desired = &instance.desired;
    let address = SocketAddr::new(desired.address, desired.port);
    let force_ssl = force_ssl_default(version.major);
    let rendered = render(&Settings {
        version,
        address,
        force_ssl,
        authentication: AuthenticationMethod::Md5,
        os_user: control.settings.os_user.clone(),
        parameters: parameters(control, instance, version)?,
        files: control.files(instance),
    });
    let access = Access {
        master_username: desired.master_username.clone(),
        master_password: desired.master_password.clone(),
        db_name: desired.db_name.clone(),
    };
    let wanted = digests(instance, &rendered, &access);
    Ok(Plan { wanted, rendered, access, force_ssl, address })
}

fn digests(instance: &DbInstance, rendered: &Rendered, access: &Access) -> Wanted {
    let applied = &instance.applied;
    let fingerprint = applied.certificate.as_ref().map_or("", |it| &it.fingerprint);
    let reload_digest = digest([&*rendered.reload_digest(), fingerprint]);
    Wanted {
        start_digest: rendered.start_digest.clone(),
        access_digest: digest([
            &*access.master_username,
            access.master_password.reveal(),
            access.db_name.as_deref().unwrap_or(""),
        ]),
        proof_digest: digest([&*reload_digest, &instance.desired.endpoint]),
        reload_digest,
    }
}

fn parameters(
    control: &Control,
    instance: &DbInstance,
    version: EngineVersion,
) -> Result<BTreeMap<String, String>, WorkflowError> {
    let class = instance_class(&instance.desired.class)
        .ok_or_else(|| WorkflowError::Model(format!("unknown class {}", instance.desired.class)))?;
    let gib = instance.desired.kept.allocated_storage.and_then(|gib| u64::try_from(gib).ok());
    let variables = FormulaVariables {
        allocated_storage_bytes: gib.unwrap_or(0) << 30,
        memory_bytes: class.effective_memory(control.settings.machine_memory),
        vcpu: class.vcpu,
        port: instance.desired.port,
        is_replica: false,
    };
    evaluate_defaults(version, &variables).map_err(|error| WorkflowError::Model(error.to_string()))
}
