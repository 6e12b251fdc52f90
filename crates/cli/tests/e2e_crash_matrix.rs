//! Every effect of the driver, interrupted at every moment in every action that goes through it:
//! the process is killed before, in the middle of and after it, or the effect fails on either side.
//! Each time the work comes to its intended end, proved by a client, and nothing is left over.
//!
//! Each action is first taken undisturbed, and its log says which of `Effect::ALL` it goes through;
//! those are interrupted. `REACHED` holds the same in writing, so that a new effect that no action
//! is known to reach fails a test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Instance, MASTER_USERNAME, Options, Psql, Witness, wait_until};
use pgkeep_workflow::Effect;

const FAILPOINT: &str = "PGKEEP_FAILPOINT";
const CLEAN_LIMIT: Duration = Duration::from_secs(30);

/// Something that is asked of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Create, with an engine that has to be fetched.
    Fetch,
    Create,
    /// Another name, port and password, and another authority, all at once.
    Modify,
    /// Another authority.
    Rotate,
    Reboot,
    Delete,
}

/// The effects that each action goes through, in the order of `Effect::ALL`.
const REACHED: [(Action, &[Effect]); 6] = {
    use Effect::{
        Abandon, ApplyAccess, InstallEngine, IssueCertificate, Prove, Reload, Remove, Start, Stop,
        TakeDataDirectory,
    };
    [
        (
            Action::Fetch,
            &[InstallEngine, TakeDataDirectory, IssueCertificate, Start, ApplyAccess, Prove],
        ),
        (Action::Create, &[TakeDataDirectory, IssueCertificate, Start, ApplyAccess, Prove]),
        (Action::Modify, &[IssueCertificate, Start, ApplyAccess, Prove, Stop]),
        (Action::Rotate, &[IssueCertificate, Reload, Prove]),
        (Action::Reboot, &[Start, Prove, Stop]),
        (Action::Delete, &[Abandon, Remove]),
    ]
};

#[test]
fn every_effect_is_reached() {
    let reached: Vec<_> = REACHED.iter().flat_map(|(_, effects)| effects.iter()).collect();
    // A certificate that is refused is not asked for: `e2e_repair` brings one about.
    let asked_for = Effect::ALL.iter().filter(|effect| **effect != Effect::PutBack);
    let missing: Vec<_> = asked_for.filter(|effect| !reached.contains(effect)).collect();
    assert!(missing.is_empty(), "no action is known to go through {missing:?}");
}

#[test]
fn create_converges() {
    Matrix::new(Action::Create).run(&Effect::ALL);
}

#[test]
fn modify_converges() {
    Matrix::new(Action::Modify).run(&Effect::ALL);
}

#[test]
fn rotate_converges() {
    Matrix::new(Action::Rotate).run(&Effect::ALL);
}

#[test]
fn reboot_converges() {
    Matrix::new(Action::Reboot).run(&Effect::ALL);
}

#[test]
fn delete_converges() {
    Matrix::new(Action::Delete).run(&Effect::ALL);
}

/// The rest of what it goes through is what `create_converges` interrupts.
#[test]
fn fetching_an_engine_converges() {
    let matrix = Matrix::new(Action::Fetch);
    matrix.run(&[Effect::InstallEngine]);
}

/// What an instance is to be in the end.
struct Target {
    identifier: &'static str,
    port: &'static str,
    password: &'static str,
    authority: &'static str,
}

impl Target {
    fn creation(&self) -> [(&str, &str); 8] {
        [
            ("DBInstanceIdentifier", self.identifier),
            ("DBInstanceClass", "db.t3.micro"),
            ("Engine", "postgres"),
            ("EngineVersion", "16"),
            ("MasterUsername", MASTER_USERNAME),
            ("MasterUserPassword", self.password),
            ("Port", self.port),
            ("CACertificateIdentifier", self.authority),
        ]
    }
}

const TARGETS: [Target; 2] = [
    Target {
        identifier: "one",
        port: "5432",
        password: "the-first-password",
        authority: "rds-ca-ecc384-g1",
    },
    Target {
        identifier: "two",
        port: "6543",
        password: "the-second-password",
        authority: "rds-ca-rsa2048-g1",
    },
];

