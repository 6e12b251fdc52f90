//! The control plane of this process: driver and API side by side.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use pgkeep_postgres::view;
use pgkeep_server::Credentials;
use pgkeep_store::{Installation, StoreError};
use pgkeep_workflow::{Control, Settings, WorkflowError};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::args::ServeArgs;
use crate::clock::SystemClock;
use crate::credentials;
use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::lock::Lock;
use crate::machine::memory_bytes;
use crate::os_user::UNPRIVILEGED;
use crate::published::{ApiUrl, keep_bundles, publish_bundles};
use crate::startup::Prepared;

/// A control plane that is ready to serve.
pub(crate) struct Plane {
    pub(crate) control: Arc<Control>,
    pub(crate) data: DataDirectory,
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Credentials,
    listener: std::net::TcpListener,
    stop_instances: bool,
    api_url: ApiUrl,
    _lock: Lock,
}

impl Plane {
    /// Opens the state and the authorities, making both at the first start, which takes seconds.
    pub(crate) fn open(prepared: Prepared, args: &ServeArgs) -> anyhow::Result<Self> {
        let Prepared { data, user, hosts, engines, listener, lock, passphrase } = prepared;
        if Some(&user.name.as_str()) == UNPRIVILEGED.last() {
            warn!("runs as {}, which other services use too: adduser --system pgkeep", user.name);
        }
        if !hosts.is_writable() {
            info!("endpoint names are not published: {} is read-only", hosts.path().display());
        }
        let own_views = view::is_allowed(data.path());
        if !own_views {
            info!("servers show real paths, not {}: see pgkeep doctor", view::RDSDBDATA);
        }
        let control = Control::open(Settings {
            data_directory: data.path().to_owned(),
            installation: installation(&data, args)?,
            engines: Arc::new(engines),
            clock: Arc::new(SystemClock),
            hosts,
            os_user: user.name,
            own_views,
            machine_memory: memory_bytes(),
            address: args.address,
            pool_size: args.pool,
            authorities: None,
            passphrase,
        });
        let control = control.map_err(explain)?;
        publish_bundles(&data, &control)?;
        let credentials = credentials::ensure(&data.credentials())?;
        let address = listener.local_addr().context("the listening socket has no address")?;
        let api_url = ApiUrl::publish(&data, address)?;
        Ok(Self {
            control,
            data,
            address,
            credentials,
            listener,
            stop_instances: args.stop_instances,
            api_url,
            _lock: lock,
        })
    }

    /// Serves until `shutdown` resolves, then ends what is under way.
    pub(crate) async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        self.listener.set_nonblocking(true).context("cannot use the listening socket")?;
        let listener = tokio::net::TcpListener::from_std(self.listener);
        let listener = listener.context("cannot use the listening socket")?;
        let changes = self.control.follow_bundle();
        let bundles = keep_bundles(self.data, Arc::clone(&self.control), changes);
        let bundles = tokio::spawn(bundles);
        let (tell, told) = watch::channel(false);
        let driver = pgkeep_workflow::run(Arc::clone(&self.control), heard(told.clone()));
        let api = pgkeep_server::serve(
            Arc::clone(&self.control),
            self.credentials,
            listener,
            async move {
                tokio::select! { () = shutdown => {}, () = heard(told) => {} }
            },
        );
        let api = async {
            api.await;
            // The driver ends with it.
            let _ = tell.send(true);
        };
        tokio::join!(driver, api);
        bundles.abort();
        drop(self.api_url);
        if self.stop_instances {
            info!("stopping the servers of all instances");
            pgkeep_workflow::stop_all(&self.control).await?;
        }
        Ok(())
    }
}

/// A state file made with other settings is no fault of the file.
fn explain(error: WorkflowError) -> anyhow::Error {
    match error {
        WorkflowError::Store(error @ StoreError::InstallationDiffers { setting, .. }) => {
            hinted(error, format!("leave {setting} out, or choose another --data-dir"))
        }
        other => other.into(),
    }
}

/// The runtime: two threads, for the work is waiting.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().context("cannot start the runtime")
}

/// Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, which loses
/// nothing but the time to find out at the next start.
pub(crate) fn told_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        info!("told to stop");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            std::process::exit(1);
        });
    })
}

async fn heard(mut told: watch::Receiver<bool>) {
    let _ = told.wait_for(|told| *told).await;
}

/// What was asked for, else what is recorded, else the defaults. That both agree is checked where
/// it is recorded.
fn installation(data: &DataDirectory, args: &ServeArgs) -> anyhow::Result<Installation> {
    let recorded = if data.state_file().exists() { data.installation()? } else { None };
    let defaults = || -> Result<Installation, pgkeep_model::InvalidParameter> {
        Ok(Installation {
            region: "us-east-1".parse()?,
            account_id: "123456789012".parse()?,
            domain: "rds.localhost".parse()?,
        })
    };
    let kept = recorded.map_or_else(defaults, Ok)?;
    Ok(Installation {
        region: args.region.clone().unwrap_or(kept.region),
        account_id: args.account_id.clone().unwrap_or(kept.account_id),
        domain: args.domain.clone().unwrap_or(kept.domain),
    })
}
