//! Instances, as a client of the API knows them.

use std::net::IpAddr;
use std::time::Duration;

use time::OffsetDateTime;

use crate::api::now;
use crate::{ControlPlane, Refusal, Xml, wait_until};

/// The master user of the instances that tests make.
pub const MASTER_USERNAME: &str = "postgres_master";
/// Its password.
pub const MASTER_PASSWORD: &str = "correct-horse=battery'staple";
/// A change of an instance takes a second or two; a first one may download an engine.
const LIMIT: Duration = Duration::from_mins(5);

/// What `DescribeDBInstances` says of an instance, and where its name leads to.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `DBInstanceIdentifier`.
    pub identifier: String,
    /// `DbiResourceId`, which names its folder.
    pub resource_id: String,
    /// `DBInstanceStatus`.
    pub status: String,
    /// `EngineVersion`.
    pub version: String,
    /// `Endpoint.Address`; empty while there is none.
    pub endpoint: String,
    /// `Endpoint.Port`; 0 while there is none.
    pub port: u16,
    /// The address of the endpoint in the hosts file, while it is there.
    pub address: Option<IpAddr>,
    /// All that was answered.
    pub xml: Xml,
}

/// A maintenance window that is not open for the next two days.
pub fn distant_maintenance_window() -> String {
    let day = now().weekday().next().next().next().to_string()[..3].to_lowercase();
    format!("{day}:12:00-{day}:12:30")
}

/// A maintenance window of an hour: what is `after` now is ten minutes after its beginning.
pub fn maintenance_window(after: time::Duration) -> String {
    let begin = now() + after - time::Duration::minutes(10);
    let text = |at: OffsetDateTime| {
        let day = at.weekday().to_string()[..3].to_lowercase();
        format!("{day}:{:02}:{:02}", at.hour(), at.minute())
    };
    format!("{}-{}", text(begin), text(begin + time::Duration::hours(1)))
}

impl ControlPlane {
    /// Asks for an instance with a master user; `more` are further parameters.
    #[track_caller]
    pub fn create(&self, identifier: &str, version: &str, more: &[(&str, &str)]) {
        let mut parameters = vec![
            ("DBInstanceIdentifier", identifier),
            ("DBInstanceClass", "db.t3.micro"),
            ("Engine", "postgres"),
            ("EngineVersion", version),
            ("MasterUsername", MASTER_USERNAME),
            ("MasterUserPassword", MASTER_PASSWORD),
        ];
        parameters.extend(more);
        if let Err(refusal) = self.call("CreateDBInstance", &parameters) {
            panic!("create {identifier}: {refusal}");
        }
    }

    /// Changes an instance at once.
    #[track_caller]
    pub fn modify(&self, identifier: &str, changes: &[(&str, &str)]) {
        let mut parameters =
            vec![("DBInstanceIdentifier", identifier), ("ApplyImmediately", "true")];
        parameters.extend(changes);
        if let Err(refusal) = self.call("ModifyDBInstance", &parameters) {
            panic!("modify {identifier}: {refusal}");
        }
    }

    /// Asks for the end of an instance.
    #[track_caller]
    pub fn delete(&self, identifier: &str) {
        let parameters = [("DBInstanceIdentifier", identifier), ("SkipFinalSnapshot", "true")];
        if let Err(refusal) = self.call("DeleteDBInstance", &parameters) {
            panic!("delete {identifier}: {refusal}");
        }
    }

    /// Deletes instances, and holds that nothing of them is left.
    #[track_caller]
    pub fn delete_all(&self, identifiers: &[&str]) {
        for identifier in identifiers {
            self.delete(identifier);
        }
        for identifier in identifiers {
            self.wait_deleted(identifier);
        }
        self.assert_clean();
    }

    /// An instance, if there is one of that name.
    ///
    /// # Errors
    /// The error that the API answers.
    pub fn instance(&self, identifier: &str) -> Result<Instance, Refusal> {
        let answer = self.call("DescribeDBInstances", &[("DBInstanceIdentifier", identifier)])?;
        Ok(self.read_instances(&answer).into_iter().next().expect("the one that was asked for"))
    }

    /// All instances.
    #[track_caller]
    pub fn instances(&self) -> Vec<Instance> {
        let answer = self.call("DescribeDBInstances", &[]).expect("a list");
        self.read_instances(&answer)
    }

    /// Waits for a status; a status of failure ends the wait.
    #[track_caller]
    pub fn wait_for(&self, identifier: &str, status: &str) -> Instance {
        let what = format!("{identifier} is {status}");
        wait_until(&what, LIMIT, || match self.instance(identifier) {
            Ok(instance) if instance.status == status => Ok(instance),
            Ok(instance) if ["failed", "incompatible-parameters"].contains(&&*instance.status) => {
                panic!("{identifier} is {}: {}", instance.status, self.events(identifier))
            }
            Ok(instance) => Err(instance.status),
            Err(refusal) => Err(refusal.to_string()),
        })
    }

    /// Waits until the instance can be used.
    #[track_caller]
    pub fn wait_available(&self, identifier: &str) -> Instance {
        self.wait_for(identifier, "available")
    }

    /// Waits until there is no such instance.
    #[track_caller]
    pub fn wait_deleted(&self, identifier: &str) {
        let what = format!("{identifier} is gone");
        wait_until(&what, LIMIT, || match self.instance(identifier) {
            Err(refusal) if refusal.code == "DBInstanceNotFound" => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// The messages of an instance's events, oldest first, a line each.
    #[track_caller]
    pub fn events(&self, identifier: &str) -> String {
        let source = [("SourceType", "db-instance"), ("SourceIdentifier", identifier)];
        self.call("DescribeEvents", &source).expect("events").texts("Message").join("\n")
    }

    /// The instances of an answer to `DescribeDBInstances`.
    pub fn read_instances(&self, answer: &Xml) -> Vec<Instance> {
        let addresses = self.addresses();
        let instance = |xml: Xml| {
            let text = |name: &str| xml.text(name).expect(name);
            let endpoint = xml.elements("Endpoint").into_iter().next();
            let of_endpoint = |name| endpoint.as_ref().and_then(|it| it.text(name));
            let host = of_endpoint("Address").unwrap_or_default();
            Instance {
                identifier: text("DBInstanceIdentifier"),
                resource_id: text("DbiResourceId"),
                status: text("DBInstanceStatus"),
                version: text("EngineVersion"),
                address: addresses.get(&host).copied(),
                port: of_endpoint("Port").map_or(0, |port| port.parse().expect("a port")),
                endpoint: host,
                xml,
            }
        };
        answer.elements("DBInstance").into_iter().map(instance).collect()
    }
}
