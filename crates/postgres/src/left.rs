//! What a server leaves that did not end in order, and the next one has to get past: a log to
//! replay, children that go on, and lock files whose numbers are others' by now.

use std::fs;
use std::path::Path;

use rustix::process::Pid;

use crate::PostgresError;
use crate::layout::{InstanceFiles, names, write_file};
use crate::postmaster::{watch_server, works_in};

/// What `pg_controldata` calls "shut down" and "in crash recovery": `DBState` of `pg_control.h`.
const SHUT_DOWN: u32 = 1;
pub(crate) const IN_CRASH_RECOVERY: u32 = 4;

/// Whether the server before did not end in order, so that one that starts makes good what it left.
/// That takes as long as it takes: every file is flushed to the disk before the log is replayed.
pub fn recovers(files: &InstanceFiles) -> bool {
    database_state(&files.data()).is_some_and(|state| state != SHUT_DOWN)
}

/// The `DBState` of a data directory, after the system identifier and two versions in
/// `ControlFileData`, which all majors have alike.
pub(crate) fn database_state(data: &Path) -> Option<u32> {
    let control = fs::read(data.join("global/pg_control")).ok()?;
    Some(u32::from_ne_bytes(control.get(16..20)?.try_into().ok()?))
}

/// Kills the children that outlived a postmaster which did not end in order. A backend that
/// computes looks for its postmaster only when it next waits for something; until then it holds the
/// shared memory, without which no other server starts.
pub async fn end_orphans(files: &InstanceFiles) -> Result<(), PostgresError> {
    if !files.postmaster_pid().exists() {
        return Ok(());
    }
    let data = files.data();
    for name in names(Path::new("/proc"))? {
        let pid = name.parse().ok().and_then(Pid::from_raw).filter(|pid| works_in(*pid, &data));
        let orphan = pid.map(|pid| watch_server(pid, &data)).transpose()?.flatten();
        if let Some(orphan) = orphan {
            orphan.kill().await?;
        }
    }
    Ok(())
}

/// Gives a lock file that is left, `postmaster.pid` or that of a socket, the number of this
/// process, and answers what it then holds.
///
/// PostgreSQL takes the file for that of a running server when any process has its number, be it a
/// stranger's or dead and not reaped; its parent's it knows not to be one (`CreateLockFile`). That
/// none runs is known here. What `postmaster.pid` says of shared memory stays, by which PostgreSQL
/// finds out children of the dead server.
pub(crate) fn disown(path: &Path) -> Result<Option<String>, PostgresError> {
    let Ok(left) = fs::read(path) else { return Ok(None) };
    let left = String::from_utf8_lossy(&left);
    let Some((_, rest)) = left.split_once('\n') else {
        // Its writer lost its power first. PostgreSQL would refuse to start next to it.
        fs::remove_file(path).map_err(PostgresError::file("remove", path))?;
        return Ok(None);
    };
    let disowned = format!("{}\n{rest}", std::process::id());
    write_file(path, &disowned)?;
    Ok(Some(disowned))
}
