//! A client of the API: it asks for an instance, for changes of it, and for its end, and keeps what
//! it asked for.

use std::sync::{Arc, Mutex};

use pgkeep_testkit::{MASTER_USERNAME, Refusal};

use crate::arena::{Arena, pause};
use crate::random::Random;
use crate::wish::{Slot, Wish};

pub(crate) const AUTHORITIES: [&str; 3] =
    ["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"];

/// Begins every password.
pub(crate) const PASSWORD: &str = "of-the-torture-";

/// The client of a slot, through all rounds.
pub(crate) struct Client<'a> {
    arena: &'a Arena,
    slot: &'a Slot,
    /// Begins the name of all that it makes.
    name: String,
    majors: &'a [&'static str],
    random: Random,
    made: u32,
    /// Groups whose instances are gone, or about to be.
    old_groups: Vec<String>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(
        arena: &'a Arena,
        slot: &'a Slot,
        name: String,
        majors: &'a [&'static str],
        random: Random,
    ) -> Self {
        Self { arena, slot, name, majors, random, made: 0, old_groups: Vec::new() }
    }

    /// Asks for one thing after the other until the round is over.
    pub(crate) fn work(&mut self) {
        while !self.arena.is_over() {
            self.remove_old_groups();
            match self.slot.wish() {
                None => self.create(),
                Some(wish) => self.change(&wish),
            }
            pause(self.random.between(50, 1500));
        }
    }

    fn create(&mut self) {
        self.made += 1;
        let identifier = format!("{}-{}", self.name, self.made);
        let random = &mut self.random;
        let wish = Wish {
            major: random.one_of(self.majors),
            port: random.between(1150, 60000).to_string(),
            password: password(random),
            authority: random.one_of(&AUTHORITIES),
            group: format!("{identifier}-group"),
            values: [].into(),
            tags: [].into(),
            runs: true,
            rows: Arc::new(Mutex::default()),
            identifier,
        };
        let group = [
            ("DBParameterGroupName", &*wish.group),
            ("DBParameterGroupFamily", &format!("postgres{}", wish.major)),
            ("Description", "of a torture"),
        ];
        self.must("CreateDBParameterGroup", &group, is("DBParameterGroupAlreadyExists"));
        let instance = [
            ("DBInstanceIdentifier", &*wish.identifier),
            ("DBInstanceClass", "db.t3.micro"),
            ("Engine", "postgres"),
            ("EngineVersion", wish.major),
            ("MasterUsername", MASTER_USERNAME),
            ("MasterUserPassword", &wish.password),
            ("Port", &wish.port),
            ("CACertificateIdentifier", wish.authority),
            ("DBParameterGroupName", &wish.group),
        ];
        self.must("CreateDBInstance", &instance, is("DBInstanceAlreadyExists"));
        *self.slot.0.lock().expect("no thread has failed") = Some(wish);
    }

    fn change(&mut self, wish: &Wish) {
        match self.random.between(0, 100) {
            0..=24 => self.modify(wish),
            25..=44 => self.set_values(wish),
            45..=54 => self.tag(wish),
            55..=64 => self.read(wish),
            65..=74 => self.reboot(wish),
            75..=90 => self.stop_or_start(wish),
            91..=95 => self.rename(wish),
            _ => self.delete(wish),
        }
    }

    /// Another port, password, or authority, or all of them.
    fn modify(&mut self, wish: &Wish) {
        let mut new = wish.clone();
        let mut changes =
            vec![("DBInstanceIdentifier", &*wish.identifier), ("ApplyImmediately", "true")];
        if self.random.happens(40) {
            new.port = self.random.between(1150, 60000).to_string();
            changes.push(("DBPortNumber", &new.port));
        }
        if self.random.happens(40) {
            new.password = password(&mut self.random);
            changes.push(("MasterUserPassword", &new.password));
        }
        if self.random.happens(60) || changes.len() == 2 {
            new.authority = self.random.one_of(&AUTHORITIES);
            changes.push(("CACertificateIdentifier", new.authority));
        }
        if self.may("ModifyDBInstance", &changes, |_| false) {
            self.slot.change(|wish| *wish = new);
        }
    }

    fn rename(&mut self, wish: &Wish) {
        self.made += 1;
        let identifier = format!("{}-{}", self.name, self.made);
        let changes = [
            ("DBInstanceIdentifier", &*wish.identifier),
            ("ApplyImmediately", "true"),
            ("NewDBInstanceIdentifier", &identifier),
        ];
        // The old name is nobody's any more.
        if self.may("ModifyDBInstance", &changes, is("DBInstanceNotFound")) {
            self.slot.change(|wish| wish.identifier = identifier);
        }
    }

    /// Values of the group, which the instance takes while it runs, or at its next reboot.
    fn set_values(&mut self, wish: &Wish) {
        let random = &mut self.random;
        let (name, value, method) = match random.between(0, 4) {
            0 | 1 => ("rds.force_ssl", random.between(0, 2), "immediate"),
            2 => ("work_mem", random.between(64, 8192), "immediate"),
            _ => ("max_connections", random.between(30, 120), "pending-reboot"),
        };
        let value = value.to_string();
        let parameters = [
            ("DBParameterGroupName", &*wish.group),
            ("Parameters.Parameter.1.ParameterName", name),
            ("Parameters.Parameter.1.ParameterValue", &value),
            ("Parameters.Parameter.1.ApplyMethod", method),
        ];
        self.must("ModifyDBParameterGroup", &parameters, |_| false);
        self.slot.change(|wish| wish.values.insert(name, value));
    }

    fn tag(&mut self, wish: &Wish) {
        let arn = format!("arn:aws:rds:us-east-1:123456789012:db:{}", wish.identifier);
        let (key, value) = (self.random.between(0, 4).to_string(), self.random.next().to_string());
        if self.random.happens(30) {
            let parameters = [("ResourceName", &*arn), ("TagKeys.member.1", &key)];
            if self.may("RemoveTagsFromResource", &parameters, |_| false) {
                self.slot.change(|wish| wish.tags.remove(&key));
            }
            return;
        }
        let parameters =
            [("ResourceName", &*arn), ("Tags.Tag.1.Key", &key), ("Tags.Tag.1.Value", &value)];
        if self.may("AddTagsToResource", &parameters, |_| false) {
            self.slot.change(|wish| wish.tags.insert(key, value));
        }
    }

    fn read(&mut self, wish: &Wish) {
        let instance = [("DBInstanceIdentifier", &*wish.identifier)];
        let group = [("DBParameterGroupName", &*wish.group)];
        match self.random.between(0, 6) {
            0 => self.must("DescribeDBInstances", &[], |_| false),
            1 => self.must("DescribeDBInstances", &instance, is("DBInstanceNotFound")),
            2 => self.must("DescribeEvents", &[], |_| false),
            3 => self.must("DescribeDBLogFiles", &instance, is("DBInstanceNotFound")),
            4 => self.must("DescribeDBParameters", &group, |_| false),
            _ => self.must("DescribeCertificates", &[], |_| false),
        }
    }

    fn reboot(&mut self, wish: &Wish) {
        let parameters = [("DBInstanceIdentifier", &*wish.identifier)];
        // Nothing is wished for that it would leave: it may have been done or not.
        self.may("RebootDBInstance", &parameters, is("InvalidDBInstanceState"));
    }

    fn stop_or_start(&mut self, wish: &Wish) {
        let parameters = [("DBInstanceIdentifier", &*wish.identifier)];
        let has = |statuses: [&str; 2]| {
            self.arena.look(&wish.identifier).is_some_and(|it| statuses.contains(&&*it.status))
        };
        let done = if wish.runs {
            self.may("StopDBInstance", &parameters, |_| has(["stopping", "stopped"]))
        } else {
            self.may("StartDBInstance", &parameters, |_| has(["starting", "available"]))
        };
        if done {
            self.slot.change(|it| it.runs = !wish.runs);
        }
    }

    fn delete(&mut self, wish: &Wish) {
        let parameters =
            [("DBInstanceIdentifier", &*wish.identifier), ("SkipFinalSnapshot", "true")];
        let is_done = |it: &Refusal| {
            it.code == "DBInstanceNotFound" || it.message.contains("already being deleted")
        };
        if self.may("DeleteDBInstance", &parameters, is_done) {
            *self.slot.0.lock().expect("no thread has failed") = None;
            self.old_groups.push(wish.group.clone());
        }
    }

    fn remove_old_groups(&mut self) {
        let groups = std::mem::take(&mut self.old_groups);
        for group in groups {
            let parameters = [("DBParameterGroupName", &*group)];
            let gone = is("DBParameterGroupNotFound");
            match self.arena.ask("DeleteDBParameterGroup", &parameters, gone) {
                Ok(()) => {}
                Err(refusal) if refusal.message.contains("still members") => {
                    self.old_groups.push(group);
                }
                Err(refusal) => panic!("{group}: {refusal}"),
            }
        }
    }

    /// What cannot be refused.
    fn must(&self, action: &str, parameters: &[(&str, &str)], is_done: impl Fn(&Refusal) -> bool) {
        if let Err(refusal) = self.arena.ask(action, parameters, is_done) {
            panic!("{action} {parameters:?}: {refusal}");
        }
    }

    /// What is refused while the instance is busy; answers whether it was done.
    fn may(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        is_done: impl Fn(&Refusal) -> bool,
    ) -> bool {
        match self.arena.ask(action, parameters, is_done) {
            Ok(()) => true,
            Err(refusal) if refusal.code == "InvalidDBInstanceState" => false,
            Err(refusal) => panic!("{action} {parameters:?}: {refusal}"),
        }
    }
}

fn is(code: &'static str) -> impl Fn(&Refusal) -> bool {
    move |refusal| refusal.code == code
}

fn password(random: &mut Random) -> String {
    format!("{PASSWORD}{:016x}", random.next())
}
