//! What a hundred instances are held to: requests beside moto's, bounds, and a rotation of all.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::control_plane::ControlPlane;
use super::load::{Figures, describe_all};
use super::moto::Moto;
use super::report::Row;
use super::{median, rotation};

/// How many.
pub(super) const HUNDRED: usize = 100;

/// The rows of instances that run, and for which these figures were taken.
pub(super) async fn rows(
    python: &Path,
    plane: &ControlPlane,
    identifiers: &[String],
    figures: &Figures,
    repetitions: usize,
) -> Result<Vec<Row>> {
    let count = identifiers.len();
    let moto = Moto::start(python, count)?;
    let (mut ours, mut other) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        ours.push(describe_all(&plane.api, count)?);
        other.push(describe_all(&moto.api, count)?);
    }
    drop(moto);
    rotation::back(plane, identifiers).await?;
    let rotated = rotation::measure(plane, identifiers).await.context("the rotation")?;
    let of_all = |what: &str| format!("{what}, {count} instances");
    Ok(vec![
        Row::faster(
            &of_all("DescribeDBInstances"),
            median(ours),
            ("moto", median(other)),
            Some(50.0),
        ),
        Row::bounded(&of_all("memory of pgkeep serve"), figures.resident_mb, 40.0, "MB"),
        Row::bounded(&of_all("processor time at idle"), figures.idle_ms_per_s, 0.5, "ms/s"),
        // Prometheus waits 10 s unless told otherwise.
        Row::bounded(
            &of_all("one scrape of /metrics"),
            figures.scrape.as_secs_f64() * 1000.0,
            2000.0,
            "ms",
        ),
        rotated,
    ])
}
