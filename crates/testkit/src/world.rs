//! The world held against what the API says of it, once all is at rest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{ControlPlane, Instance, processes_under};

impl ControlPlane {
    /// Says where folders, servers, sockets, keys and names are not those of these instances, which
    /// are all there are.
    ///
    /// # Errors
    /// What is there, and what should be.
    pub fn check_world(&self, instances: &[Instance]) -> Result<(), String> {
        let root = self.data_directory();
        let ids = |is_meant: fn(&Instance) -> bool| -> BTreeSet<String> {
            let meant = instances.iter().filter(|it| is_meant(it));
            meant.map(|it| it.resource_id.clone()).collect()
        };
        let all = ids(|_| true);
        let is_stopped = |it: &Instance| it.status == "stopped";
        same("folders of instances", &names(&root.join("instances")), &all)?;
        let stopped = ids(is_stopped);
        same("servers", &self.working(), &(&all - &stopped))?;
        same("what was removed", &names(&root.join("trash")), &BTreeSet::new())?;
        let hosts: BTreeSet<_> = self.addresses().into_keys().collect();
        let endpoints = instances.iter().map(|it| it.endpoint.clone());
        let expected = endpoints.chain(["localhost".to_owned()]).collect();
        same("names in the hosts file", &hosts, &expected)?;
        let sockets = names(&root.join("run")).len();
        if sockets != all.len() {
            return Err(format!("{sockets} folders of sockets of {} instances", all.len()));
        }
        instances.iter().filter(|it| !is_stopped(it)).try_for_each(|it| self.check_pairs(it))
    }

    /// The instances in whose folders something works.
    fn working(&self) -> BTreeSet<String> {
        let instances = self.data_directory().join("instances");
        let processes = processes_under(&instances).into_iter();
        let folders = processes.filter_map(|pid| fs::read_link(format!("/proc/{pid}/cwd")).ok());
        let first = |path: &Path| path.iter().next().map(|name| name.display().to_string());
        folders.filter_map(|cwd| first(cwd.strip_prefix(&instances).ok()?)).collect()
    }

    /// Of keys there are the one in use and at most the one that was proved before.
    fn check_pairs(&self, instance: &Instance) -> Result<(), String> {
        let folder = self.data_directory().join("instances").join(&instance.resource_id);
        let pairs = names(&folder.join("certificates"));
        let in_use = fs::read_link(folder.join("rds-metadata")).map_err(|it| it.to_string())?;
        let is_there = in_use.file_name().is_some_and(|it| pairs.contains(&*it.to_string_lossy()));
        if is_there && pairs.len() <= 2 {
            return Ok(());
        }
        Err(format!("{}: {} is in use of {pairs:?}", instance.identifier, in_use.display()))
    }
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().display().to_string()).collect()
}

fn same(what: &str, seen: &BTreeSet<String>, expected: &BTreeSet<String>) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{what}: {seen:?}, not {expected:?}")) }
}
