//! A running `pgkeep serve` with a data directory of its own.

use std::fs;
use std::io::ErrorKind::NotFound;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::api::{Api, element};
use super::session::{Endpoint, PASSWORD, trust};
use super::until;
use crate::os_user::OsUser;

/// Makes three authorities at the first start, one with RSA-4096.
const START_LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
/// The same where what is waited for is measured.
const QUICKLY: Duration = Duration::from_millis(1);
const STOCK_LIMIT: Duration = Duration::from_mins(5);
const USER: &str = "bench";
const CLASS: &str = "db.t3.micro";

/// The control plane, which ends with this, as do all its servers.
pub(super) struct ControlPlane {
    // Ends before its folder goes.
    process: Process,
    folder: TempDir,
    program: PathBuf,
    user: OsUser,
    pool: usize,
    pub(super) api: Api,
    pub(super) tls: MakeRustlsConnect,
}

/// How long a start took, with instances that are there already.
pub(super) struct Restart {
    /// Until the API answers.
    pub(super) answers: Duration,
    /// Until every instance was looked at and found at rest, which adopts the servers that run.
    pub(super) adopted: Duration,
}

impl ControlPlane {
    /// Starts it with that many prepared instances in stock, and waits until they are.
    pub(super) async fn start(pgkeep: &Path, user: &OsUser, pool: usize) -> Result<Self> {
        let folder = user.folder()?;
        fs::write(folder.path().join("hosts"), "")?;
        let child = spawn(pgkeep, user, folder.path(), pool, "warn")?;
        let process = Process { child, data: folder.path().join("data") };
        process.until_it_listens(PAUSE).await.with_context(|| log_of(&folder))?;
        let api = api_of(pgkeep, &process.data)?;
        let tls = trust(&process.data.join("global-bundle.pem"))?;
        let (program, user) = (pgkeep.to_owned(), user.clone());
        let plane = Self { process, folder, program, user, pool, api, tls };
        plane.until_stocked().await?;
        Ok(plane)
    }

    /// Ends pgkeep alone, if the signal leaves it no time to stop its servers.
    pub(super) fn end(&mut self, signal: Signal) -> Result<()> {
        self.process.signal(signal);
        self.process.child.wait()?;
        let left = fs::remove_file(self.process.data.join("api-url"));
        left.or_else(|error| if error.kind() == NotFound { Ok(()) } else { Err(error) })?;
        Ok(())
    }

    /// Starts it again after its end, with so many instances.
    pub(super) async fn start_again(&mut self, instances: usize) -> Result<Restart> {
        let begun = Instant::now();
        // What is at rest as it was before is told at this level.
        let level = "warn,pgkeep_workflow::rest=debug";
        let folder = self.folder.path();
        self.process.child = spawn(&self.program, &self.user, folder, self.pool, level)?;
        let url = self.process.until_it_listens(QUICKLY).await;
        self.api = self.api.at(&url.with_context(|| log_of(&self.folder))?);
        self.api.call("DescribeCertificates", &[])?;
        let answers = begun.elapsed();
        until(Duration::from_mins(10), PAUSE, || async {
            let log = fs::read_to_string(self.folder.path().join("log"))?;
            let count = log.matches(" at rest ").count();
            ensure!(count >= instances, "{count} of {instances} instances are at rest");
            Ok(())
        })
        .await?;
        Ok(Restart { answers, adopted: begun.elapsed() })
    }

    /// The state file.
    pub(super) fn state_file(&self) -> PathBuf {
        self.process.data.join("state.db")
    }

    /// Asks for an instance; `more` are further parameters.
    pub(super) fn create(
        &self,
        identifier: &str,
        engine_version: &str,
        more: &[(&str, &str)],
    ) -> Result<()> {
        let mut parameters = vec![
            ("DBInstanceIdentifier", identifier),
            ("DBInstanceClass", CLASS),
            ("Engine", "postgres"),
            ("EngineVersion", engine_version),
            ("AllocatedStorage", "20"),
            ("MasterUsername", USER),
            ("MasterUserPassword", PASSWORD),
        ];
        parameters.extend(more);
        self.api.call("CreateDBInstance", &parameters).map(drop)
    }

    /// Asks every `pause` until the instance is available.
    pub(super) async fn until_available(&self, identifier: &str, pause: Duration) -> Result<()> {
        self.until_is(identifier, ("DBInstanceStatus", "available"), pause).await
    }

    /// Asks every `pause` until what is said of the instance has a value.
    pub(super) async fn until_is(
        &self,
        identifier: &str,
        (name, value): (&str, &str),
        pause: Duration,
    ) -> Result<()> {
        until(Duration::from_mins(10), pause, || async {
            let xml = self.describe(identifier)?;
            let seen = element(&xml, name).unwrap_or_default();
            ensure!(seen == value, "{identifier} is {seen}");
            Ok(())
        })
        .await
        .with_context(|| log_of(&self.folder))
    }

    /// What the API says of one instance.
    pub(super) fn describe(&self, identifier: &str) -> Result<String> {
        self.api.call("DescribeDBInstances", &[("DBInstanceIdentifier", identifier)])
    }

