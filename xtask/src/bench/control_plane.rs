//! A running `pgkeep serve` with a data directory of its own.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::api::Api;
use super::session::{Endpoint, PASSWORD, trust};
use super::until;
use crate::os_user::OsUser;

/// Makes three authorities at the first start, one with RSA-4096.
const START_LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
const STOCK_LIMIT: Duration = Duration::from_mins(1);
const USER: &str = "bench";
const CLASS: &str = "db.t3.micro";

/// The control plane, which ends with this, as do all its servers.
pub(super) struct ControlPlane {
    // Ends before its folder goes.
    process: Process,
    folder: TempDir,
    pool: usize,
    pub(super) api: Api,
    pub(super) tls: MakeRustlsConnect,
}

impl ControlPlane {
    /// Starts it with that many prepared instances in stock, and waits until they are.
    pub(super) async fn start(pgkeep: &Path, user: &OsUser, pool: usize) -> Result<Self> {
        let folder = user.folder()?;
        fs::write(folder.path().join("hosts"), "")?;
        let data = folder.path().join("data");
        let child = as_user(pgkeep, user)
            .args(["serve", "--stop-instances", "--listen", "127.0.0.1:0", "--pool"])
            .arg(pool.to_string())
            .arg("--data-dir")
            .arg(&data)
            .arg("--hosts-file")
            .arg(folder.path().join("hosts"))
            .arg("--cache-dir")
            .arg(folder.path().join("cache"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log"))?)
            .spawn()
            .context("cannot start pgkeep serve")?;
        let process = Process { child, data: data.clone() };
        until(START_LIMIT, PAUSE, || async {
            let url = data.join("api-url");
            fs::metadata(url).map(drop).context("pgkeep serve does not listen")
        })
        .await
        .with_context(|| log_of(&folder))?;
        let api = api_of(pgkeep, &data)?;
        let tls = trust(&data.join("global-bundle.pem"))?;
        let plane = Self { process, folder, pool, api, tls };
        plane.until_stocked().await?;
        Ok(plane)
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

    fn describe(&self, identifier: &str) -> Result<String> {
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
        let parameters = [("DBInstanceIdentifier", identifier), ("SkipFinalSnapshot", "true")];
        self.api.call("DeleteDBInstance", &parameters)?;
        until(Duration::from_mins(1), PAUSE, || async {
            match self.api.send("DescribeDBInstances", &parameters[..1])? {
                (404, _) => Ok(()),
                (_, xml) => bail!("{identifier} is still there: {xml}"),
            }
        })
        .await?;
        self.until_stocked().await
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

impl Drop for Process {
    /// Ends it, which ends its servers; those that it left are stopped as well.
    fn drop(&mut self) {
        let signal = |pid: Option<Pid>, signal| pid.map(|pid| kill_process(pid, signal));
        signal(Pid::from_raw(self.child.id().cast_signed()), Signal::TERM);
        let _ = self.child.wait();
        for instance in fs::read_dir(self.data.join("instances")).into_iter().flatten().flatten() {
            let file = instance.path().join("data/postmaster.pid");
            let text = fs::read_to_string(file).unwrap_or_default();
            let pid = text.lines().next().and_then(|line| line.parse().ok());
            signal(pid.and_then(Pid::from_raw), Signal::QUIT);
        }
    }
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

fn as_user(pgkeep: &Path, user: &OsUser) -> std::process::Command {
    let mut command = std::process::Command::new(pgkeep);
    command.current_dir("/").env("PGKEEP_LOG", "warn");
    if let Some(name) = user.name() {
        command.env("PGKEEP_USER", name);
    }
    command
}

/// The API, as `pgkeep env` tells where it is.
fn api_of(pgkeep: &Path, data: &Path) -> Result<Api> {
    let mut command = std::process::Command::new(pgkeep);
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

/// The text of the first element of that name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0)
}

fn log_of(folder: &TempDir) -> String {
    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    format!("pgkeep serve, whose log is {log:?}")
}
