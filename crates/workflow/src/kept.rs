//! Keeps a session of `rdsadmin` open to each running server, from its first rest to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pgkeep_model::DbiResourceId;
use pgkeep_postgres::{KeptSession, PostgresError, Postmaster};
use tracing::debug;

use crate::{Control, WorkflowError};

/// How long a server may take to open a session, which takes milliseconds.
const LIMIT: Duration = Duration::from_secs(10);
/// How many sessions are opened at once: of 100 servers that pgkeep finds when it starts, so that
/// requests are answered meanwhile.
pub(crate) const OPENED_AT_ONCE: usize = 2;
/// The pause before a session that ended is opened again; each failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: some parameter groups allow no session, and an attempt costs the server
/// some 10 ms.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

impl Control {
    /// Keeps a session open until the postmaster ends; one that ends before is opened again.
    pub(crate) async fn keep_session(self: Arc<Self>, id: DbiResourceId, postmaster: Postmaster) {
        let keep = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.open_session(&id).await {
                    Ok(Some(session)) => {
                        session.ended().await;
                        pause = FIRST_PAUSE;
                    }
                    Ok(None) => return,
                    Err(error) => {
                        debug!(%id, error = &error as &dyn std::error::Error, "no session is kept");
                    }
                }
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        };
        tokio::select! {
            () = keep => {}
            () = postmaster.ended() => {}
        }
    }

    /// Opens the session of an instance, under the name that it has now; none once it is deleted.
    async fn open_session(&self, id: &DbiResourceId) -> Result<Option<KeptSession>, WorkflowError> {
        let _turn = self.openings.acquire().await;
        let Some(instance) = self.store.read(|state| state.instance_by_resource_id(id))? else {
            return Ok(None);
        };
        let (files, desired) = (self.files(&instance), &instance.desired);
        let address = SocketAddr::new(desired.address, desired.port);
        let open =
            KeptSession::open(&files, &desired.endpoint, address, &self.trust, rand::random());
        let late =
            |_| PostgresError::TimedOut { what: "let rdsadmin in", seconds: LIMIT.as_secs() };
        Ok(Some(tokio::time::timeout(LIMIT, open).await.map_err(late)??))
    }
}
