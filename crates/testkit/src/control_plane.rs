//! A whole control plane of its own: `pgkeep serve` in a folder that nobody else uses.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::processes::{command_line, signal, working_in};
use crate::wait::look_until;
use crate::{Api, Paused, Refusal, Xml, processes_under, run, wait_until};

/// The first start makes three authorities, one of them with keys of 4096 bits; a debug build on
/// a busy machine takes its time for that.
const START_LIMIT: Duration = Duration::from_mins(2);
/// Each server writes a checkpoint before it ends.
const STOP_LIMIT: Duration = Duration::from_mins(2);
/// Without a checkpoint they end at once, or after the 5 s that they give their children.
const QUIT_LIMIT: Duration = Duration::from_secs(20);

/// For the system to clear away a process that has ended.
const GONE_LIMIT: Duration = Duration::from_secs(1);

/// How a control plane is to be started.
#[derive(Debug)]
pub struct Options {
    /// The data directory; a temporary folder if none.
    pub data_directory: Option<PathBuf>,
    /// How many prepared instances and keys it keeps.
    pub pool: usize,
    /// Variables for `pgkeep serve` alone.
    pub environment: Vec<(String, String)>,
    /// Whether its servers end with it when it is told to end.
    pub stop_instances: bool,
    /// Another program than the one that was built.
    pub program: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        let environment = Vec::new();
        Self { data_directory: None, pool: 1, environment, stop_instances: true, program: None }
    }
}

/// A running control plane, which ends with its value. What its end leaves behind fails the test.
#[derive(Debug)]
pub struct ControlPlane {
    options: Options,
    serve: Option<Child>,
    access: Option<Access>,
    data: PathBuf,
    desk: TempDir,
    /// Removes the data directory, unless the test brought its own.
    _own_data: Option<TempDir>,
}

/// How clients reach it.
#[derive(Debug)]
struct Access {
    api: Api,
    environment: BTreeMap<String, String>,
}

impl ControlPlane {
    /// Starts one, and returns when it answers.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// Starts one in its own way.
    #[track_caller]
    pub fn start_with(options: Options) -> Self {
        // The folder's name is short: a Unix socket's path has at most 107 bytes.
        let folder = |prefix| tempfile::Builder::new().prefix(prefix).tempdir().expect("a folder");
        let desk = folder("pgkeep-desk-");
        let own_data = options.data_directory.is_none().then(|| folder("pgkeep-"));
        let given = options.data_directory.as_deref();
        let data = given.or(own_data.as_ref().map(TempDir::path)).expect("one of them").to_owned();
        fs::write(desk.path().join("hosts"), "127.0.0.1 localhost\n").expect("a hosts file");
        let (serve, access) = (None, None);
        let mut plane = Self { options, serve, access, data, desk, _own_data: own_data };
        plane.restart();
        plane
    }

