//! What a rehearsal copies of a DB instance. Only read: from the state file, and from its server
//! if that runs.

use std::time::Duration;

use anyhow::Context as _;
use pgkeep_model::{CA_POLICIES, DEFAULT_CA, ca_policy};
use pgkeep_model::{DbInstance, DbInstanceIdentifier, DbParameterGroup};
use pgkeep_postgres::{Admin, EngineCatalogue, Layout, Roles};
use pgkeep_store::Installation;
use pgkeep_workflow::openssl_of;

use crate::data_directory::DataDirectory;
use crate::instances::find;

/// For a server that does not answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The set-up of a DB instance.
pub(super) struct Original {
    pub(super) instance: DbInstance,
    /// With the values that apply at the next start.
    pub(super) group: DbParameterGroup,
    pub(super) installation: Installation,
    /// The OpenSSL of its engine.
    pub(super) openssl: (u16, u16, u16),
    /// None where its server did not tell.
    pub(super) roles: Option<Roles>,
}

impl Original {
    /// Reads it.
    pub(super) async fn read(
        data: &DataDirectory,
        id: &DbInstanceIdentifier,
        engines: &EngineCatalogue,
    ) -> anyhow::Result<Self> {
        let state = data.state()?;
        let mut instance = find(&state, id)?;
        // Nobody rehearses with the user's own: one of the service's with the same kind of key.
        let authority = &mut instance.desired.ca_identifier;
        if ca_policy(authority).is_none() {
            let own = data.authorities()?.into_iter().find(|it| it.identifier == *authority);
            let alike = CA_POLICIES.iter().find(|it| own.as_ref().is_some_and(|o| o.key == it.key));
            alike.map_or(DEFAULT_CA, |policy| policy.identifier).clone_into(authority);
        }
        let name = instance.desired.parameter_group.parse()?;
        let group = state.read(|state| state.parameter_group(&name))?;
        let files = Layout::ensure(data.path())?.instance(&instance.resource_id);
        let port = instance.desired.port;
        let roles = Admin::ask(&files, port, LIMIT, |admin| async move { admin.roles().await });
        Ok(Self {
            group: group.with_context(|| format!("there is no parameter group {name}"))?,
            installation: data.installation()?.context("there is no installation yet")?,
            openssl: openssl_of(engines, &instance),
            roles: roles.await.ok(),
            instance,
        })
    }
}
