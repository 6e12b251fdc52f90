//! The names that lead to instances, in the hosts file.

use std::collections::HashSet;
use std::sync::PoisonError;

use pgkeep_model::DbInstance;

use crate::hosts::Name;
use crate::{Control, WorkflowError};

impl Control {
    /// Writes the names of an instance, and with them those of all, unless they are there.
    pub(crate) fn ensure_published(&self, instance: &DbInstance) -> Result<(), WorkflowError> {
        let names = names_of(instance);
        let is_there = self.settings.hosts.holds(&instance.resource_id, &names);
        if is_there { Ok(()) } else { self.publish_names() }
    }

    /// Writes the names of all instances.
    pub(crate) fn publish_names(&self) -> Result<(), WorkflowError> {
        // Of two at once the one that looked later writes later.
        let _turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut instances = self.store.instances()?;
        instances.retain(|instance| !instance.desired.deleted);
        let wanted: HashSet<_> = instances.iter().map(|it| &*it.desired.endpoint).collect();
        // A name that an instance is about to give up may be wanted by another by now.
        let is_own = |name: &Name, instance: &DbInstance| {
            name.host == instance.desired.endpoint || !wanted.contains(&*name.host)
        };
        let names = instances.iter().flat_map(|instance| {
            names_of(instance).into_iter().filter(move |name| is_own(name, instance))
        });
        self.write_names(&names.collect::<Vec<_>>())
    }

    /// Makes the hosts file's block hold exactly these names.
    pub(crate) fn write_names(&self, names: &[Name]) -> Result<(), WorkflowError> {
        let hosts = &self.settings.hosts;
        hosts
            .ensure(names)
            .map_err(|source| WorkflowError::Hosts { path: hosts.path().to_owned(), source })
    }
}

/// The name that a server's certificate is for and, until another than before is proved, that of
/// the one before: a rename takes no name away before clients can use the next.
fn names_of(instance: &DbInstance) -> Vec<Name> {
    let (desired, applied) = (&instance.desired, &instance.applied);
    let served = [&applied.certificate, &applied.proved].into_iter().flatten();
    let mut endpoints: Vec<_> = served.map(|it| &it.endpoint).collect();
    if endpoints.is_empty() || !desired.running {
        endpoints = vec![&desired.endpoint];
    }
    endpoints.dedup();
    let name = |endpoint: &String| Name {
        owner: instance.resource_id.clone(),
        address: desired.address,
        host: endpoint.clone(),
    };
    endpoints.into_iter().map(name).collect()
}