    /// Starts it again, after its end if it still runs.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(self.try_restart(), "pgkeep serve ended:\n{}", self.log());
    }

    /// The same where something may stand in its way; answers whether it serves.
    #[track_caller]
    pub fn try_restart(&mut self) -> bool {
        self.end();
        let _ = fs::remove_file(self.api_url());
        let log = OpenOptions::new().create(true).append(true).open(self.log_file());
        let log = log.expect("a log file");
        let mut serve = self.command("serve");
        serve
            .args(["--listen", "127.0.0.1:0"])
            .args(self.options.stop_instances.then_some("--stop-instances"))
            .arg("--hosts-file")
            .arg(self.hosts_file())
            .args(["--pool", &self.options.pool.to_string()])
            // Effects and failures, but not every question of a test that waits.
            .env("PGKEEP_LOG", "info,pgkeep_server=warn,pgkeep_workflow=debug")
            .envs(self.options.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        self.serve = Some(serve.spawn().expect("pgkeep runs"));
        let url = self.await_url();
        self.access = url.as_ref().map(|url| self.read_access(url)).or(self.access.take());
        url.is_some()
    }

    /// Starts it again with a variable for `pgkeep serve` set, or unset.
    #[track_caller]
    pub fn restart_with(&mut self, name: &str, value: Option<String>) {
        let environment = &mut self.options.environment;
        environment.retain(|(other, _)| other != name);
        environment.extend(value.map(|value| (name.to_owned(), value)));
        self.restart();
    }

    /// Kills it as a crash would; its servers run on.
    pub fn kill(&mut self) {
        if let Some(serve) = &mut self.serve {
            serve.kill().expect("SIGKILL");
        }
        self.await_end();
    }

    /// Waits until it has stopped itself, at a failpoint; it goes on when the answer goes.
    #[track_caller]
    pub fn await_stop(&self) -> Paused {
        let pid = self.serve.as_ref().expect("it runs").id().cast_signed();
        wait_until("pgkeep serve stops itself", STOP_LIMIT, || {
            Paused::by_itself(pid).ok_or_else(|| self.log())
        })
    }

    /// Waits until it has ended by itself, up to the limit; answers whether it has.
    pub fn has_ended(&mut self) -> bool {
        let ended = |serve: &mut Child| serve.try_wait().expect("its status").is_some();
        let ended = self.serve.as_mut().is_none_or(ended);
        if ended {
            self.serve = None;
        }
        ended
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.serve.as_ref().map(|serve| serve.id().cast_signed())
    }

    /// The API.
    pub fn api(&self) -> &Api {
        &self.access().api
    }

    /// Calls an operation of the API.
    ///
    /// # Errors
    /// The error that the API answers.
    pub fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Xml, Refusal> {
        self.api().call(action, parameters)
    }

    /// What `pgkeep env` sets for clients.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.access().environment
    }

    /// The program that was built.
    pub fn built() -> PathBuf {
        let built = ["PGKEEP_BIN", "CARGO_BIN_EXE_pgkeep"].into_iter().find_map(std::env::var_os);
        built.expect("PGKEEP_BIN, or a test of the crate pgkeep").into()
    }

    /// A command of pgkeep for this data directory.
    pub fn command(&self, name: &str) -> Command {
        let own = self.options.program.clone();
        let mut command = Command::new(own.unwrap_or_else(Self::built));
        command.arg(name).arg("--data-dir").arg(&self.data);
        command
    }

    /// The data directory.
    pub fn data_directory(&self) -> &Path {
        &self.data
    }

    /// A folder for what the test itself writes.
    pub fn desk(&self) -> &Path {
        self.desk.path()
    }

    /// The trust bundle.
    pub fn bundle(&self) -> PathBuf {
        self.desk().join("bundle.pem")
    }

    /// The hosts file that this control plane keeps.
    pub fn hosts_file(&self) -> PathBuf {
        self.desk().join("hosts")
    }

    /// Where endpoint names lead to.
    pub fn addresses(&self) -> BTreeMap<String, IpAddr> {
        let hosts = fs::read_to_string(self.hosts_file()).expect("the hosts file");
        let lines = hosts.lines().filter_map(|line| line.split_once(' '));
        lines.filter_map(|(ip, name)| Some((name.to_owned(), ip.parse().ok()?))).collect()
    }

    /// All that `pgkeep serve` has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The names of the instances' folders.
    pub fn folders(&self) -> Vec<String> {
        let entries = fs::read_dir(self.data.join("instances")).expect("the folder of instances");
        let names = entries.map(|it| it.expect("an entry").file_name().into_string());
        let mut names: Vec<_> = names.map(|it| it.expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// The postmaster that works in an instance's folder, whatever `postmaster.pid` is left.
    pub fn postmaster(&self, resource_id: &str) -> Option<i32> {
        let data = self.data.join("instances").join(resource_id).join("data");
        let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let pid = file.lines().next()?.trim().parse().ok()?;
        working_in(&data).contains(&pid).then_some(pid)
    }

    /// Holds that of the instances that were deleted nothing is left, and that there are no others.
    #[track_caller]
    pub fn assert_clean(&self) {
        let own = self.pid();
        // Preparing an instance ahead of need runs for a second at most, in its own time.
        wait_until("only pgkeep itself works in its folder", STOP_LIMIT, || {
            let mut others = processes_under(&self.data);
            others.retain(|pid| Some(*pid) != own);
            if others.is_empty() { Ok(()) } else { Err(lines(others)) }
        });
        assert_eq!(self.folders(), [""; 0], "folders of instances are left");
        // Written a moment after the last instance has gone from the API.
        wait_until("the hosts file is as it was", GONE_LIMIT, || {
            let hosts = fs::read_to_string(self.hosts_file()).expect("the hosts file");
            if hosts == "127.0.0.1 localhost\n" { Ok(()) } else { Err(hosts) }
        });
    }

    fn access(&self) -> &Access {
        self.access.as_ref().expect("it was started")
    }

    fn api_url(&self) -> PathBuf {
        self.data.join("api-url")
    }

    fn log_file(&self) -> PathBuf {
        self.desk().join("serve.log")
    }

    #[track_caller]
    fn await_url(&mut self) -> Option<String> {
        wait_until("pgkeep serve answers", START_LIMIT, || {
            if self.has_ended() {
                return Ok(None);
            }
            let url = fs::read_to_string(self.api_url()).unwrap_or_default();
            let url = url.trim();
            if url.is_empty() { Err(self.log()) } else { Ok(Some(url.to_owned())) }
        })
    }

    fn read_access(&self, url: &str) -> Access {
        let exports = run(&mut self.command("env"), "").success();
        // A shell with nothing of its own, so that all it has in the end are the exports.
        let mut shell = Command::new("/bin/sh");
        let eval = format!("eval \"$1\"; {} -0", which("env").display());
        let seen = run(shell.env_clear().arg("-c").arg(eval).args(["sh", &exports]), "").success();
        let pairs = seen.split('\0').filter_map(|line| line.split_once('='));
        let environment: BTreeMap<_, _> =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let bundle = run(&mut self.command("bundle"), "").success();
        fs::write(self.bundle(), bundle + "\n").expect("a file for the bundle");
        let value = |name: &str| environment.get(name).map(String::as_str).expect(name);
        let (key, secret) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"));
        let days = self.options.environment.iter().find(|(name, _)| name == "PGKEEP_CLOCK_DAYS");
        let days = days.map_or(0, |(_, days)| days.parse().expect("a number of days"));
        let api = Api::new(url, value("AWS_REGION"), key, secret).ahead(time::Duration::days(days));
        Access { api, environment }
    }

    /// Tells it to end, and waits until it has.
    pub fn end(&mut self) {
        if let Some(serve) = &self.serve {
            signal(serve.id().cast_signed(), Signal::TERM);
        }
        self.await_end();
    }

    fn await_end(&mut self) {
        let Some(mut serve) = self.serve.take() else { return };
        let ended = look_until(STOP_LIMIT, || match serve.try_wait() {
            Ok(Some(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        if let Err(seen) = ended {
            let _ = serve.kill().and_then(|()| serve.wait().map(drop));
            fail(&format!("pgkeep serve did not end: {seen}\n{}", self.log()));
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the log of pgkeep serve:\n{}---", self.log());
        }
        // A test that killed it takes no end of its servers for granted.
        let was_running = !self.has_ended();
        self.end();
        // What was killed takes a moment to be gone.
        let left = look_until(GONE_LIMIT, || {
            let left = processes_under(&self.data);
            if left.is_empty() { Ok(()) } else { Err(lines(left)) }
        });
        for how in [Signal::QUIT, Signal::KILL] {
            for pid in processes_under(&self.data) {
                signal(pid, how);
            }
            let gone =
                || if processes_under(&self.data).is_empty() { Ok(()) } else { Err(String::new()) };
            if look_until(QUIT_LIMIT, gone).is_ok() {
                break;
            }
        }
        if let (true, Err(left)) = (was_running, left) {
            fail(&format!("left behind: {left}"));
        }
    }
}

/// Processes, a line each.
fn lines(pids: Vec<i32>) -> String {
    pids.into_iter().map(command_line).collect::<Vec<_>>().join("\n")
}

/// Fails the test, unless it fails already and a second panic would end it without its message.
fn fail(message: &str) {
    eprintln!("{message}");
    assert!(std::thread::panicking(), "{message}");
}

/// The path of a program, for a shell without a search path.
fn which(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.into_iter().find(|place| place.is_file()).expect("the program is on this machine")
}
