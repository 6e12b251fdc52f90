//! The open sessions of instances, for people and for monitoring: asked of the servers themselves,
//! a few at once and none for long, so that one that hangs holds up nobody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pgkeep_model::{DbInstance, DbInstanceIdentifier};
use pgkeep_postgres::{Admin, PostgresError, Session};
use tokio::task::JoinSet;
use tracing::debug;

use crate::Control;

/// How long a server may take, which takes milliseconds for it.
const LIMIT: Duration = Duration::from_secs(2);
/// How many servers are asked at once, whoever asks: 100 that all hang take 8 s, less than the 10 s
/// that Prometheus waits.
pub(crate) const AT_ONCE: usize = 32;

impl Control {
    /// The sessions of each of these instances whose server runs; none where it did not answer.
    pub async fn open_sessions(
        self: &Arc<Self>,
        instances: Vec<DbInstance>,
    ) -> Vec<(DbInstanceIdentifier, Option<Vec<Session>>)> {
        let mut questions = JoinSet::new();
        let mut asked = HashMap::new();
        for instance in instances {
            let files = self.files(&instance);
            let running = self.postmasters.running(&instance.resource_id, &files);
            if !matches!(running, Ok(Some(_))) {
                continue;
            }
            let control = Arc::clone(self);
            let identifier = instance.desired.identifier.clone();
            let question = questions.spawn(async move {
                let _turn = control.looks.acquire().await;
                let sessions = control.sessions_of(&instance).await.inspect_err(|error| {
                    let error = error as &dyn std::error::Error;
                    debug!(instance = %instance.desired.identifier, error, "sessions not known");
                });
                sessions.ok()
            });
            asked.insert(question.id(), identifier);
        }
        let mut answers = Vec::new();
        // One that panicked takes nothing away from the others.
        while let Some(answer) = questions.join_next_with_id().await {
            let (id, sessions) = answer.unwrap_or_else(|error| (error.id(), None));
            answers.extend(asked.remove(&id).map(|identifier| (identifier, sessions)));
        }
        answers
    }

    /// The sessions of an instance whose server runs.
    pub(crate) async fn sessions_of(
        &self,
        instance: &DbInstance,
    ) -> Result<Vec<Session>, PostgresError> {
        let (files, port) = (self.files(instance), instance.desired.port);
        Admin::ask(&files, port, LIMIT, |admin| async move { admin.sessions().await }).await
    }
}
