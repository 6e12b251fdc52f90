//! A throw-away copy of a DB instance's set-up: a control plane of its own without an API, with
//! this one instance, in a folder that goes away.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use pgkeep_model::{
    Applied, Clock, DbInstance, DbParameterGroupName, DbiResourceId, InstanceStatus,
    PasswordVerifier, Pending,
};
use pgkeep_postgres::{Admin, EngineCatalogue, PostgresError, Session};
use pgkeep_probe::{Trust, Versions, handshake};
use pgkeep_workflow::{Authorities, Control, HostsFile, Settings, stop_all, verifier};
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::original::Original;
use super::scenario::{HOST, Plan, Rotation};
use crate::clock::SystemClock;
use crate::machine::memory_bytes;
use crate::progress::Steps;

/// The address that [`HOST`] leads to.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Below those that the system gives to clients (ip(7), `ip_local_port_range`).
const PORTS: std::ops::Range<u16> = 20_000..32_768;
/// How often the state is looked at while it is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long work on a copy may fail; an engine may have to be downloaded.
const DEADLINE: time::Duration = time::Duration::minutes(20);
/// How long its deletion may take.
const DELETE_LIMIT: Duration = Duration::from_secs(30);
/// How long an answer on loopback may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What all copies have in common.
pub(super) struct Ground {
    pub(super) original: Original,
    pub(super) engines: Arc<EngineCatalogue>,
    pub(super) os_user: String,
    pub(super) password: String,
}

/// A copy whose server comes up, or is up.
pub(super) struct Copy {
    control: Arc<Control>,
    id: DbiResourceId,
    folder: PathBuf,
    stop: oneshot::Sender<()>,
    driver: JoinHandle<()>,
}

/// A clock that is behind.
struct Behind(time::Duration);

impl Clock for Behind {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() - self.0
    }
}

impl Ground {
    fn verifier(&self, role: &str) -> PasswordVerifier {
        verifier(&self.password, role, self.original.group.password_encryption())
    }

    /// Begins to make a copy in a new folder.
    pub(super) fn begin_copy(
        &self,
        folder: &Path,
        plan: &Plan,
        (authorities, behind): (Arc<Authorities>, time::Duration),
    ) -> anyhow::Result<Copy> {
        std::fs::create_dir(folder).context("cannot make a folder for the copy")?;
        let control = Control::open(Settings {
            data_directory: folder.to_owned(),
            installation: self.original.installation.clone(),
            engines: Arc::clone(&self.engines),
            clock: Arc::new(Behind(behind)),
            // No name is published: there is no such file.
            hosts: HostsFile::open(&folder.join("hosts"), folder),
            os_user: self.os_user.clone(),
            // A view of the file system would hide the temporary folder.
            own_views: false,
            machine_memory: memory_bytes(),
            address: Some(ADDRESS),
            pool_size: 0,
            authorities: Some(authorities),
            passphrase: None,
        })?;
        let instance = self.instance(&control, plan)?;
        let mut group = plan.group.clone();
        group.name = DbParameterGroupName::custom(&instance.desired.parameter_group)?;
        control.store().quickly(|state| {
            state.put_parameter_group(&group)?;
            state.insert_instance(&instance, instance.created_at + DEADLINE)
        })?;
        let (stop, stopped) = oneshot::channel::<()>();
        let driver = tokio::spawn(pgkeep_workflow::run(Arc::clone(&control), async {
            let _ = stopped.await;
        }));
        let folder = folder.to_owned();
        Ok(Copy { control, id: instance.resource_id, folder, stop, driver })
    }

    fn instance(&self, control: &Control, plan: &Plan) -> anyhow::Result<DbInstance> {
        let mut desired = self.original.instance.desired.clone();
        plan.host.clone_into(&mut desired.endpoint);
        desired.address = ADDRESS;
        desired.port = rand::random_range(PORTS);
        desired.master_password = self.verifier(&desired.master_username);
        "rehearsal".clone_into(&mut desired.parameter_group);
        desired.running = true;
        desired.reboots = 0;
        if desired.deleted {
            bail!("{} is being deleted", desired.identifier);
        }
        Ok(DbInstance {
            resource_id: DbiResourceId::from_random(rand::random()),
            created_at: control.clock().now(),
            generation: 1,
            status: InstanceStatus::Creating,
            desired,
            pending: Pending::default(),
            applied: Applied::default(),
        })
    }
}

impl Copy {
    /// Waits until it is available, and makes the original's roles in it.
    pub(super) async fn ready(&self, ground: &Ground, steps: &Steps) -> anyhow::Result<DbInstance> {
        let is_ready = |it: &DbInstance| it.status == InstanceStatus::Available;
        let instance = self.wait(is_ready, steps).await?;
        if let Some(roles) = &ground.original.roles {
            let files = self.control.files(&instance);
            let admin = Admin::connect(&files, instance.desired.port).await?;
            admin.ensure_roles(roles, |role| ground.verifier(role)).await?;
        }
        Ok(instance)
    }