/// How an effect is interrupted.
#[derive(Debug, Clone, Copy)]
enum Interruption {
    /// The process is killed by its own failpoint, or the effect fails.
    Failpoint(&'static str),
    /// The process is killed as soon as its log says that it does it.
    Underway,
}

impl Interruption {
    fn is_deadly(self) -> bool {
        !matches!(self, Self::Failpoint("before:fail" | "after:fail"))
    }
}

const INTERRUPTIONS: [Interruption; 5] = [
    Interruption::Failpoint("before:kill"),
    Interruption::Failpoint("after:kill"),
    Interruption::Failpoint("before:fail"),
    Interruption::Failpoint("after:fail"),
    Interruption::Underway,
];

/// What the log says when an effect begins.
fn doing(effect: Effect) -> String {
    format!("effect=\"{}\"", effect.name())
}

/// An action that is taken again and again, interrupted differently each time.
struct Matrix {
    action: Action,
    plane: ControlPlane,
    cache: Option<tempfile::TempDir>,
    /// Which of `TARGETS` the instance is to be; the other is where it goes next.
    target: usize,
    /// A client that is served throughout a rotation.
    witness: Option<Witness>,
}

impl Matrix {
    fn new(action: Action) -> Self {
        let cache = (action == Action::Fetch).then(|| tempfile::tempdir().unwrap());
        let mut environment = Vec::new();
        if let Some(cache) = &cache {
            // As root pgkeep becomes another user, who must get in.
            fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o777)).unwrap();
            let path = cache.path().display().to_string();
            environment.push(("PGKEEP_CACHE_DIR".to_owned(), path));
        }
        // Without a stock every create goes the whole way.
        let plane =
            ControlPlane::start_with(Options { pool: 0, environment, ..Options::default() });
        Self { action, plane, cache, target: 0, witness: None }
    }

    fn run(mut self, effects: &[Effect]) {
        if matches!(self.action, Action::Modify | Action::Rotate | Action::Reboot) {
            self.create();
            self.assert_converged();
        }
        if self.action == Action::Rotate {
            let instance = self.plane.wait_available(self.name());
            self.witness = Some(Witness::with(&self.plane, &instance, TARGETS[0].password));
        }
        self.prepare();
        let logged = self.plane.log().len();
        self.ask();
        self.assert_converged();
        let said = self.plane.log()[logged..].to_owned();
        let reached: Vec<_> =
            effects.iter().filter(|effect| said.contains(&doing(**effect))).copied().collect();
        let (_, expected) = REACHED.iter().find(|(action, _)| *action == self.action).unwrap();
        let expected: Vec<_> =
            expected.iter().filter(|effect| effects.contains(effect)).copied().collect();
        assert_eq!(reached, expected, "what {:?} goes through", self.action);
        for effect in reached {
            for interruption in INTERRUPTIONS {
                self.interrupt(effect, interruption);
            }
        }
        self.witness = None;
        self.delete();
        self.plane.assert_clean();
    }

    /// Takes the action, interrupted.
    fn interrupt(&mut self, effect: Effect, interruption: Interruption) {
        eprintln!("{:?}, {effect:?}: {interruption:?}", self.action);
        self.prepare();
        if let Interruption::Failpoint(how) = interruption {
            let wish = format!("{}:{how}", effect.name());
            // Killed, so that its servers run on and there is nothing to do at the start.
            self.plane.kill();
            self.plane.restart_with(FAILPOINT, Some(wish));
        }
        let logged = self.plane.log().len();
        self.ask();
        let died = wait_until("it dies or is done", Duration::from_mins(2), || {
            let said = self.plane.log()[logged..].contains(&doing(effect));
            if matches!(interruption, Interruption::Underway) && said {
                self.plane.kill();
            }
            if self.plane.has_ended() {
                return Ok(true);
            }
            match self.status() {
                Some(status) if status == self.aim() => Ok(false),
                other => Err(format!("{other:?}")),
            }
        });
        assert_eq!(died, interruption.is_deadly(), "{}", self.plane.log());
        if died {
            self.plane.restart_with(FAILPOINT, None);
        }
        self.assert_converged();
    }

    fn prepare(&mut self) {
        match self.action {
            Action::Fetch | Action::Create => {
                self.delete();
                if let Some(cache) = &self.cache {
                    let _ = fs::remove_dir_all(cache.path().join("engines"));
                }
            }
            Action::Delete => self.create(),
            Action::Modify | Action::Rotate => self.target = 1 - self.target,
            Action::Reboot => {}
        }
    }

    fn create(&self) {
        let target = &TARGETS[self.target];
        self.plane.call("CreateDBInstance", &target.creation()).unwrap();
        self.plane.wait_available(target.identifier);
    }

    fn delete(&self) {
        for instance in self.plane.instances() {
            self.plane.delete(&instance.identifier);
            self.plane.wait_deleted(&instance.identifier);
        }
    }

    /// Asks for the action. The process may die before it has answered, but not before it has
    /// recorded what was asked.
    fn ask(&self) {
        let (target, other) = (&TARGETS[self.target], &TARGETS[1 - self.target]);
        let (action, parameters): (_, &[_]) = match self.action {
            Action::Fetch | Action::Create => ("CreateDBInstance", &target.creation()),
            Action::Modify => (
                "ModifyDBInstance",
                &[
                    ("DBInstanceIdentifier", other.identifier),
                    ("NewDBInstanceIdentifier", target.identifier),
                    ("DBPortNumber", target.port),
                    ("MasterUserPassword", target.password),
                    ("CACertificateIdentifier", target.authority),
                    ("ApplyImmediately", "true"),
                ],
            ),
            Action::Rotate => (
                "ModifyDBInstance",
                &[
                    ("DBInstanceIdentifier", TARGETS[0].identifier),
                    ("CACertificateIdentifier", target.authority),
                    ("ApplyImmediately", "true"),
                ],
            ),
            Action::Reboot => ("RebootDBInstance", &[("DBInstanceIdentifier", target.identifier)]),
            Action::Delete => (
                "DeleteDBInstance",
                &[("DBInstanceIdentifier", target.identifier), ("SkipFinalSnapshot", "true")],
            ),
        };
        if let Ok(Err(refusal)) = self.plane.api().try_call(action, parameters) {
            panic!("{action}: {refusal}");
        }
    }

    /// The name of the instance once the action is done; a rotation leaves the first one.
    fn name(&self) -> &'static str {
        let target = if self.action == Action::Rotate { 0 } else { self.target };
        TARGETS[target].identifier
    }

    fn aim(&self) -> &'static str {
        if self.action == Action::Delete { "gone" } else { "available" }
    }

    /// The status of the instance; none while there is no answer.
    fn status(&self) -> Option<String> {
        let parameters = [("DBInstanceIdentifier", self.name())];
        match self.plane.api().try_call("DescribeDBInstances", &parameters).ok()? {
            Ok(answer) => answer.text("DBInstanceStatus"),
            Err(refusal) if refusal.code == "DBInstanceNotFound" => Some("gone".to_owned()),
            Err(refusal) => Some(refusal.to_string()),
        }
    }

    /// Holds that the instance is what was asked for, or gone, and that nothing else is there.
    fn assert_converged(&self) {
        if self.action == Action::Delete {
            self.plane.wait_deleted(self.name());
        } else {
            let instance = self.plane.wait_available(self.name());
            self.assert_is_as_wanted(&instance);
            if let Some(witness) = &self.witness {
                witness.assert_served();
            }
        }
        // What a kill left behind is removed in the background.
        wait_until("the world is as the API says", CLEAN_LIMIT, || {
            self.plane.check_world(&self.plane.instances())
        });
    }

    fn assert_is_as_wanted(&self, instance: &Instance) {
        let target = &TARGETS[self.target];
        let rotated = self.action == Action::Rotate;
        let (port, password) = if rotated {
            (TARGETS[0].port, TARGETS[0].password)
        } else {
            (target.port, target.password)
        };
        assert_eq!(instance.port.to_string(), port);
        let psql = Psql::to(&self.plane, instance).with("password", password);
        assert_eq!(psql.query("SELECT inet_server_port()"), port);
        let root = self.plane.desk().join("root.pem");
        fs::write(&root, self.root(target.authority)).unwrap();
        let served = instance.served_certificate();
        assert_eq!(self.plane.verify(&served, &instance.endpoint, &root), Ok(()));
    }

    fn root(&self, authority: &str) -> Vec<u8> {
        let (status, pem) = self.plane.api().fetch(&format!("/global/{authority}.pem"));
        assert_eq!(status, 200);
        pem
    }
}
