//! The log files of an instance, as `DescribeDBLogFiles` and `DownloadDBLogFilePortion` show them.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use pgkeep_model::ReadTo;
use time::OffsetDateTime;

use crate::PostgresError;
use crate::layout::{InstanceFiles, names};

/// How often the log is read for a server's last words, and for how long: half a second.
pub(crate) const LAST_WORDS_INTERVAL: Duration = Duration::from_millis(4);
pub(crate) const LAST_WORDS_POLLS: u32 = 125;

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

/// Removes the server's log files that were last written before a time, of those that were read to
/// their end. The newest stays, since the server writes there.
///
/// # Errors
/// The first of what went wrong, after every file was tried.
pub fn remove_old_logs(
    files: &InstanceFiles,
    read_to: &ReadTo,
    before: OffsetDateTime,
) -> Result<(), PostgresError> {
    let mut logs = log_files(files)?;
    logs.retain(|log| log.name.starts_with("error/postgresql.log."));
    logs.pop();
    let is_old = |log: &LogFile| log.name < read_to.file && log.written_at < before;
    let old = logs.into_iter().filter(is_old).map(|log| files.log().join(log.name));
    let remove = |path| fs::remove_file(&path).map_err(PostgresError::file("remove", path));
    old.map(remove).fold(Ok(()), Result::and)
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

/// What the end of the newest log file holds of a server and its children, from the first line of
/// the server's own on; without what it told clients that came too early.
pub(crate) fn words_of_run(files: &InstanceFiles, pid: i32) -> String {
    let log = newest_words(files);
    let own = format!(":[{pid}]:");
    let run = log.lines().skip_while(|line| !line.contains(&own));
    let lines = run.filter(|line| !line.contains("FATAL:  the database system is "));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Why a server kept its old certificate at its last reload, in its own line; waits up to half a
/// second for its collector, a process of its own, to have written that.
pub async fn why_tls_not_reloaded(files: &InstanceFiles, pid: i32) -> Option<String> {
    for _ in 0..LAST_WORDS_POLLS {
        if let Some(line) = refusal(&newest_words(files), pid) {
            return Some(line);
        }
        tokio::time::sleep(LAST_WORDS_INTERVAL).await;
    }
    None
}

/// The end of the newest log file; connections fill it too, but not this much in a second.
fn newest_words(files: &InstanceFiles) -> String {
    const LENGTH: u64 = 1 << 18;
    let read = || -> std::io::Result<Vec<u8>> {
        let folder = files.log().join("error");
        // The names begin alike and go on with the hour.
        let newest = names(&folder).unwrap_or_default().into_iter().max().unwrap_or_default();
        let mut file = File::open(folder.join(newest))?;
        file.seek(SeekFrom::Start(file.metadata()?.len().saturating_sub(LENGTH)))?;
        let mut words = Vec::new();
        file.take(LENGTH).read_to_end(&mut words)?;
        Ok(words)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// PostgreSQL: `reload_conf` in `postmaster.c`; what `be_tls_init` objects to comes last before it.
fn refusal(words: &str, pid: i32) -> Option<String> {
    let own = format!(":[{pid}]:LOG:  ");
    let said = words.lines().filter_map(|line| Some(line.split_once(&own)?.1));
    let mut since = Vec::new();
    for message in said {
        if message.starts_with("received SIGHUP") {
            since.clear();
        }
        since.push(message);
    }
    let end = since.iter().position(|it| it.ends_with("SSL configuration was not reloaded"))?;
    end.checked_sub(1).map(|before| since[before].to_owned())
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

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use pgkeep_model::DbiResourceId;
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::connections::log_mark;
    use crate::layout::Layout;

    const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    /// The folder of an instance.
    fn folder() -> (tempfile::TempDir, InstanceFiles) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::ensure(folder.path()).unwrap();
        let files = layout.instance(&DbiResourceId::from_random([1; 17]));
        fs::create_dir_all(files.log().join("error")).unwrap();
        (folder, files)
    }

    fn write(files: &InstanceFiles, name: &str, text: &str, age: Duration) {
        let path = files.log().join("error").join(name);
        fs::write(&path, text).unwrap();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified((NOON - age).into()).unwrap();
    }

    #[test]
    fn old_logs_go_that_were_read_and_are_not_the_newest() {
        let (_folder, files) = folder();
        write(&files, "postgres.log", "", Duration::days(9));
        for (hour, age) in [("01", 9), ("02", 2), ("03", -9), ("04", 4), ("05", 9), ("06", 9)] {
            let name = format!("postgresql.log.2026-11-24-{hour}");
            write(&files, &name, "", Duration::days(age));
        }
        let remove = |hour: &str| {
            let file = format!("error/postgresql.log.2026-11-24-{hour}");
            let read_to = ReadTo { file, offset: 0, at: NOON };
            remove_old_logs(&files, &read_to, NOON - Duration::days(3)).unwrap();
            let end = |log: LogFile| log.name[log.name.len() - 2..].to_owned();
            log_files(&files).unwrap().into_iter().map(end).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(remove("01"), "og 01 02 03 04 05 06");
        assert_eq!(remove("04"), "og 02 03 04 05 06");
        assert_eq!(remove("06"), "og 02 03 06");
        let mark = log_mark(&files, None);
        // The one that was read last is gone itself.
        assert_eq!(remove("07"), "og 02 03 06");
        assert_eq!(log_mark(&files, None), mark, "where none goes, nobody looks again");
    }

    #[test]
    fn the_words_of_a_run_are_in_the_end_of_the_log() {
        let (_folder, files) = folder();
        let line = |pid: i32, text: &str| format!("2026-11-24 09:00:00 UTC::@:[{pid}]:{text}\n");
        let (begin, fatal) = (line(7, "LOG:  starting"), line(9, "FATAL:  no such file"));
        let early = line(10, "FATAL:  the database system is starting up");
        let run = [&*begin, &early, &fatal].concat();
        for filler in [1, 10_000] {
            let log = line(6, "FATAL:  another").repeat(filler) + &run;
            write(&files, "postgresql.log.2026-11-24-01", &log, Duration::ZERO);
            assert_eq!(words_of_run(&files, 7), [&*begin, &fatal].concat());
        }
        let log = line(7, "LOG:  x").repeat(100_000) + &fatal;
        write(&files, "postgresql.log.2026-11-24-01", &log, Duration::ZERO);
        let words = words_of_run(&files, 7);
        assert!(words.len() < 300_000 && words.ends_with(&fatal), "{}", words.len());
    }

    #[test]
    fn the_last_reload_says_why_it_kept_the_certificate() {
        let line = |pid: i32, text: &str| format!("2026-11-24 09:00:00 UTC::@:[{pid}]:{text}\n");
        let refused = [
            line(7, "LOG:  received SIGHUP, reloading configuration files"),
            line(7, "LOG:  could not load the old one"),
            line(7, "LOG:  SSL configuration was not reloaded"),
            line(7, "LOG:  received SIGHUP, reloading configuration files"),
            line(7, "LOG:  private key file \"k\" has group or world access"),
            line(7, "DETAIL:  File must have permissions u=rw (0600) or less."),
            line(8, "LOG:  connection received"),
            line(7, "LOG:  SSL configuration was not reloaded"),
        ]
        .concat();
        let why = "private key file \"k\" has group or world access";
        assert_eq!(refusal(&refused, 7).as_deref(), Some(why));
        assert_eq!(refusal(&refused, 8), None);
        let loaded = refused + &line(7, "LOG:  received SIGHUP, reloading configuration files");
        assert_eq!(refusal(&loaded, 7), None);
    }
}
