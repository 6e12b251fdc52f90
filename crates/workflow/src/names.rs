//! Which names lead to an instance: those that its certificates are for.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use pgkeep_model::{DbInstance, DbiResourceId};

use crate::{Control, WorkflowError};

/// How many instances are read at once: their rows are larger than their names.
const AT_ONCE: usize = 100;

/// The names of all instances.
pub(crate) type Names = HashMap<DbiResourceId, NamesOfOne>;

/// The names that lead to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamesOfOne {
    pub(crate) address: IpAddr,
    /// That of its endpoint.
    pub(crate) endpoint: String,
    /// Those that its certificates are for.
    pub(crate) served: Vec<String>,
}

impl NamesOfOne {
    /// The name that a server's certificate is for and, until another than before is proved, that
    /// of the one before: a rename takes no name away before clients can use the next.
    fn of(instance: &DbInstance) -> Self {
        let (desired, applied) = (&instance.desired, &instance.applied);
        let certificates = [&applied.certificate, &applied.proved].into_iter().flatten();
        let mut served: Vec<_> = certificates.map(|it| it.endpoint.clone()).collect();
        if served.is_empty() || !desired.running {
            served = vec![desired.endpoint.clone()];
        }
        served.dedup();
        Self { address: desired.address, endpoint: desired.endpoint.clone(), served }
    }
}

impl Control {
    /// Publishes the names of an instance, or takes them back where that is to be deleted.
    pub(crate) async fn publish_names_of(
        &self,
        instance: &DbInstance,
    ) -> Result<(), WorkflowError> {
        let all = || {
            let mut names = Names::new();
            let mut after = String::new();
            loop {
                let piece = self.store.instances_after(&after, AT_ONCE)?;
                let Some(last) = piece.last() else { return Ok(names) };
                last.desired.identifier.as_str().clone_into(&mut after);
                let kept = piece.into_iter().filter(|it| !it.desired.deleted);
                names.extend(kept.map(|it| (it.resource_id.clone(), NamesOfOne::of(&it))));
            }
        };
        let id = &instance.resource_id;
        let change = |names: &mut Names| {
            if instance.desired.deleted {
                names.remove(id).is_some()
            } else {
                let own = NamesOfOne::of(instance);
                let before = names.insert(id.clone(), own.clone());
                before != Some(own)
            }
        };
        self.settings.hosts.ensure(all, change).await
    }

    /// Takes all names back.
    pub(crate) async fn withdraw_names(&self) -> Result<(), WorkflowError> {
        let clear = |names: &mut Names| {
            names.clear();
            true
        };
        self.settings.hosts.ensure(|| Ok(Names::new()), clear).await
    }
}

/// Each name with its address. One that an instance is about to give up may be wanted by another.
pub(crate) fn lines(names: &Names) -> Vec<(&str, IpAddr)> {
    let wanted: HashSet<_> = names.values().map(|it| &*it.endpoint).collect();
    let mut lines = Vec::new();
    for NamesOfOne { address, endpoint, served } in names.values() {
        let own = served.iter().filter(|name| *name == endpoint || !wanted.contains(&***name));
        lines.extend(own.map(|name| (&**name, *address)));
    }
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_to_be_given_up_is_that_of_whoever_wants_it() {
        let names_of = |number: u8, endpoint: &str, served: &[&str]| {
            let address = IpAddr::from([127, 77, 0, number]);
            let served = served.iter().map(|name| (*name).to_owned()).collect();
            let own = NamesOfOne { address, endpoint: endpoint.to_owned(), served };
            (DbiResourceId::from_random([number; 17]), own)
        };
        let mut names = Names::from([names_of(1, "new", &["new", "old"])]);
        let address = |number| IpAddr::from([127, 77, 0, number]);
        assert_eq!(lines(&names), [("new", address(1)), ("old", address(1))]);
        names.extend([names_of(2, "old", &["old"])]);
        assert_eq!(lines(&names), [("new", address(1)), ("old", address(2))]);
    }
}
