//! Random values, right and wrong, for every parameter of a family: the API refuses a value or the
//! server runs with just it, and nothing that pgkeep holds ever moves.
//!
//! The judge is PostgreSQL itself: `postgres -C` says how it reads what was sent, `pg_settings`
//! what it runs with, `pg_file_settings` whether it likes its file. Attempts come from a seed that
//! a failure prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;
mod hostile;

use std::collections::BTreeMap;

use groups::{Superuser, assert_serves, create_group, reboot, reset, set, wait_applied};
use hostile::Dice;
use pgkeep_testkit::{ControlPlane, Instance, Refusal, Xml, for_each_major, wait_until};

/// Values tried on a family, at least: rounds over all dynamic parameters, each compared with the
/// server, go on until there are as many.
const VALUES: usize = 1_000;
/// Attempts on each static parameter.
const STATIC_ATTEMPTS: usize = 4;

for_each_major!(one_family);

fn one_family(major: u16) {
    let seed = std::env::var("PGKEEP_SEED").ok().and_then(|it| it.parse().ok());
    let seed = seed.unwrap_or(u64::from(major));
    eprintln!("PGKEEP_SEED={seed}");
    let plane = ControlPlane::start();
    create_group(&plane, "wild", &format!("postgres{major}")).unwrap();
    plane.create("db", &major.to_string(), &[("DBParameterGroupName", "wild")]);
    let instance = plane.wait_available("db");
    let server = Superuser::of(&plane, &instance);
    let mut trial = Trial {
        plane: &plane,
        instance: &instance,
        server: &server,
        dice: Dice(seed),
        held: Vec::new(),
        counts: BTreeMap::new(),
        wrong: Vec::new(),
    };
    trial.held = trial.read_held();
    trial.static_parameters();
    while trial.tried() < VALUES {
        trial.dynamic_parameters();
    }
    trial.held_parameters();
    eprintln!("{major}: {:?}", trial.counts);
    assert!(trial.wrong.is_empty(), "{}", trial.wrong.join("\n"));

    // What locks clients out by rights: protocols that none speaks any more, SCRAM for a password
    // that is stored as MD5.
    let all = parameters(&plane, "user");
    let own = |it: &&Parameter| it.name.starts_with("ssl_") || it.name.starts_with("rds.");
    let names: Vec<_> = all.iter().filter(own).map(|it| (&*it.name, it.method())).collect();
    if !names.is_empty() {
        reset(&plane, "wild", &names).unwrap();
    }
    wait_applied(&plane, "db");
    assert_serves(&plane, &instance);
    let fields = [("DBParameterGroupName", "wild"), ("ResetAllParameters", "true")];
    plane.call("ResetDBParameterGroup", &fields).unwrap();
    wait_applied(&plane, "db");
    let instance = reboot(&plane, "db");
    assert_serves(&plane, &instance);
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// A parameter as the API describes it.
#[derive(Debug, Clone)]
struct Parameter {
    name: String,
    data_type: String,
    allowed: String,
    unit: String,
    is_dynamic: bool,
    is_modifiable: bool,
    value: String,
}

impl Parameter {
    fn method(&self) -> &'static str {
        if self.is_dynamic { "immediate" } else { "pending-reboot" }
    }

    /// Whether others of its kind and this together have a bound, which only a start judges.
    fn is_summed(&self) -> bool {
        let kinds = ["max_connections", "max_wal_senders", "max_worker_processes"];
        kinds.contains(&&*self.name) || self.name == "autovacuum_max_workers"
    }

    /// The word that is meant, where the service says which ones there are: it knows them without
    /// regard to case, PostgreSQL not all of them.
    fn spelled<'a>(&'a self, value: &'a str) -> &'a str {
        let same = |word: &&str| word.eq_ignore_ascii_case(value);
        let is_word = self.data_type == "string";
        self.allowed.split(',').find(same).filter(|_| is_word).unwrap_or(value)
    }

    /// Whether the service, not PostgreSQL, says how a value is written.
    fn is_of_service(&self) -> bool {
        self.name.contains('.') || self.data_type == "list"
    }
}

/// All parameters of the group, a page after the other.
fn parameters(plane: &ControlPlane, source: &str) -> Vec<Parameter> {
    let (mut found, mut marker) = (Vec::new(), String::new());
    loop {
        let fields =
            [("DBParameterGroupName", "wild"), ("Source", source), ("Marker", marker.as_str())];
        let page = plane.call("DescribeDBParameters", &fields).unwrap();
        found.extend(page.elements("Parameter").iter().map(read));
        match page.text("Marker") {
            Some(next) => marker = next,
            None => return found,
        }
    }
}

