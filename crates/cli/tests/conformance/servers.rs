//! The servers of the table: an instance for each column, and the files and names that clients
//! are given for it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use pgkeep_testkit::{ControlPlane, Instance, Psql};

use super::cells::{AUTHORITIES, Column, wrong_host};
use super::stripped::Stripped;
use crate::groups::{create_group, set};

/// Instances that are made at a time.
const WORKERS: usize = 3;

/// All of them, and where clients find them.
pub(crate) struct Servers {
    /// In the order of the columns.
    pub(crate) all: Vec<(Column, Instance)>,
    /// What clients have as `/etc/hosts`.
    pub(crate) hosts: PathBuf,
    /// Clients' home: nothing is in it, so no root is found by default.
    pub(crate) home: PathBuf,
    /// Those on the way to each.
    pub(crate) stripped: Stripped,
    right: PathBuf,
    /// By the place of the authority.
    wrong: Vec<PathBuf>,
    /// The same, of those that are in use.
    intermediate: Vec<Option<PathBuf>>,
}

impl Servers {
    /// The file of a [`ROOTS`](super::cells::ROOTS), if any.
    pub(crate) fn root(&self, column: Column, root: &str) -> Option<&PathBuf> {
        match root {
            "right" => Some(&self.right),
            "wrong" => Some(&self.wrong[column.authority]),
            "intermediate" => self.intermediate[column.authority].as_ref(),
            _ => None,
        }
    }
}

/// Starts an instance for each column.
pub(crate) fn start(plane: &ControlPlane, columns: &[Column]) -> Servers {
    let groups: BTreeSet<_> = columns.iter().map(|it| (it.major, it.force_ssl)).collect();
    for (major, force_ssl) in groups {
        let group = group(major, force_ssl);
        create_group(plane, &group, &format!("postgres{major}")).unwrap();
        set(plane, &group, &[("rds.force_ssl", force_ssl, "immediate")]).unwrap();
    }
    let all = start_all(plane, columns);
    let served = |authority: usize| {
        let (_, of) = all.iter().find(|(column, _)| column.authority == authority)?;
        let path = plane.desk().join(format!("intermediate-{}.pem", AUTHORITIES[authority].0));
        let chain = of.served_certificate().chain;
        assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 1, "the subordinate alone");
        fs::write(&path, chain).unwrap();
        Some(path)
    };
    let mut hosts = format!("127.0.0.1 localhost {}\n", Stripped::HOST);
    for (_, instance) in &all {
        let (address, endpoint) = (instance.address.unwrap(), &instance.endpoint);
        writeln!(hosts, "{address} {endpoint} {}", wrong_host(instance)).unwrap();
    }
    let servers = Servers {
        intermediate: (0..AUTHORITIES.len()).map(served).collect(),
        wrong: AUTHORITIES.map(|(_, authority)| plane.namesake(authority)).into(),
        stripped: Stripped::start(all.iter().map(|(_, instance)| instance)),
        right: plane.bundle(),
        hosts: plane.desk().join("etc-hosts"),
        home: plane.desk().join("home"),
        all,
    };
    fs::write(&servers.hosts, hosts).unwrap();
    fs::create_dir(&servers.home).unwrap();
    servers
}

fn start_all(plane: &ControlPlane, columns: &[Column]) -> Vec<(Column, Instance)> {
    let waiting = Mutex::new(VecDeque::from(columns.to_vec()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(column) = { waiting.lock().unwrap().pop_front() } {
                    start_one(plane, column);
                }
            });
        }
    });
    let instance = |column: Column| (column, plane.instance(&identifier(column)).unwrap());
    columns.iter().copied().map(instance).collect()
}

fn start_one(plane: &ControlPlane, column: Column) {
    let identifier = identifier(column);
    let group = group(column.major, column.force_ssl);
    let authority = AUTHORITIES[column.authority].1;
    let more = [("DBParameterGroupName", &*group), ("CACertificateIdentifier", authority)];
    plane.create(&identifier, &column.major.to_string(), &more);
    let instance = plane.wait_available(&identifier);
    let psql = Psql::to(plane, &instance);
    assert_eq!(psql.query("SHOW rds.force_ssl"), column.force_ssl, "{identifier}");
}

fn identifier(column: Column) -> String {
    format!("pg{}", column.name())
}

fn group(major: u16, force_ssl: &str) -> String {
    format!("pg{major}-force-ssl-{force_ssl}")
}

/// Deletes all of it.
pub(crate) fn delete(plane: &ControlPlane, servers: &Servers) {
    for (_, instance) in &servers.all {
        plane.delete(&instance.identifier);
    }
    for (_, instance) in &servers.all {
        plane.wait_deleted(&instance.identifier);
    }
}
