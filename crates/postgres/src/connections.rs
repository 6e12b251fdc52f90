//! The server's log as a list of who connected, with or without TLS.
//!
//! `log_connections` makes PostgreSQL write, after its prefix `%t:%r:%u@%d:[%p]:`, a line such as
//! `LOG:  connection authorized: user=app database=orders application_name=web SSL enabled (…)`.
//!
//! The prefix repeats the names of the startup packet raw, so a client that was never let in can
//! break the line there and write a line of its own. What it cannot do is make that line count:
//!
//! - The line must name the same user and database in its prefix and in its message, which takes
//!   54 bytes at least behind the address. Each name of the packet is cut at 63, and PostgreSQL
//!   puts an `@` between the two, which ends the forgery unless it is the `@` of the forged prefix.
//!   So at most 10 bytes of the client's own stand on the line that follows the forged one.
//! - After a line that counts comes the prefix of another, which begins with a time of 24 bytes.
//!
//! One case is left: under a name that has an `@` itself, a client can write that it was let in
//! from its own address. Not to count such names would hide who bears one, which does more harm.
//! (17.0 to 17.2 did not cut the names.) Lines of messages are safe: PostgreSQL indents all but the
//! first with a tab. A role or database whose name has a line break is not seen here, only among
//! the open sessions; nor is a line that a crash message of some library follows.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};
use pgkeep_model::{Client, ReadTo, Sightings, Tally};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::PostgresError;
use crate::admin::RDSADMIN;
use crate::layout::{InstanceFiles, names};

/// Bytes read at once. A longer line is passed over; PostgreSQL's own are short.
const PORTION: usize = 1 << 20;
/// `%t` with `log_timezone` UTC, and what follows it in the prefix.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC:");
const TIME_LENGTH: usize = "2026-11-24 12:00:00 UTC:".len();

/// What a stretch of the log says.
#[derive(Debug)]
pub struct LogReading {
    /// Who connected.
    pub seen: Sightings,
    /// Where to go on; none while there is no log.
    pub read_to: Option<ReadTo>,
    /// Whether more was there when it was read.
    pub more: bool,
    /// Whether what was to be read next is gone.
    pub lost: bool,
}

/// Whether the log has changed since it was looked at; see [`log_mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogMark {
    folder_changed_at: Option<SystemTime>,
    size: Option<u64>,
}

impl LogMark {
    /// Whether a file came or went since the other was taken.
    pub fn has_other_files(&self, before: &Self) -> bool {
        self.folder_changed_at != before.folder_changed_at
    }
}

/// Looks at the log at the cost of two `stat`: a file that comes or goes changes the folder, a new
/// line the size of the file that was read last.
pub fn log_mark(files: &InstanceFiles, read_to: Option<&ReadTo>) -> LogMark {
    let folder = std::fs::metadata(files.log().join("error"));
    let file = read_to.and_then(|at| std::fs::metadata(files.log().join(&at.file)).ok());
    LogMark {
        folder_changed_at: folder.and_then(|about| about.modified()).ok(),
        size: file.map(|about| about.len()),
    }
}

/// Reads on from where an earlier reading ended, at most a portion. A line at the very end of the
/// newest file, which still may be without what follows it, counts only if `to_the_end`.
pub fn read_connections(
    files: &InstanceFiles,
    read_to: Option<&ReadTo>,
    to_the_end: bool,
    now: OffsetDateTime,
) -> Result<LogReading, PostgresError> {
    let logs = log_names(files)?;
    let at = |file: &String, offset| ReadTo { file: file.clone(), offset, at: now };
    let begin = match read_to {
        Some(read_to) => logs.iter().find(|name| **name >= read_to.file),
        None => logs.first(),
    };
    let mut reading =
        LogReading { seen: Sightings::default(), read_to: None, more: false, lost: false };
    let Some(file) = begin else {
        reading.lost = read_to.is_some();
        return Ok(reading);
    };
    let offset = read_to.filter(|it| it.file == *file).map(|it| it.offset);
    // The server writes to the newest file only, and this list is older than what is read.
    let next = logs.iter().find(|name| *name > file);
    let path = files.log().join(file);
    let portion = read_portion(&path, offset.unwrap_or(0));
    let portion = portion.map_err(PostgresError::file("read", path))?;
    reading.lost = portion.was_cut || read_to.is_some() && offset.is_none();
    let is_whole = portion.is_to_end && (to_the_end || next.is_some());
    let done = scan(&portion.bytes, portion.starts_line, is_whole, &mut reading.seen);
    reading.read_to = match next {
        Some(next) if portion.is_to_end => Some(at(next, 0)),
        _ => Some(at(file, portion.start + done as u64)),
    };
    reading.more = !portion.is_to_end || next.is_some();
    Ok(reading)
}

/// The log files by their names in the API, the oldest first: the names end in the hour.
fn log_names(files: &InstanceFiles) -> Result<Vec<String>, PostgresError> {
    let folder = files.log().join("error");
    let mut found = if folder.exists() { names(&folder)? } else { Vec::new() };
    found.retain(|name| name.starts_with("postgresql.log."));
    found.sort_unstable();
    Ok(found.into_iter().map(|name| format!("error/{name}")).collect())
}

struct Portion {
    bytes: Vec<u8>,
    start: u64,
    /// Whether it begins where a line does.
    starts_line: bool,
    /// Whether the file ends with it.
    is_to_end: bool,
    /// Whether the file has become shorter than was read.
    was_cut: bool,
}

