//! From the request to require TLS to the status that says so, beside the same change by hand.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::control_plane::ControlPlane;
use super::median;
use super::parameters::GROUP;
use super::report::Row;
use super::server::{Server, Workbench};
use super::session::Endpoint;

/// How often the status is asked for.
const PAUSE: Duration = Duration::from_millis(1);
const IDENTIFIER: &str = "bench";
/// What the proof may cost on top of the reload itself.
const BOUND: Duration = Duration::from_millis(50);

/// Switches the requirement on, each time after it was switched off outside the time taken.
pub(super) async fn measure(
    plane: &ControlPlane,
    workbench: &Workbench,
    major: &str,
    repetitions: usize,
) -> Result<Row> {
    plane.create(IDENTIFIER, major, &GROUP)?;
    plane.until_available(IDENTIFIER, PAUSE).await?;
    let endpoint = plane.endpoint(IDENTIFIER)?;
    let mut server = workbench.init()?;
    server.start_bare().await?;
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    // The first round is not counted, as in the bench of creation.
    for round in 0..=repetitions {
        let samples = (
            modify(plane, &endpoint).await.context("modify")?,
            edit(&server).await.context("pg_ctl reload")?,
        );
        eprintln!("modify {:.1?}, by hand {:.1?}", samples.0, samples.1);
        if round > 0 {
            ours.push(samples.0);
            by_hand.push(samples.1);
        }
    }
    let by_hand = ("pg_ctl reload, seen", median(by_hand));
    Ok(Row::added("rds.force_ssl=1 to proved in-sync", median(ours), by_hand, BOUND))
}

async fn modify(plane: &ControlPlane, endpoint: &Endpoint) -> Result<Duration> {
    set(plane, "0").await?;
    ensure!(endpoint.lets_plaintext_in().await?, "in-sync, and plaintext is refused");
    let begun = Instant::now();
    set(plane, "1").await?;
    let took = begun.elapsed();
    ensure!(!endpoint.lets_plaintext_in().await?, "in-sync, and plaintext is let in");
    Ok(took)
}

/// Sets `rds.force_ssl` and waits until it is proved to be in effect.
async fn set(plane: &ControlPlane, value: &str) -> Result<()> {
    let parameter = [
        ("Parameters.Parameter.1.ParameterName", "rds.force_ssl"),
        ("Parameters.Parameter.1.ParameterValue", value),
        ("Parameters.Parameter.1.ApplyMethod", "immediate"),
    ];
    plane.api.call("ModifyDBParameterGroup", &[&GROUP[..], &parameter].concat())?;
    plane.until_is(IDENTIFIER, ("ParameterApplyStatus", "in-sync"), PAUSE).await
}

async fn edit(server: &Server<'_>) -> Result<Duration> {
    server.force_ssl(false).await?;
    let begun = Instant::now();
    server.force_ssl(true).await?;
    Ok(begun.elapsed())
}
