//! `pgkeep quickstart`: from nothing to a verified connection, in one command.
//!
//! Nothing here is a short cut: the instance is made through the HTTP API, and what is shown was
//! seen by clients of its endpoint.

mod demo;
mod report;
mod session;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::oneshot;
use tracing_subscriber::filter::LevelFilter;

use super::engines::ensure;
use super::serve::start_log;
use crate::api_client::ApiClient;
use crate::args::QuickstartArgs;
use crate::output;
use crate::plane::{Plane, runtime, told_to_stop};
use crate::progress::Steps;
use crate::startup::{Prepared, prepare};

use demo::Demo;

pub(super) fn run(mut args: QuickstartArgs) -> anyhow::Result<()> {
    args.serve.stop_instances |= args.exit;
    start_log(&LevelFilter::WARN.to_string())?;
    let prepared = prepare(&args.serve)?;
    let version = ensure_engine(&prepared, args.engine_version.as_deref())?;
    let steps = Steps::new();
    steps.say("Opening the data directory and its certificate authorities");
    let names_published = prepared.hosts.is_writable();
    let plane = Plane::open(prepared, &args.serve)?;
    let demo = Demo {
        client: ApiClient {
            address: plane.address,
            region: plane.control.installation().region.to_string(),
            credentials: plane.credentials.clone(),
        },
        control: Arc::clone(&plane.control),
        data: plane.data.clone(),
        version,
        version_asked: args.engine_version.clone(),
        names_published,
    };
    runtime()?.block_on(present(plane, demo, steps, args.exit))
}

/// Installs the engine that is meant where it is not there; its exact version.
fn ensure_engine(prepared: &Prepared, asked: Option<&str>) -> anyhow::Result<String> {
    let choice = prepared.engines.scan().find(asked)?;
    if !choice.installed {
        eprintln!("Fetching PostgreSQL {}", choice.version);
    }
    Ok(ensure(&prepared.engines, choice)?.version.to_string())
}

/// Serves beside showing; then goes on as `pgkeep serve` does, or ends.
async fn present(plane: Plane, demo: Demo, steps: Steps, exit: bool) -> anyhow::Result<()> {
    let mut stop = Box::pin(told_to_stop()?);
    let (tell, told) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(plane.serve(async {
        let _ = told.await;
    }));
    let shown = tokio::select! {
        shown = demo.show(&steps) => shown,
        () = &mut stop => Err(anyhow::anyhow!("interrupted")),
        ended = &mut serving => {
            ended.context("the control plane broke off")??;
            bail!("the control plane ended early")
        }
    };
    let said = match &shown {
        Ok(report) => {
            drop(steps);
            output::write(report.render(!exit))
        }
        Err(_) => Ok(()),
    };
    if !exit && said.is_ok() && shown.is_ok() {
        output::write("\nServing until Ctrl-C; the server of demo outlives it.\n")?;
        tokio::select! { () = stop => {}, _ = &mut serving => {} }
    }
    let _ = tell.send(());
    if !serving.is_finished() {
        serving.await.context("the control plane broke off")??;
    }
    said?;
    let report = shown?;
    if exit && let Some(failure) = report.failure() {
        bail!("not everything was proved: {failure}");
    }
    Ok(())
}