    /// Where an available instance is reached.
    pub(super) fn endpoint(&self, identifier: &str) -> Result<Endpoint> {
        let xml = self.describe(identifier)?;
        let host = element(&xml, "Address").context("the instance has no endpoint")?;
        let hosts = fs::read_to_string(self.folder.path().join("hosts"))?;
        let line = hosts.lines().find_map(|line| line.strip_suffix(host));
        let address: IpAddr = line.context("the endpoint is not published")?.trim().parse()?;
        Ok(Endpoint { host: host.to_owned(), address, user: USER })
    }

    /// Deletes an instance, and waits until it is gone and the stock is full again.
    pub(super) async fn delete(&self, identifier: &str) -> Result<()> {
        self.ask_to_delete(identifier)?;
        self.until_gone(identifier, PAUSE).await?;
        self.until_stocked().await
    }

    /// Asks for the end of an instance.
    pub(super) fn ask_to_delete(&self, identifier: &str) -> Result<()> {
        let parameters = [("DBInstanceIdentifier", identifier), ("SkipFinalSnapshot", "true")];
        self.api.call("DeleteDBInstance", &parameters).map(drop)
    }

    /// Asks every `pause` until there is no such instance.
    pub(super) async fn until_gone(&self, identifier: &str, pause: Duration) -> Result<()> {
        let parameters = [("DBInstanceIdentifier", identifier)];
        until(Duration::from_mins(1), pause, || async {
            match self.api.send("DescribeDBInstances", &parameters)? {
                (404, _) => Ok(()),
                (_, xml) => bail!("{identifier} is still there: {xml}"),
            }
        })
        .await
    }

    /// Waits until nothing is prepared in the background any more.
    pub(super) async fn until_stocked(&self) -> Result<()> {
        until(STOCK_LIMIT, PAUSE, || async {
            let stock = stock(&self.process.data.join("pool"))?;
            let prepared = stock.iter().filter(|name| !name.starts_with('.')).count();
            ensure!(prepared >= self.pool && prepared == stock.len(), "in stock: {stock:?}");
            Ok(())
        })
        .await
        .with_context(|| log_of(&self.folder))
    }

    /// The trust bundle.
    pub(super) fn bundle(&self) -> PathBuf {
        self.process.data.join("global-bundle.pem")
    }

    /// The root of one authority.
    pub(super) fn root(&self, authority: &str) -> PathBuf {
        self.process.data.join("bundles").join(format!("{authority}.pem"))
    }

    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

/// `pgkeep serve`.
struct Process {
    child: Child,
    data: PathBuf,
}

impl Process {
    /// Waits for the address of its API, asking every `pause`.
    async fn until_it_listens(&self, pause: Duration) -> Result<String> {
        until(START_LIMIT, pause, || async {
            let url = fs::read_to_string(self.data.join("api-url"));
            url.context("pgkeep serve does not listen")
        })
        .await
    }

    /// Sends it a signal, unless it has ended.
    fn signal(&mut self, signal: Signal) {
        if let (Ok(None), Some(pid)) =
            (self.child.try_wait(), Pid::from_raw(self.child.id().cast_signed()))
        {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    /// Ends it, which ends its servers; those that it left are stopped as well.
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let _ = self.child.wait();
        for instance in fs::read_dir(self.data.join("instances")).into_iter().flatten().flatten() {
            let file = instance.path().join("data/postmaster.pid");
            let text = fs::read_to_string(file).unwrap_or_default();
            let pid = text.lines().next().and_then(|line| line.parse().ok());
            pid.and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::QUIT));
        }
    }
}

fn spawn(pgkeep: &Path, user: &OsUser, folder: &Path, pool: usize, level: &str) -> Result<Child> {
    let mut serve = Command::new(pgkeep);
    serve.current_dir("/").env("PGKEEP_LOG", level);
    if let Some(name) = user.name() {
        serve.env("PGKEEP_USER", name);
    }
    serve
        .args(["serve", "--stop-instances", "--listen", "127.0.0.1:0", "--pool"])
        .arg(pool.to_string())
        .arg("--data-dir")
        .arg(folder.join("data"))
        .arg("--hosts-file")
        .arg(folder.join("hosts"))
        .arg("--cache-dir")
        .arg(folder.join("cache"))
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("log"))?)
        .spawn()
        .context("cannot start pgkeep serve")
}

/// What is in stock for all engines, made or in the making.
fn stock(pool: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for shelf in fs::read_dir(pool)? {
        for prepared in fs::read_dir(shelf?.path())? {
            names.push(prepared?.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// The API, as `pgkeep env` tells where it is.
fn api_of(pgkeep: &Path, data: &Path) -> Result<Api> {
    let mut command = Command::new(pgkeep);
    let text = crate::workspace::output(command.args(["env", "--data-dir"]).arg(data))?;
    let value = |name: &str| {
        let assigned = format!("export {name}=");
        let line = text.lines().find_map(|line| line.strip_prefix(&assigned));
        let value = line.with_context(|| format!("pgkeep env does not say {name}"))?;
        anyhow::Ok(value.trim_matches('\'').to_owned())
    };
    Ok(Api::new(
        &value("AWS_ENDPOINT_URL_RDS")?,
        &value("AWS_ACCESS_KEY_ID")?,
        &value("AWS_SECRET_ACCESS_KEY")?,
    ))
}

/// What went wrong, by the log.
fn log_of(folder: &TempDir) -> String {
    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let is_wrong = |line: &&str| !line.contains(" DEBUG ") && !line.contains(" INFO ");
    format!("pgkeep serve, whose log is {:?}", log.lines().filter(is_wrong).collect::<Vec<_>>())
}
