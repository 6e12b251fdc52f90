//! What a killed pgkeep left behind: taken away before anything else begins, removed after.

use std::error::Error;
use std::sync::Arc;

use tracing::warn;

use crate::deaths::pause_after;
use crate::{Control, WorkflowError};

/// Takes away what was being prepared, so that nothing mistakes it for work that goes on.
pub(crate) fn sweep_pool(control: &Control) {
    let engines = control.settings.engines.installed();
    if let Err(error) = pgkeep_postgres::sweep_pool(&control.layout, &engines) {
        warn!(error = &error as &dyn Error, "could not sweep the pool");
    }
}

/// Removes what was taken away, and does not rest before it is gone: an `initdb` that outlived the
/// pgkeep that ran it writes on for a moment.
pub(crate) async fn empty_trash(control: Arc<Control>) {
    for attempt in 1.. {
        let layout = control.layout.clone();
        let emptying = tokio::task::spawn_blocking(move || {
            pgkeep_postgres::empty_trash(&layout).map_err(WorkflowError::from)
        });
        let Err(error) = emptying.await.map_err(WorkflowError::Interrupted).flatten() else {
            return;
        };
        warn!(error = &error as &dyn Error, "could not remove all that is in the trash");
        tokio::time::sleep(pause_after(attempt).unsigned_abs()).await;
    }
}
