//! A running pgkeep, which looks each second whether the authorities' folder was changed.

use std::fs;
use std::time::{Duration, Instant};

use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::lock::Lock;
use crate::published::since_epoch;

const PAUSE: Duration = Duration::from_millis(100);
/// For keys of 4096 bits on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// Waits until the pgkeep that runs, if one does, has published what follows from the changes made
/// so far; answers whether one runs.
pub(super) fn heed(data: &DataDirectory) -> anyhow::Result<bool> {
    if Lock::holder(&data.lock()).is_none() {
        return Ok(false);
    }
    let changed = fs::metadata(data.authorities_folder()).and_then(|it| it.modified());
    let changed = changed.map_or(0, since_epoch);
    wait("the running pgkeep has not heeded this yet", || {
        let as_of = fs::read_to_string(data.bundles_as_of()).unwrap_or_default();
        Ok(as_of.parse::<u128>().is_ok_and(|as_of| as_of >= changed))
    })?;
    Ok(true)
}

/// Waits until something is so.
pub(super) fn wait(
    what_if_not: &str,
    mut is_so: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > LIMIT {
            return Err(hinted(what_if_not, "its log says why; it is tried again"));
        }
        pause();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "another process tells of its work by files alone")]
fn pause() {
    std::thread::sleep(PAUSE);
}
