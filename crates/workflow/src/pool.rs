//! Keeps prepared instances and keys in stock, at low priority.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pgkeep_model::{DbInstance, EngineSource};
use pgkeep_pki::LeafKey;
use pgkeep_postgres::{Engine, Priority, prepare, prepared};
use tracing::{debug, warn};

use crate::kept::LULL;
use crate::{Control, WorkflowError, random_name};

/// Refills the stock when something was taken and its taker is at rest, until the runtime ends.
pub(crate) async fn keep_stocked(control: Arc<Control>) {
    loop {
        let done = async {
            refill_keys(&control).await?;
            // What there is of these is looked for in the state and on the disk.
            if control.taken_prepared.swap(false, Ordering::Relaxed) {
                refill_prepared(&control).await?;
            }
            Ok::<_, WorkflowError>(())
        };
        if let Err(error) = done.await {
            control.taken_prepared.store(true, Ordering::Relaxed);
            // Not repeated before something is taken again: the request that needs a prepared
            // instance makes its own, and reports what stands in the way.
            warn!(error = &error as &dyn std::error::Error, "could not prepare ahead of need");
        }
        control.refill.notified().await;
        tokio::time::sleep(LULL).await;
    }
}

async fn refill_keys(control: &Arc<Control>) -> Result<(), WorkflowError> {
    while let Some(algorithm) = control.keys.lacking(control.settings.pool_size) {
        let made = tokio::task::spawn_blocking(move || LeafKey::generate(algorithm)).await;
        control.keys.put(algorithm, made.map_err(WorkflowError::Interrupted)??);
        debug!(algorithm = algorithm.name(), "generated a key ahead of need");
    }
    Ok(())
}

async fn refill_prepared(control: &Arc<Control>) -> Result<(), WorkflowError> {
    for engine in engines_in_use(control)? {
        while prepared(&control.layout, &engine)? < control.settings.pool_size {
            prepare(&control.layout, &engine, &random_name(), Priority::Background).await?;
            debug!(engine = engine.id(), "prepared an instance ahead of need");
        }
    }
    Ok(())
}

/// The installed engines that instances run on, and the one that a new instance gets unasked.
pub(crate) fn engines_in_use(control: &Control) -> Result<Vec<Engine>, WorkflowError> {
    let mut engines = control.settings.engines.installed();
    let default = control.settings.engines.default_version();
    control.store.read(|state| {
        let in_use = |engine: &Engine| state.has_engine(engine.source, &versions(engine));
        let known: Result<Vec<_>, _> = engines.iter().map(in_use).collect();
        let mut known = known?.into_iter();
        engines.retain(|engine| known.next() == Some(true) || default == Some(engine.version));
        Ok(())
    })?;
    Ok(engines)
}

/// The versions of the instances that run on an engine, as texts: see [`runs_on`].
fn versions(engine: &Engine) -> RangeInclusive<String> {
    let version = engine.version;
    match engine.source {
        EngineSource::System => format!("{}.", version.major)..=format!("{}.~", version.major),
        EngineSource::Embedded => version.to_string()..=version.to_string(),
    }
}

/// Whether an instance runs on an engine: a system engine is updated in place, so any release of
/// its major version is the instance's.
pub(crate) fn runs_on(instance: &DbInstance, engine: &Engine) -> bool {
    let desired = &instance.desired;
    desired.engine_source == engine.source
        && match engine.source {
            EngineSource::System => desired.engine_version.major == engine.version.major,
            EngineSource::Embedded => desired.engine_version == engine.version,
        }
}