    /// Gives it another certificate, and returns when a client has seen that.
    pub(super) async fn rotate(&self, rotation: Rotation, steps: &Steps) -> anyhow::Result<()> {
        let before = self.change(|row| match rotation {
            Rotation::To(authority) => authority.clone_into(&mut row.desired.ca_identifier),
            Rotation::SameAuthority => {
                let certificate = row.applied.certificate.as_ref();
                row.desired.replaced_serial = certificate.map(|it| it.serial.clone());
            }
        })?;
        let certificate = before.and_then(|row| row.applied.certificate);
        let before = certificate.map(|certificate| certificate.fingerprint);
        let is_rotated = |it: &DbInstance| {
            let now = it.applied.certificate.as_ref().map(|certificate| &certificate.fingerprint);
            now.is_some_and(|now| Some(now) != before.as_ref())
                && it.applied.proof_digest.is_some()
                && it.status == InstanceStatus::Available
        };
        self.wait(is_rotated, steps).await.map(drop)
    }

    /// Whether clients are connected.
    pub(super) async fn has_clients(&self) -> anyhow::Result<bool> {
        let Some(instance) = self.row()? else { return Ok(false) };
        let (files, port) = (self.control.files(&instance), instance.desired.port);
        let ask = |admin: Admin| async move { admin.sessions().await };
        let sessions: Vec<Session> = Admin::ask(&files, port, ANSWER_LIMIT, ask).await?;
        Ok(!sessions.is_empty())
    }

    /// Whether a client that verifies trusts it: asked as one, with these roots and the real time.
    pub(super) async fn is_trusted(&self, roots_pem: &str) -> anyhow::Result<bool> {
        let instance = self.row()?.context("the copy is gone")?;
        let address = SocketAddr::new(ADDRESS, instance.desired.port);
        let trust = Some(Trust { roots_pem, judged_at: SystemClock.now() });
        let seen = handshake(address, HOST, trust, Versions::default(), ANSWER_LIMIT).await?;
        Ok(seen.verdict.name.is_ok() && seen.verdict.chain.is_some_and(|chain| chain.is_ok()))
    }

    async fn wait(
        &self,
        wanted: impl Fn(&DbInstance) -> bool,
        steps: &Steps,
    ) -> anyhow::Result<DbInstance> {
        loop {
            let instance = self.row()?.context("the copy is gone")?;
            if wanted(&instance) {
                return Ok(instance);
            }
            let error = self.control.store().read(|state| state.last_error(&self.id))?;
            let status = instance.status;
            if let InstanceStatus::Failed | InstanceStatus::IncompatibleParameters = status {
                bail!("the copy is {status}: {}", error.unwrap_or_default());
            }
            if let Some(error) = error {
                if is_taken(&instance, &error) {
                    self.change(|row| row.desired.port = rand::random_range(PORTS))?;
                } else {
                    steps.say(&format!("the copy is {status} ({error})"));
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn row(&self) -> anyhow::Result<Option<DbInstance>> {
        Ok(self.control.store().read(|state| state.instance_by_resource_id(&self.id))?)
    }

    /// Stops it and removes all of it.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        // Deleted, its server is spared a checkpoint. What does not end so, is stopped below.
        let _ = tokio::time::timeout(DELETE_LIMIT, self.delete()).await;
        let Self { control, folder, stop, driver, .. } = self;
        let _ = stop.send(());
        driver.await.context("the control plane of the copy broke off")?;
        stop_all(&control).await?;
        std::fs::remove_dir_all(&folder).context("cannot remove the copy")
    }

    async fn delete(&self) -> anyhow::Result<()> {
        self.change(|row| row.desired.deleted = true)?;
        while self.row()?.is_some() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Changes what is wanted of it; the row as it was.
    fn change(&self, change: impl FnOnce(&mut DbInstance)) -> anyhow::Result<Option<DbInstance>> {
        let now = self.control.clock().now();
        let before = self.control.store().quickly(|state| {
            let mut before = None;
            state.update_instance(&self.id, |row| {
                before = Some(row.clone());
                row.generation += 1;
                change(row);
            })?;
            state.make_due(&self.id, now, Some(now + DEADLINE))?;
            Ok(before)
        })?;
        self.control.wake();
        Ok(before)
    }
}

/// Whether a copy does not start since another server has its port.
fn is_taken(instance: &DbInstance, error: &str) -> bool {
    let address = SocketAddr::new(ADDRESS, instance.desired.port);
    let taken = PostgresError::AddressInUse { address, message: String::new() };
    !instance.applied.created && error.starts_with(&taken.to_string())
}
