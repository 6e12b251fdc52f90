//! One process holds a data directory at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::failure::hinted;

/// How often, and how long each time, to wait for a lock whose holder was killed: a child that it
/// was just starting has the lock too, until it runs its own program. 5 s in all.
const PATIENCE: u32 = 250;
const PAUSE: Duration = Duration::from_millis(20);
/// What the lock file begins with, which also tells that a folder is pgkeep's.
const MARK: &str = "pgkeep ";

/// A held data directory; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the data directory, or says who has it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        let shown = || format!("cannot lock {}", path.display());
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.with_context(shown)?;
        let mut patience = PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if patience > 0 && !holder_lives(&mut file) => {
                    patience -= 1;
                    pause();
                }
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, path)),
                Err(TryLockError::Error(error)) => return Err(error).with_context(shown),
            }
        }
        let mark = format!("{MARK}{}\n", std::process::id());
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(mark.as_bytes())
        };
        write(&mut file).with_context(shown)?;
        Ok(Self { _file: file })
    }

    /// The process that holds it, if one does.
    pub(crate) fn holder(path: &Path) -> Option<String> {
        let mut file = File::open(path).ok()?;
        let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        held.then(|| pid(&mut file))
    }

    /// Whether a file is a lock file of pgkeep's.
    pub(crate) fn is_ours(path: &Path) -> bool {
        std::fs::read_to_string(path).is_ok_and(|text| text.is_empty() || text.starts_with(MARK))
    }
}

/// Whether the process that wrote its number into the file still is.
fn holder_lives(file: &mut File) -> bool {
    let program = format!("/proc/{}/exe", pid(file));
    let gone = std::fs::read_link(program).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    !gone
}

#[expect(clippy::disallowed_methods, reason = "nothing tells of a lock that becomes free")]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn held(file: &mut File, path: &Path) -> anyhow::Error {
    let pid = pid(file);
    let folder = path.parent().unwrap_or(path).display();
    let message = format!("another pgkeep (pid {pid}) holds {folder}");
    let hint = format!(
        "use that one: eval \"$(pgkeep env --data-dir {folder})\"; or choose another --data-dir"
    );
    hinted(message, hint)
}

fn pid(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    text.strip_prefix(MARK).map_or("unknown", str::trim).to_owned()
}