fn read(xml: &Xml) -> Parameter {
    let text = |name| xml.text(name).unwrap_or_default();
    let description = text("Description");
    let unit = description.strip_prefix('(').and_then(|rest| rest.split_once(") "));
    Parameter {
        name: text("ParameterName"),
        data_type: text("DataType"),
        allowed: text("AllowedValues"),
        unit: unit.map(|(unit, _)| unit.to_owned()).unwrap_or_default(),
        is_dynamic: text("ApplyType") == "dynamic",
        is_modifiable: text("IsModifiable") == "true",
        value: text("ParameterValue"),
    }
}

struct Trial<'a> {
    plane: &'a ControlPlane,
    instance: &'a Instance,
    server: &'a Superuser,
    dice: Dice,
    held: Vec<(String, String)>,
    counts: BTreeMap<&'static str, usize>,
    /// What is wrong, all of it, since one seed finds several things.
    wrong: Vec<String>,
}

impl Trial<'_> {
    /// Values that the API took or refused, those of held parameters apart.
    fn tried(&self) -> usize {
        let count = |it| self.counts.get(it).copied().unwrap_or(0);
        count("accepted") + count("refused")
    }

    /// One attempt on each dynamic parameter, twenty to a call, then a look at the server.
    fn dynamic_parameters(&mut self) {
        let all = parameters(self.plane, "");
        let dynamic: Vec<_> = all.iter().filter(|it| it.is_modifiable && it.is_dynamic).collect();
        for few in dynamic.chunks(20) {
            let attempts: Vec<_> = few.iter().map(|it| (*it, self.dice.value(it))).collect();
            self.attempt(&attempts);
        }
        wait_applied(self.plane, "db");
        self.compare();
    }

    /// Those that are read at a start are judged, not tried: many a right one needs a larger
    /// machine.
    fn static_parameters(&mut self) {
        let all = parameters(self.plane, "");
        for one in all.iter().filter(|it| it.is_modifiable && !it.is_dynamic) {
            for _ in 0..STATIC_ATTEMPTS {
                let value = self.dice.value(one);
                self.attempt(&[(one, value)]);
            }
        }
        wait_applied(self.plane, "db");
    }

    /// What cannot be modified is refused whatever the value.
    fn held_parameters(&mut self) {
        let all = parameters(self.plane, "");
        for one in all.iter().filter(|it| !it.is_modifiable) {
            let value = self.dice.value(one);
            let refusal = self.send(&[(one, value)]).unwrap_err();
            assert_eq!(refusal.code, "InvalidParameterValue", "{} {refusal}", one.name);
            *self.counts.entry("held").or_default() += 1;
        }
        assert_eq!(self.read_held(), self.held);
    }

    /// Sends values together; where that is refused, one by one, to know which.
    fn attempt(&mut self, attempts: &[(&Parameter, String)]) {
        match self.send(attempts) {
            Ok(()) => attempts.iter().for_each(|(one, value)| self.judge_accepted(one, value)),
            Err(refusal) if attempts.len() == 1 => {
                let codes = ["InvalidParameterValue", "InvalidParameterCombination"];
                assert!(codes.contains(&&*refusal.code), "{attempts:?}: {refusal}");
                *self.counts.entry("refused").or_default() += 1;
            }
            Err(_) => attempts.iter().for_each(|it| self.attempt(std::slice::from_ref(it))),
        }
    }

    fn send(&self, attempts: &[(&Parameter, String)]) -> Result<(), Refusal> {
        let fields: Vec<_> =
            attempts.iter().map(|(one, value)| (&*one.name, &**value, one.method())).collect();
        set(self.plane, "wild", &fields)
    }

    /// What the API takes, PostgreSQL takes.
    fn judge_accepted(&mut self, one: &Parameter, value: &str) {
        *self.counts.entry("accepted").or_default() += 1;
        if one.is_of_service() || value.contains(['{', '(']) || one.is_summed() {
            return;
        }
        if let Err(words) = self.server.reads(&one.name, one.spelled(value)) {
            self.wrong.push(format!("{} = {value:?} is accepted: {words}", one.name));
        }
    }

    /// What the server runs with is what the group has.
    fn compare(&mut self) {
        let sql = "SELECT f.name, coalesce(f.error, ''), f.applied,
                          CASE WHEN s.source = 'configuration file' AND s.name !~ '^tcp_'
                               THEN s.setting ELSE f.setting END
                   FROM pg_file_settings f LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)
                   ORDER BY 1";
        let rows = self.server.query(self.plane, self.instance, sql);
        let rows: BTreeMap<_, _> = rows
            .lines()
            .map(|row| {
                let fields: Vec<_> = row.splitn(4, '|').collect();
                if (fields[1], fields[2]) != ("", "t") {
                    self.wrong.push(format!("the server's file: {row}"));
                }
                (fields[0].to_lowercase(), fields[3].to_owned())
            })
            .collect();
        for one in parameters(self.plane, "user") {
            let is_plain = !one.is_of_service() && !one.value.contains(['{', '(']);
            if one.is_dynamic && is_plain {
                let expected = self.server.reads(&one.name, one.spelled(&one.value)).ok();
                let seen = rows.get(&one.name).cloned();
                // A name that the server has looked up is shown with its schema; some releases show
                // the sign of zero, or the other name of a level.
                let bare = |text: &Option<String>| {
                    let text = text.as_ref().map(|it| it.trim_start_matches("pg_catalog."));
                    let other = [("-0", "0"), ("debug", "debug2")];
                    text.map(|it| {
                        let same = other.iter().find(|(name, _)| *name == it);
                        same.map_or(it, |(_, shown)| shown).to_owned()
                    })
                };
                if bare(&seen) != bare(&expected) {
                    let Parameter { name, value, .. } = one;
                    self.wrong.push(format!("{name} = {value:?}: {seen:?}, not {expected:?}"));
                }
                *self.counts.entry("compared").or_default() += 1;
            }
        }
        assert_eq!(self.read_held(), self.held);
    }

    /// What pgkeep holds in its own hand.
    fn read_held(&self) -> Vec<(String, String)> {
        let sql = "SELECT name, setting FROM pg_settings
                   WHERE name IN ('allow_system_table_mods', 'archive_command', 'config_file',
                     'data_directory', 'fsync', 'full_page_writes', 'hba_file', 'ident_file',
                     'listen_addresses', 'log_directory', 'log_filename', 'log_line_prefix',
                     'logging_collector', 'port', 'ssl', 'ssl_ca_file', 'ssl_cert_file',
                     'ssl_key_file', 'unix_socket_directories', 'unix_socket_permissions',
                     'wal_level') ORDER BY 1";
        let rows = self.server.query(self.plane, self.instance, sql);
        let pairs = rows.lines().filter_map(|row| row.split_once('|'));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// A value that only a start can judge: PostgreSQL's own line reaches the events, and a better
/// value brings the instance back.
#[test]
fn a_group_that_no_server_starts_with() {
    let plane = ControlPlane::start();
    create_group(&plane, "wild", "postgres16").unwrap();
    plane.create("db", "16", &[("DBParameterGroupName", "wild")]);
    plane.wait_available("db");
    let too_much = [("shared_buffers", "1073741823", "pending-reboot")];
    set(&plane, "wild", &too_much).unwrap();
    plane.call("RebootDBInstance", &[("DBInstanceIdentifier", "db")]).unwrap();
    let incompatible = || {
        let instance = plane.instance("db").unwrap();
        let is_over = instance.status == "incompatible-parameters";
        if is_over { Ok(instance) } else { Err(instance.status) }
    };
    let instance = wait_until("incompatible-parameters", groups::LIMIT, incompatible);
    let status = instance.xml.text("ParameterApplyStatus");
    assert_eq!(status.as_deref(), Some("failed-to-apply"));
    let events = plane.events("db");
    assert!(events.contains("could not map anonymous shared memory"), "{events}");

    set(&plane, "wild", &[("shared_buffers", "16MB", "pending-reboot")]).unwrap();
    // The next try may come before the reboot, which is then refused for what it does.
    let _ = plane.call("RebootDBInstance", &[("DBInstanceIdentifier", "db")]);
    wait_until("available again", groups::LIMIT, || {
        let status = plane.instance("db").unwrap().status;
        if status == "available" { Ok(()) } else { Err(status) }
    });
    let instance = plane.instance("db").unwrap();
    assert_serves(&plane, &instance);
    assert_eq!(groups::apply_status(&plane, "db"), "in-sync");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}
