//! A running pgkeep, which looks each second whether the authorities' folder was changed.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::lock::Lock;

const PAUSE: Duration = Duration::from_millis(100);
/// For keys of 4096 bits on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// One that is to take a change in.
pub(super) struct Running {
    published: PathBuf,
    before: Option<SystemTime>,
}

impl Running {
    /// The one that serves, looked for before the change; none if none runs.
    pub(super) fn find(data: &DataDirectory) -> Option<Self> {
        Lock::holder(&data.lock())?;
        let published = data.bundle_crl();
        Some(Self { before: modified(&published), published })
    }

    /// Waits until it has published what follows from the change.
    pub(super) fn heed(&self) -> anyhow::Result<()> {
        wait("the running pgkeep has not heeded this yet", || {
            Ok(modified(&self.published) != self.before)
        })
    }
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

fn modified(path: &PathBuf) -> Option<SystemTime> {
    fs::metadata(path).and_then(|it| it.modified()).ok()
}

#[expect(clippy::disallowed_methods, reason = "another process tells of its work by files alone")]
fn pause() {
    std::thread::sleep(PAUSE);
}