fn read_portion(path: &Path, offset: u64) -> std::io::Result<Portion> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let was_cut = offset > size;
    let start = if was_cut { 0 } else { offset };
    // The byte before tells whether a line begins here.
    file.seek(SeekFrom::Start(start.saturating_sub(1)))?;
    let mut before = Vec::new();
    (&mut file).take(start.min(1)).read_to_end(&mut before)?;
    let mut bytes = Vec::new();
    (&mut file).take(PORTION as u64).read_to_end(&mut bytes)?;
    let is_to_end = bytes.len() < PORTION;
    let starts_line = before.last().is_none_or(|byte| *byte == b'\n');
    Ok(Portion { bytes, start, starts_line, is_to_end, was_cut })
}

/// Counts the connections in a stretch of the log, and answers how many bytes are done with; the
/// rest is to come again with what follows it. Nothing follows a stretch that `is_whole`.
pub(crate) fn scan(bytes: &[u8], starts_line: bool, is_whole: bool, seen: &mut Sightings) -> usize {
    let mut at = 0;
    if !starts_line {
        match memchr(b'\n', bytes) {
            Some(end) => at = end + 1,
            None => return bytes.len(),
        }
    }
    let authorized = Finder::new("connection authorized: user=");
    while let Some(length) = memchr(b'\n', &bytes[at..]) {
        let (line, rest) = (&bytes[at..at + length], &bytes[at + length + 1..]);
        let read = authorized.find(line).and_then(|_| read_line(line));
        if let Some((client, tls, when)) = read {
            if rest.len() < TIME_LENGTH && !is_whole {
                return at;
            }
            if rest.is_empty() || read_time(rest).is_some() {
                // `rdsadmin` is pgkeep itself.
                if client.user != RDSADMIN {
                    seen.add(client, tls, Tally::at(1, when));
                }
            }
        }
        at += length + 1;
    }
    let is_too_long = at == 0 && bytes.len() >= PORTION;
    if is_too_long { bytes.len() } else { at }
}

/// What ends the prefix of a message of the level that connections have.
const ENDS: &[u8] = b"]:LOG:  ";

/// A line that lets a client from the network in: the client, whether with TLS, and when.
fn read_line(line: &[u8]) -> Option<(Client, bool, OffsetDateTime)> {
    let when = read_time(line)?;
    let line = &line[TIME_LENGTH..];
    // `host(port):user@database:[pid]:LOG:  message`; a connection of the Unix socket has no port.
    let open = memchr(b'(', line)?;
    let close = open + memchr(b')', &line[open..])?;
    let (address, port) = (&line[..open], &line[open + 1..close]);
    let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    if address.is_empty() || !is_port || line.get(close + 1) != Some(&b':') {
        return None;
    }
    let entry = &line[close + 2..];
    let split = |at: usize| {
        let begin = memrchr(b'[', &entry[..at])?;
        let pid = &entry[begin + 1..at];
        let is_pid = !pid.is_empty() && pid.iter().all(u8::is_ascii_digit);
        let names = entry[..begin].strip_suffix(b":").filter(|_| is_pid)?;
        let said = read_message(names, &entry[at + ENDS.len()..])?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let client = Client {
            user: text(said.user),
            database: text(said.database),
            application: text(said.application),
            address: text(address),
        };
        Some((client, said.tls, when))
    };
    memchr::memmem::find_iter(entry, ENDS).find_map(split)
}

/// What a message says of a connection.
struct Said<'a> {
    user: &'a [u8],
    database: &'a [u8],
    application: &'a [u8],
    tls: bool,
}

/// Reads a message, if its prefix says the same.
fn read_message<'a>(names: &'a [u8], message: &'a [u8]) -> Option<Said<'a>> {
    // `log_error_verbosity = verbose` puts the code before the message.
    let message = message.strip_prefix(b"00000: ").unwrap_or(message);
    let (message, replicates) = match message.strip_prefix(b"replication ") {
        Some(message) => (message, true),
        None => (message, false),
    };
    let message = message.strip_prefix(b"connection authorized: user=")?;
    let agree = |at: usize| {
        let (user, database) = (&names[..at], &names[at + 1..]);
        let mut rest = message.strip_prefix(user)?;
        if !replicates || rest.starts_with(b" database=") {
            rest = rest.strip_prefix(b" database=")?.strip_prefix(database)?;
        }
        let is_named = !user.is_empty() && !database.is_empty();
        let (application, tls) = read_end(rest).filter(|_| is_named)?;
        Some(Said { user, database, application, tls })
    };
    memchr::memchr_iter(b'@', names).find_map(agree)
}

/// What follows the names: the application, and how the connection is encrypted.
fn read_end(end: &[u8]) -> Option<(&[u8], bool)> {
    let (mut rest, mut tls) = (end, false);
    if rest.ends_with(b")") {
        // The last one: an application may be called like this.
        let ssl = memchr::memmem::rfind(rest, b" SSL enabled (protocol=");
        let gss = memchr::memmem::rfind(rest, b" GSS (authenticated=");
        if let Some(at) = ssl.or(gss) {
            (rest, tls) = (&rest[..at], ssl.is_some());
        }
    }
    match rest.strip_prefix(b" application_name=") {
        Some(application) => Some((application, tls)),
        None => rest.is_empty().then_some((rest, tls)),
    }
}

fn read_time(line: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(line.get(..TIME_LENGTH)?).ok()?;
    PrimitiveDateTime::parse(text, TIME).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests;
