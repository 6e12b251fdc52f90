//! All instances move to another authority while a client of each goes on, beside the same for as
//! many certificates by hand.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::api::element;
use super::control_plane::ControlPlane;
use super::create::newest_system_engine;
use super::pgbench::Pgbench;
use super::report::Row;
use super::server::Workbench;
use super::session::trust;
use super::until;
use crate::os_user::OsUser;

pub(super) const AUTHORITY: &str = "rds-ca-ecc384-g1";
/// How long the clients go on: longer than both rotations take together.
const CLIENTS_S: u32 = 90;
const LIMIT: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Rotates instances that another bench has started.
pub(super) async fn measure(plane: &ControlPlane, identifiers: &[String]) -> Result<Row> {
    let user = OsUser::find()?;
    let (_, bin) = newest_system_engine()?;
    let workbench = Workbench::new(&user, &bin)?;
    let mut server = workbench.init()?;
    server.start_bare().await?;
    let pgbench = Pgbench::new(&user, &bin)?;

    // Clients keep the bundle that they had before.
    let folder = user.folder()?;
    let bundle = folder.path().join("bundle.pem");
    fs::copy(plane.bundle(), &bundle)?;
    let endpoints = identifiers.iter().map(|it| plane.endpoint(it)).collect::<Result<Vec<_>>>()?;
    let start = |endpoint| {
        let mut client = pgbench.to(endpoint, &bundle);
        client.args(["--client=1", "--rate=2"]).arg(format!("--time={CLIENTS_S}"));
        let client = client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Client(Some(client.spawn().context("cannot start pgbench")?)))
    };
    let mut clients = endpoints.iter().map(start).collect::<Result<Vec<_>>>()?;

    let ours = rotate(plane, identifiers, AUTHORITY).await.context("pgkeep")?;
    let begun = Instant::now();
    for number in 0..identifiers.len() {
        server.replace_certificate(number).await.context("by hand")?;
    }
    let by_hand = begun.elapsed();
    eprintln!("rotation {ours:.1?}, by hand {by_hand:.1?}");
    for client in &mut clients {
        ensure!(client.is_running()?, "a client ended before the rotation did");
    }
    for client in clients {
        client.finish()?;
    }
    let tls = trust(&bundle)?;
    for endpoint in &endpoints {
        endpoint.query(&tls).await.context("a new connection with the bundle of before")?;
    }
    let name = format!("another authority for {} instances", identifiers.len());
    Ok(Row::slower(&name, ours, ("openssl + reload, by hand", by_hand), Some(1.0)))
}

/// Gives instances the authority of new ones again, so that the next rotation is the same.
pub(super) async fn back(plane: &ControlPlane, identifiers: &[String]) -> Result<()> {
    rotate(plane, identifiers, "rds-ca-rsa2048-g1").await.map(drop).context("back")
}

/// From the first request until the last certificate is proved.
pub(super) async fn rotate(
    plane: &ControlPlane,
    identifiers: &[String],
    authority: &str,
) -> Result<Duration> {
    let begun = Instant::now();
    for identifier in identifiers {
        plane.api.call(
            "ModifyDBInstance",
            &[
                ("DBInstanceIdentifier", identifier),
                ("CACertificateIdentifier", authority),
                ("ApplyImmediately", "true"),
            ],
        )?;
    }
    until(LIMIT, PAUSE, || async {
        let pages = plane.api.pages("DescribeDBInstances", &[("MaxRecords", "100")])?;
        let is_done = |instance: &&str| {
            element(instance, "CAIdentifier") == Some(authority)
                && element(instance, "DBInstanceStatus") == Some("available")
        };
        let all = pages.iter().flat_map(|page| page.split("<DBInstance>").skip(1));
        let done = all.filter(is_done).count();
        ensure!(done == identifiers.len(), "{done} instances rotated");
        Ok(())
    })
    .await?;
    Ok(begun.elapsed())
}

/// A pgbench that ends with this.
struct Client(Option<Child>);

impl Client {
    fn is_running(&mut self) -> Result<bool> {
        Ok(self.0.as_mut().context("it has been waited for")?.try_wait()?.is_none())
    }

    /// Waits for its end: neither its connection nor a query may have failed.
    fn finish(mut self) -> Result<()> {
        let output = self.0.take().context("it has been waited for")?.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let none_failed = text.contains("number of failed transactions: 0 ");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success() && none_failed, "pgbench says {text} {said}");
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
