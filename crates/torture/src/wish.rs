//! What an instance was asked to be, and whether it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use pgkeep_testkit::{ControlPlane, Instance, MASTER_USERNAME, Psql};

use crate::figures::Figures;

/// The place of one instance at a time: its client changes the wish, its writer writes rows.
#[derive(Debug, Default)]
pub(crate) struct Slot(pub(crate) Mutex<Option<Wish>>);

impl Slot {
    /// The wish as it is now.
    pub(crate) fn wish(&self) -> Option<Wish> {
        self.0.lock().expect("no thread has failed").clone()
    }

    /// Changes the wish, if there is one.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Wish) -> T) -> Option<T> {
        self.0.lock().expect("no thread has failed").as_mut().map(change)
    }
}

/// What an instance was asked to be. What was refused is not in it.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) identifier: String,
    pub(crate) major: &'static str,
    pub(crate) port: String,
    pub(crate) password: String,
    pub(crate) authority: &'static str,
    pub(crate) group: String,
    /// Values of the group.
    pub(crate) values: BTreeMap<&'static str, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) runs: bool,
    /// Of this instance, whatever takes its place later.
    pub(crate) rows: Arc<Mutex<Rows>>,
}

/// The numbered rows of an instance.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The next number; none is used twice.
    pub(crate) next: u64,
    /// Those that PostgreSQL said it has.
    pub(crate) acknowledged: BTreeSet<u64>,
    /// How many of those were found again before.
    pub(crate) seen: usize,
}

impl Wish {
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().expect("no thread has failed")
    }

    /// How clients connect.
    pub(crate) fn psql(&self, plane: &ControlPlane, instance: &Instance) -> Psql {
        Psql::to(plane, instance).with("password", &self.password)
    }

    /// Holds that the instance is as wished: by the API, and by its server.
    pub(crate) fn check(&self, plane: &ControlPlane, instance: &Instance) -> Result<(), String> {
        let status = if self.runs { "available" } else { "stopped" };
        let text = |name: &str| instance.xml.text(name).unwrap_or_default();
        let tags: BTreeMap<_, _> = instance
            .xml
            .elements("Tag")
            .iter()
            .map(|tag| (tag.text("Key").unwrap(), tag.text("Value").unwrap()))
            .collect();
        let is = |what, seen: &str, wanted: &str| self.is(what, seen, wanted);
        is("the status", &instance.status, status)?;
        is("the port", &instance.port.to_string(), &self.port)?;
        is("the authority", &text("CACertificateIdentifier"), self.authority)?;
        is("the group", &text("DBParameterGroupName"), &self.group)?;
        is("the tags", &format!("{tags:?}"), &format!("{:?}", self.tags))?;
        if !self.runs {
            return Ok(());
        }
        if instance.address.is_none() {
            return Err(format!("{} is not in the hosts file", instance.endpoint));
        }
        is("the authority served", &text("CAIdentifier"), self.authority)?;
        self.check_server(plane, instance, text("ParameterApplyStatus") == "in-sync")
    }

    fn check_server(
        &self,
        plane: &ControlPlane,
        instance: &Instance,
        in_sync: bool,
    ) -> Result<(), String> {
        let is = |what, seen: &str, wanted: &str| self.is(what, seen, wanted);
        let psql = self.psql(plane, instance);
        let ask = |psql: &Psql, sql: &str| {
            let outcome = psql.run(sql);
            if outcome.status.success() { Ok(outcome.stdout) } else { Err(format!("{outcome:?}")) }
        };
        let session = "SELECT concat_ws(' ', current_setting('server_version_num')::int / 10000, \
                       inet_server_port(), current_user)";
        let wanted = format!("{} {} {MASTER_USERNAME}", self.major, self.port);
        is("the session", &ask(&psql, session)?, &wanted)?;
        let authority = plane.desk().join(format!("{}.pem", self.authority));
        let alone = psql.clone().with("sslrootcert", &authority.display().to_string());
        is("trusted by its authority's root alone", &ask(&alone, "SELECT 1")?, "1")?;
        if in_sync {
            for (name, value) in &self.values {
                // Its own settings are in the unit of the value; those of the service are no
                // settings of its own.
                let sql = format!(
                    "SELECT coalesce((SELECT setting FROM pg_settings WHERE name = '{name}'), \
                     current_setting('{name}'))"
                );
                is(name, &ask(&psql, &sql)?, value)?;
            }
            if let Some(forced) = self.values.get("rds.force_ssl") {
                let plain = psql.clone().with("sslmode", "disable").run("SELECT 1");
                let refused = if plain.status.success() { "0" } else { "1" };
                is("plaintext refused", refused, forced)?;
            }
        }
        Ok(())
    }

    fn is(&self, what: &str, seen: &str, wanted: &str) -> Result<(), String> {
        let differs = || format!("{}: {what} is {seen}, not {wanted}", self.identifier);
        if seen == wanted { Ok(()) } else { Err(differs()) }
    }

    /// Holds that every acknowledged row is there, and none that was not sent.
    pub(crate) fn check_rows(
        &self,
        plane: &ControlPlane,
        instance: &Instance,
        figures: &Figures,
    ) -> Result<(), String> {
        let mut rows = self.rows();
        if !self.runs || rows.acknowledged.is_empty() {
            return Ok(());
        }
        let outcome = self.psql(plane, instance).run("SELECT n FROM kept");
        if !outcome.status.success() {
            return Err(format!("{outcome:?}"));
        }
        let found: BTreeSet<u64> = outcome.stdout.lines().map(|n| n.parse().unwrap()).collect();
        let lost: Vec<_> = rows.acknowledged.difference(&found).collect();
        let foreign: Vec<_> = found.iter().filter(|n| **n >= rows.next).collect();
        if !(lost.is_empty() && foreign.is_empty()) {
            return Err(format!("{}: lost {lost:?}, foreign {foreign:?}", self.identifier));
        }
        figures.checked(rows.acknowledged.len() - rows.seen);
        rows.seen = rows.acknowledged.len();
        Ok(())
    }
}
