//! The log files of an instance, as `DescribeDBLogFiles` and `DownloadDBLogFilePortion` show them.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};

use time::OffsetDateTime;

use crate::PostgresError;
use crate::layout::{InstanceFiles, names};

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Its name in the API: `error/postgresql.log.2026-11-24-03`.
    pub name: String,
    /// Last written at.
    pub written_at: OffsetDateTime,
    /// Bytes.
    pub size: u64,
}

/// The log files, by name.
pub fn log_files(files: &InstanceFiles) -> Result<Vec<LogFile>, PostgresError> {
    let folder = files.log().join("error");
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(found) };
    for entry in entries {
        let entry = entry.map_err(PostgresError::file("list", &folder))?;
        let Ok(about) = entry.metadata() else { continue };
        let (true, Ok(written)) = (about.is_file(), about.modified()) else { continue };
        found.push(LogFile {
            name: format!("error/{}", entry.file_name().to_string_lossy()),
            written_at: written.into(),
            size: about.len(),
        });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// A stretch of a log file, and whether more follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPortion {
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Where the next portion begins.
    pub end: u64,
    /// Whether more was there when it was read.
    pub more: bool,
}

/// Reads up to `lines` lines and `limit` bytes from `start`, ending after a whole line where there
/// is one.
pub fn log_portion(
    files: &InstanceFiles,
    name: &str,
    start: u64,
    lines: usize,
    limit: usize,
) -> Result<LogPortion, PostgresError> {
    let mut file = open_log(files, name)?;
    let path = files.log().join(name);
    let mut read = || {
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.min(size)))?;
        let mut bytes = Vec::new();
        (&mut file).take(limit as u64).read_to_end(&mut bytes)?;
        Ok((size, bytes))
    };
    let (size, mut bytes) = read().map_err(PostgresError::file("read", path))?;
    let mut end = start.min(size) + bytes.len() as u64;
    let mut line_ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let last = match line_ends.by_ref().take(lines).last() {
        // What follows the last line end stays for the next portion, unless nothing follows it.
        Some((at, _)) if end < size || line_ends.next().is_some() => at + 1,
        _ => bytes.len(),
    };
    end -= (bytes.len() - last) as u64;
    bytes.truncate(last);
    Ok(LogPortion { text: String::from_utf8_lossy(&bytes).into_owned(), end, more: end < size })
}

/// Where a portion of the last `lines` lines begins, looking back at most `limit` bytes.
pub fn tail_start(
    files: &InstanceFiles,
    name: &str,
    lines: usize,
    limit: usize,
) -> Result<u64, PostgresError> {
    let mut file = open_log(files, name)?;
    let path = files.log().join(name);
    let mut read = || {
        let size = file.metadata()?.len();
        let start = size.saturating_sub(limit as u64);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((start, bytes))
    };
    let (start, bytes) = read().map_err(PostgresError::file("read", path))?;
    let ends = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    let skipped = ends.map(|(at, _)| at).nth(lines).map_or(0, |at| at + 1);
    Ok(start + skipped as u64)
}

/// What the newest log file holds of a server and its children, from the first line of the
/// server's own on; without what it told clients that came too early.
pub(crate) fn words_of_run(files: &InstanceFiles, pid: i32) -> String {
    let folder = files.log().join("error");
    // The names begin alike and go on with the hour.
    let newest = names(&folder).unwrap_or_default().into_iter().max();
    let log = newest.and_then(|name| fs::read(folder.join(name)).ok()).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let own = format!(":[{pid}]:");
    let run = log.lines().skip_while(|line| !line.contains(&own));
    let lines = run.filter(|line| !line.contains("FATAL:  the database system is "));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Opens a log by its API name, which is one of those that [`log_files`] lists.
fn open_log(files: &InstanceFiles, name: &str) -> Result<File, PostgresError> {
    let listed = log_files(files)?.into_iter().any(|file| file.name == name);
    if !listed {
        return Err(PostgresError::NoSuchLog(name.to_owned()));
    }
    let path = files.log().join(name);
    File::open(&path).map_err(PostgresError::file("open", path))
}
