//! The session of `rdsadmin` to each available instance: opened when it comes to rest, and anew
//! when it was lost.

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
/// How long a server may take to let it in.
const LIMIT_S: u64 = 10;

/// One for each instance at most; none stands for one that is being opened.
#[derive(Default)]
pub(crate) struct KeptSessions(Mutex<HashMap<DbiResourceId, Option<KeptSession>>>);

impl KeptSessions {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<DbiResourceId, Option<KeptSession>>) -> T) -> T {
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
                    kept.retain(|_, session| session.as_ref().is_none_or(KeptSession::is_open));
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
        let kept = self.kept.with(|kept| {
            let session = kept.get(&instance.resource_id)?.as_ref();
            session.filter(|it| it.is_open()).map(KeptSession::admin)
        });
        if let Some(admin) = kept {
            return Ok(admin);
        }
        Ok(Arc::new(Admin::connect(&self.files(instance), instance.desired.port).await?))
    }

    /// Lets go of the session to an instance: its server ends, or does not answer in it.
    pub(crate) fn drop_session(&self, id: &DbiResourceId) {
        self.kept.with(|kept| kept.remove(id));
    }

    /// Opens the session to an instance whose server runs as wanted, unless it is open; does not
    /// wait for it.
    pub(crate) fn keep_session(self: &Arc<Self>, instance: &DbInstance) {
        let id = instance.resource_id.clone();
        let is_needed = self.kept.with(|kept| {
            let known = kept.get(&id);
            let is_needed = known.is_none_or(|it| it.as_ref().is_some_and(|it| !it.is_open()));
            if is_needed {
                kept.insert(id.clone(), None);
            }
            is_needed
        });
        if !is_needed {
            return;
        }
        let (control, files) = (Arc::clone(self), self.files(instance));
        let endpoint = instance.desired.endpoint.clone();
        let address = SocketAddr::new(instance.desired.address, instance.desired.port);
        let roots_pem = self.authorities().bundle_pem();
        tokio::spawn(async move {
            let opened = {
                let _turn = control.looks.acquire().await;
                let opening = KeptSession::open(&files, &endpoint, address, &roots_pem);
                let late = PostgresError::TimedOut { what: "let rdsadmin in", seconds: LIMIT_S };
                let opened = tokio::time::timeout(Duration::from_secs(LIMIT_S), opening).await;
                opened.unwrap_or(Err(late))
            };
            control.kept.with(|kept| match opened {
                Ok(session) => {
                    kept.insert(id, Some(session));
                }
                Err(error) => {
                    debug!(%id, error = &error as &dyn Error, "no session of rdsadmin is open");
                    kept.remove(&id);
                }
            });
        });
    }
}
