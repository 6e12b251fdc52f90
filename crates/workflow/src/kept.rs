//! The session of `rdsadmin` to each available instance: opened a moment after it comes to
//! rest, and anew when it was lost.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgkeep_model::{DbInstance, DbiResourceId, InstanceStatus};
use pgkeep_postgres::{Admin, KeptSession, PostgresError};
use tracing::{debug, warn};

use crate::Control;

/// Between two looks at which sessions are open.
const PAUSE: Duration = Duration::from_mins(1);
/// How long whoever waited for an instance has the processors for its first connection, before
/// pgkeep goes on with what can wait.
pub(crate) const LULL: Duration = Duration::from_millis(250);
/// How long a server may take to let it in.
const LIMIT_S: u64 = 10;

/// One for each instance at most.
#[derive(Default)]
pub(crate) struct KeptSessions(Mutex<HashMap<DbiResourceId, Session>>);

enum Session {
    /// Over the Unix socket, until one is kept.
    Lent(Arc<Admin>),
    Opening,
    Kept(KeptSession),
}

impl Session {
    fn admin(&self) -> Option<Arc<Admin>> {
        match self {
            Self::Lent(admin) => Some(Arc::clone(admin)),
            Self::Opening => None,
            Self::Kept(session) => Some(session.admin()),
        }
        .filter(|admin| admin.is_open())
    }
}

impl KeptSessions {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<DbiResourceId, Session>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens those that are missing until the runtime ends.
pub(crate) async fn keep_sessions(control: Arc<Control>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        match control.store.serving_instances() {
            Ok(instances) => {
                control.kept.with(|kept| {
                    kept.retain(|_, session| {
                        matches!(session, Session::Opening) || session.admin().is_some()
                    });
                });
                let available =
                    instances.iter().filter(|it| it.status == InstanceStatus::Available);
                available.for_each(|instance| control.keep_session(instance));
            }
            Err(error) => warn!(error = &error as &dyn Error, "sessions of rdsadmin not kept"),
        }
    }
}

impl Control {
    /// A session of `rdsadmin` to an instance whose server runs: that which is kept, else another.
    pub(crate) async fn admin(&self, instance: &DbInstance) -> Result<Arc<Admin>, PostgresError> {
        let kept = self.kept.with(|kept| kept.get(&instance.resource_id)?.admin());
        match kept {
            Some(admin) => Ok(admin),
            None => Ok(Arc::new(self.connect(instance).await?)),
        }
    }

    async fn connect(&self, instance: &DbInstance) -> Result<Admin, PostgresError> {
        Admin::connect(&self.files(instance), instance.desired.port).await
    }

    /// Opens a session over the Unix socket, and lends it to what asks next if none is kept yet.
    pub(crate) async fn lend_session(
        &self,
        instance: &DbInstance,
    ) -> Result<Arc<Admin>, PostgresError> {
        let admin = Arc::new(self.connect(instance).await?);
        let lent = Session::Lent(Arc::clone(&admin));
        self.kept.with(|kept| {
            kept.entry(instance.resource_id.clone()).or_insert(lent);
        });
        Ok(admin)
    }

    /// Lets go of the session to an instance: its server ends, or does not answer in it.
    pub(crate) fn drop_session(&self, id: &DbiResourceId) {
        self.kept.with(|kept| kept.remove(id));
    }

    /// Opens the session to an instance whose server runs as wanted, unless it is open; does not
    /// wait for it.
    pub(crate) fn keep_session(self: &Arc<Self>, instance: &DbInstance) {
        let id = instance.resource_id.clone();
        let lent = self.kept.with(|kept| match kept.get(&id) {
            Some(Session::Opening) => None,
            Some(Session::Kept(session)) if session.admin().is_open() => None,
            known => {
                let lent = known.and_then(Session::admin);
                kept.insert(id.clone(), Session::Opening);
                Some(lent)
            }
        });
        let Some(lent) = lent else { return };
        let (control, instance) = (Arc::clone(self), instance.clone());
        tokio::spawn(async move {
            tokio::time::sleep(LULL).await;
            let _turn = control.looks.acquire().await;
            let opening = control.open_session(&instance, lent);
            let late = PostgresError::TimedOut { what: "let rdsadmin in", seconds: LIMIT_S };
            let opened = tokio::time::timeout(Duration::from_secs(LIMIT_S), opening).await;
            control.kept.with(|kept| match opened.unwrap_or(Err(late)) {
                Ok(session) => {
                    kept.insert(id, Session::Kept(session));
                }
                Err(error) => {
                    debug!(%id, error = &error as &dyn Error, "no session of rdsadmin is open");
                    kept.remove(&id);
                }
            });
        });
    }

    async fn open_session(
        &self,
        instance: &DbInstance,
        lent: Option<Arc<Admin>>,
    ) -> Result<KeptSession, PostgresError> {
        let admin = match lent {
            Some(admin) => admin,
            None => Arc::new(self.connect(instance).await?),
        };
        let desired = &instance.desired;
        let address = SocketAddr::new(desired.address, desired.port);
        let roots_pem = self.authorities().bundle_pem();
        KeptSession::open(&admin, &desired.endpoint, address, &roots_pem).await
    }
}
