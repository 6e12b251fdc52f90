//! What the tests of DB parameter groups share: the calls, and the server's own superuser, who
//! sees what clients do not.

#![allow(dead_code, reason = "each test uses a part")]

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Instance, Outcome, Psql, Refusal, run, wait_until};

/// For changes of a group to reach its members.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// Settings of a group that would end a session that only looks, or leave it no plan or no memory
/// for a join.
const PATIENT: &str = "-c statement_timeout=0 -c lock_timeout=0 -c geqo=off \
                       -c idle_in_transaction_session_timeout=0 -c client_min_messages=error";

pub(crate) fn create_group(plane: &ControlPlane, name: &str, family: &str) -> Result<(), Refusal> {
    let fields = [
        ("DBParameterGroupName", name),
        ("DBParameterGroupFamily", family),
        ("Description", "a group of the tests"),
    ];
    plane.call("CreateDBParameterGroup", &fields).map(|_| ())
}

/// `ModifyDBParameterGroup` with names, values and methods.
pub(crate) fn set(
    plane: &ControlPlane,
    group: &str,
    parameters: &[(&str, &str, &str)],
) -> Result<(), Refusal> {
    change(plane, "ModifyDBParameterGroup", group, parameters)
}

/// `ResetDBParameterGroup` of some parameters, with a method for each.
pub(crate) fn reset(
    plane: &ControlPlane,
    group: &str,
    names: &[(&str, &str)],
) -> Result<(), Refusal> {
    let parameters: Vec<_> = names.iter().map(|(name, method)| (*name, "", *method)).collect();
    change(plane, "ResetDBParameterGroup", group, &parameters)
}

fn change(
    plane: &ControlPlane,
    action: &str,
    group: &str,
    parameters: &[(&str, &str, &str)],
) -> Result<(), Refusal> {
    let mut fields = vec![("DBParameterGroupName".to_owned(), group)];
    for (number, (name, value, method)) in parameters.iter().enumerate() {
        let at = |field: &str| format!("Parameters.Parameter.{}.{field}", number + 1);
        fields.push((at("ParameterName"), name));
        if action == "ModifyDBParameterGroup" {
            fields.push((at("ParameterValue"), value));
        }
        fields.push((at("ApplyMethod"), method));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    plane.call(action, &fields).map(|_| ())
}

/// `ParameterApplyStatus` of an instance.
pub(crate) fn apply_status(plane: &ControlPlane, identifier: &str) -> String {
    plane.instance(identifier).unwrap().xml.text("ParameterApplyStatus").unwrap()
}

/// Waits until all that applies without a reboot has been applied.
#[track_caller]
pub(crate) fn wait_applied(plane: &ControlPlane, identifier: &str) {
    wait_until("the group is applied", LIMIT, || {
        let instance = plane.instance(identifier).unwrap();
        let status = instance.xml.text("ParameterApplyStatus").unwrap();
        let is_over = ["in-sync", "pending-reboot"].contains(&&*status);
        if is_over && instance.status == "available" {
            Ok(())
        } else {
            Err(format!("{} {status}", instance.status))
        }
    });
}

/// Reboots, and waits for the end of it.
#[track_caller]
pub(crate) fn reboot(plane: &ControlPlane, identifier: &str) -> Instance {
    plane.call("RebootDBInstance", &[("DBInstanceIdentifier", identifier)]).unwrap();
    plane.wait_available(identifier)
}

/// The server's superuser, over the socket that only pgkeep's own user can reach.
pub(crate) struct Superuser {
    socket: String,
    files: PathBuf,
    program: PathBuf,
    owner: (u32, u32),
}

impl Superuser {
    /// Of a server that runs.
    #[track_caller]
    pub(crate) fn of(plane: &ControlPlane, instance: &Instance) -> Self {
        let socket = Psql::to(plane, instance).query("SHOW unix_socket_directories");
        let files = plane.data_directory().join("instances").join(&instance.resource_id);
        let postmaster = plane.postmaster(&instance.resource_id).expect("it runs");
        let program = std::fs::read_link(format!("/proc/{postmaster}/exe")).unwrap();
        let owner = std::fs::metadata(&socket).unwrap();
        Self { socket, files, program, owner: (owner.uid(), owner.gid()) }
    }

    /// The rows of a statement, which must succeed.
    #[track_caller]
    pub(crate) fn query(&self, plane: &ControlPlane, instance: &Instance, sql: &str) -> String {
        self.query_in(plane, instance, "postgres", sql)
    }

    /// The same in another database.
    #[track_caller]
    pub(crate) fn query_in(
        &self,
        plane: &ControlPlane,
        instance: &Instance,
        database: &str,
        sql: &str,
    ) -> String {
        let psql = Psql::to(plane, instance).with("host", &self.socket).with("hostaddr", "");
        let psql = psql.with("dbname", database);
        let psql = psql.with("user", "rdsadmin").with("sslmode", "disable");
        let options = format!("{PATIENT} -c temp_file_limit=-1");
        let mut command = psql.with("sslrootcert", "").with("options", &options).command();
        command.args(["--no-align", "--tuples-only", "--command", sql]);
        self.run(&mut command).success()
    }

    /// What the server's own program makes of a value, in its base unit; or its refusal.
    pub(crate) fn reads(&self, name: &str, value: &str) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command.arg("-D").arg(self.files.join("data"));
        let file = self.files.join("postgresql.conf");
        command.arg("-c").arg(format!("config_file={}", file.display()));
        command.args(["-c", &format!("{name}={value}"), "-C", name]);
        let outcome = self.run(&mut command);
        if outcome.status.success() { Ok(outcome.stdout) } else { Err(outcome.stderr) }
    }

    fn run(&self, command: &mut Command) -> Outcome {
        run(command.current_dir("/").uid(self.owner.0).gid(self.owner.1), "")
    }
}

/// As the master user with `verify-full`, whatever time the group leaves a session.
#[track_caller]
pub(crate) fn assert_serves(plane: &ControlPlane, instance: &Instance) {
    let own = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let seen = Psql::to(plane, instance).with("options", PATIENT).query(own);
    assert_eq!(seen, "t");
}
