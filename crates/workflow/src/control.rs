//! Everything that running instances needs, in one place: the state, the world, and what leads
//! from one to the other.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pgkeep_model::{
    Clock, DbInstance, DbInstanceIdentifier, Event, EventCategory, EventSource, endpoint_name,
};
use pgkeep_pki::{Authorities, Passphrase};
use pgkeep_postgres::{
    EngineCatalogue, InstanceFiles, Layout, LogFile, LogPortion, PostgresError, Postmasters,
    log_files, log_portion, tail_start,
};
use pgkeep_store::{Installation, Store};
use tokio::sync::{Notify, Semaphore, watch};

use crate::WorkflowError;
use crate::authorities::{ensure_authorities, known_authorities};
use crate::failures::Failures;
use crate::hosts::HostsFile;
use crate::kept::KeptSessions;
use crate::keys::KeyPool;
use crate::pairs::Pairs;
use crate::sessions::AT_ONCE;

/// What a control plane is opened with.
pub struct Settings {
    /// The data directory, which the caller holds.
    pub data_directory: PathBuf,
    /// Region, account and domain.
    pub installation: Installation,
    /// The engines.
    pub engines: Arc<EngineCatalogue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where endpoint names are published.
    pub hosts: HostsFile,
    /// The operating system user that runs pgkeep and its servers.
    pub os_user: String,
    /// Whether servers can have a view of the file system of their own, with `/rdsdbdata`.
    pub own_views: bool,
    /// The machine's memory in bytes, which bounds what instance classes ask for.
    pub machine_memory: u64,
    /// One address for all instances, instead of a loopback address each.
    pub address: Option<IpAddr>,
    /// How many prepared instances to keep for each engine in use.
    pub pool_size: usize,
    /// Authorities other than those of the data directory, for a control plane of a rehearsal.
    pub authorities: Option<Arc<Authorities>>,
    /// The passphrase of the authorities' keys.
    pub passphrase: Option<Passphrase>,
}

/// The control plane without its API.
pub struct Control {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) layout: Layout,
    pub(crate) authorities: watch::Sender<Arc<Authorities>>,
    pub(crate) postmasters: Postmasters,
    pub(crate) keys: KeyPool,
    pub(crate) pairs: Pairs,
    pub(crate) wake: Notify,
    /// Something was taken from the stock; made anew when the work that it was taken for is over,
    /// which it would slow down.
    pub(crate) taken: AtomicBool,
    /// It may have been a prepared instance.
    pub(crate) taken_prepared: AtomicBool,
    pub(crate) refill: Notify,
    pub(crate) failures: Failures,
    pub(crate) looks: Semaphore,
    pub(crate) kept: KeptSessions,
}

impl Control {
    /// Opens the state and the authorities, making both at the first start.
    pub fn open(settings: Settings) -> Result<Arc<Self>, WorkflowError> {
        let root = &settings.data_directory;
        let layout = Layout::ensure(root)?;
        let store = Store::open(&root.join("state.db"))?;
        store.durably(|state| state.ensure_installation(&settings.installation))?;
        let now = settings.clock.now();
        let known = known_authorities(&settings);
        let authorities = ensure_authorities(&settings)?;
        store.quickly(|state| state.make_all_due(now))?;
        let control = Arc::new(Self {
            settings,
            store,
            layout,
            authorities: watch::Sender::new(authorities),
            postmasters: Postmasters::default(),
            keys: KeyPool::default(),
            pairs: Pairs::default(),
            wake: Notify::new(),
            taken: AtomicBool::new(false),
            taken_prepared: AtomicBool::new(true),
            refill: Notify::new(),
            failures: Failures::default(),
            looks: Semaphore::new(AT_ONCE),
            kept: KeptSessions::default(),
        });
        control.tell_of_new(&known)?;
        Ok(control)
    }

    /// The state file.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The engines.
    pub fn engines(&self) -> &EngineCatalogue {
        &self.settings.engines
    }

    /// Region, account and domain.
    pub fn installation(&self) -> &Installation {
        &self.settings.installation
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.settings.clock
    }

    /// The one address of all instances, if it was set.
    pub fn shared_address(&self) -> Option<IpAddr> {
        self.settings.address
    }

    /// How often each effect failed since this process began; `none` is what failed before one.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failures.counts()
    }

    /// Tells the driver that something is due.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Where an instance's files are.
    pub fn files(&self, instance: &DbInstance) -> InstanceFiles {
        self.layout.instance(&instance.resource_id)
    }

    /// The endpoint's host name for an identifier.
    pub fn endpoint_of(&self, identifier: &DbInstanceIdentifier) -> String {
        let Installation { region, account_id, domain } = &self.settings.installation;
        endpoint_name(identifier, account_id, region, domain)
    }

    /// An event of an instance, now.
    pub fn instance_event(
        &self,
        identifier: &DbInstanceIdentifier,
        category: EventCategory,
        message: impl Into<String>,
    ) -> Event {
        let Installation { region, account_id, .. } = &self.settings.installation;
        Event {
            source: EventSource::DbInstance,
            source_identifier: identifier.to_string(),
            source_arn: format!("arn:aws:rds:{region}:{account_id}:db:{identifier}"),
            category,
            message: message.into(),
            at: self.settings.clock.now(),
        }
    }
}

/// Where to begin to read a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPosition {
    /// At a byte.
    At(u64),
    /// So many lines before the end.
    LastLines(usize),
}

impl Control {
    /// The log files of an instance.
    pub fn log_files(&self, instance: &DbInstance) -> Result<Vec<LogFile>, WorkflowError> {
        Ok(log_files(&self.files(instance))?)
    }

    /// A stretch of a log file of at most `lines` lines and `bytes` bytes; none if there is no
    /// such file.
    pub fn log_portion(
        &self,
        instance: &DbInstance,
        name: &str,
        position: LogPosition,
        lines: usize,
        bytes: usize,
    ) -> Result<Option<LogPortion>, WorkflowError> {
        let files = self.files(instance);
        let read = || {
            let start = match position {
                LogPosition::At(start) => start,
                LogPosition::LastLines(lines) => tail_start(&files, name, lines, bytes)?,
            };
            log_portion(&files, name, start, lines, bytes)
        };
        match read() {
            Ok(portion) => Ok(Some(portion)),
            Err(PostgresError::NoSuchLog(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
