//! The block in the hosts file that leads endpoint names to their addresses.
//!
//! The file is opened once, while pgkeep still has the rights to, and rewritten in place: in a
//! container it is a mount, which no rename can replace. Each data directory has a block of its
//! own; everything outside the block is left as it is.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::iter::repeat_n;
use std::mem::replace;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::sleep;
use tracing::warn;

use crate::WorkflowError;
use crate::names::{Names, lines};

/// A hosts file that pgkeep may write, or none.
#[derive(Debug)]
pub struct HostsFile {
    published: Mutex<Published>,
    path: PathBuf,
    tag: String,
}

#[derive(Debug)]
struct Published {
    /// Open for writing; none without the right to.
    file: Option<File>,
    /// What the block was last made to hold, and how the file looked then; none before the first
    /// time.
    held: Option<(Names, Option<Mark>)>,
    /// The lock was waited for in vain, and not had since.
    locked_out: bool,
}

/// How often the lock is tried, and the time in between: together half a second, many times what
/// another pgkeep needs to rewrite the file.
const LOCK_TRIES: u32 = 11;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Identity, length and time of a file: another writes it in between, or takes its place, and they
/// differ.
type Mark = ((u64, u64), u64, SystemTime);

impl HostsFile {
    /// Opens the file for writing; without the right to, names are simply not published.
    pub fn open(path: &Path, data_directory: &Path) -> Self {
        let file = open_for_writing(path).ok();
        Self {
            published: Mutex::new(Published { file, held: None, locked_out: false }),
            path: path.to_owned(),
            tag: data_directory.display().to_string(),
        }
    }

    /// Whether names are published.
    pub fn is_writable(&self) -> bool {
        // Who holds it is publishing.
        self.published.try_lock().map_or(true, |published| published.file.is_some())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the block hold exactly the names that it held, after a change of them: the first time
    /// those that `all` answers. `change` tells whether it changed any.
    pub(crate) async fn ensure(
        &self,
        all: impl FnOnce() -> Result<Names, WorkflowError>,
        change: impl FnOnce(&mut Names) -> bool,
    ) -> Result<(), WorkflowError> {
        let Published { file, held, locked_out } = &mut *self.published.lock().await;
        self.follow(file);
        let Some(file) = file else { return Ok(()) };
        let (mut names, seen) = match held.take() {
            Some((names, seen)) => (names, seen),
            None => (all()?, None),
        };
        if change(&mut names) || seen.is_none() || seen != mark(file) {
            self.lock(file, locked_out).await;
            let written = rewrite(file, &self.tag, &names);
            let _ = file.unlock();
            written.map_err(|source| WorkflowError::Hosts { path: self.path.clone(), source })?;
        }
        *held = Some((names, mark(file)));
        Ok(())
    }

    /// Opens the file anew where another took its place by a rename: nobody reads the one that is
    /// open. One that cannot be looked at is taken to be the same.
    fn follow(&self, file: &mut Option<File>) {
        let Some(open) = file else { return };
        let is_open = |there| open.metadata().is_ok_and(|it| identity(&it) == identity(&there));
        if fs::metadata(&self.path).map_or(true, is_open) {
            return;
        }
        // It may be beyond the rights that pgkeep has kept.
        let opened = open_for_writing(&self.path).inspect_err(|error| {
            let path = self.path.display();
            warn!(%error, "{path} was replaced: restart pgkeep, names are no longer published");
        });
        *file = opened.ok();
    }

    /// Keeps other pgkeeps from the file while it is rewritten. Whoever can read a file can lock it
    /// for ever: the lock is waited for a moment, once while that lasts, and then done without.
    async fn lock(&self, file: &File, locked_out: &mut bool) {
        let tries = if *locked_out { 1 } else { LOCK_TRIES };
        for number in 0..tries {
            if number > 0 {
                sleep(LOCK_PAUSE).await;
            }
            if file.try_lock().is_ok() {
                *locked_out = false;
                return;
            }
        }
        if !replace(locked_out, true) {
            let path = self.path.display();
            warn!("another program keeps {path} locked: names are written without the lock");
        }
    }
}

fn open_for_writing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn mark(file: &File) -> Option<Mark> {
    let metadata = file.metadata().ok()?;
    Some((identity(&metadata), metadata.len(), metadata.modified().ok()?))
}

fn rewrite(file: &mut File, tag: &str, names: &Names) -> io::Result<()> {
    let names = lines(names);
    let mut before = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut before)?;
    let mut after = render_hosts(&before, tag, &names);
    if before == after {
        return Ok(());
    }
    // A kill before the file is cut leaves empty lines, instead of the end of what it held.
    let length = after.len();
    after.extend(repeat_n('\n', before.len().saturating_sub(length)));
    file.seek(SeekFrom::Start(0))?;
    file.write_all(after.as_bytes())?;
    file.set_len(length as u64)?;
    file.sync_data()
}

/// The file's text with the block of `tag` replaced, or removed when there are no names. One that a
/// full disk cut off ends within a line, or before a line of another form, which others added.
fn render_hosts(before: &str, tag: &str, names: &[(&str, IpAddr)]) -> String {
    let begin = format!("# BEGIN pgkeep {tag}");
    let end = format!("# END pgkeep {tag}");
    let mut inside = false;
    let mut after = String::with_capacity(before.len());
    for line in before.split_inclusive('\n') {
        let text = line.trim_end_matches(['\r', '\n']);
        let is_own = || is_of_a_block(text) || !line.ends_with('\n');
        inside = text == begin || (inside && is_own());
        if !inside && text != end {
            after.push_str(line);
        }
    }
    if !names.is_empty() {
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        let _ = writeln!(after, "{begin}");
        for (name, address) in names {
            let _ = writeln!(after, "{address} {name}");
        }
        let _ = writeln!(after, "{end}");
    }
    after
}

/// Whether a line is one that is written between a block's first and last.
fn is_of_a_block(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(address, name)| {
        address.parse::<IpAddr>().is_ok() && !name.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use pgkeep_model::DbiResourceId;

    use super::*;
    use crate::names::NamesOfOne;

    #[test]
    fn only_the_own_block_changes() {
        let before = "127.0.0.1 localhost\n# BEGIN pgkeep /b\n127.77.0.2 b\n# END pgkeep /b\n";
        let one = ("a", IpAddr::from([127, 77, 0, 1]));
        let with = render_hosts(before, "/a", &[one]);
        assert_eq!(with, format!("{before}# BEGIN pgkeep /a\n127.77.0.1 a\n# END pgkeep /a\n"));
        assert_eq!(render_hosts(&with, "/a", &[one]), with);
        assert_eq!(render_hosts(&with, "/a", &[]), before);
    }

    #[test]
    fn a_block_that_was_cut_off_takes_nothing_from_others() {
        let (own, others) = ("# BEGIN pgkeep /a\n127.77.0.1 a\n", "# ours\n10.0.0.1 b\n");
        for cut in ["", "# BEGIN pgkeep /b\n", "10.0.0.2\tc\n", "10.0.0.2 c d\n", "\n"] {
            let rest = format!("{cut}{others}");
            assert_eq!(render_hosts(&format!("{own}{rest}"), "/a", &[]), rest);
        }
        for torn in ["127.77", "127.77.0.2 ", "# EN", "# END pgkeep /a"] {
            assert_eq!(render_hosts(&format!("{others}{own}{torn}"), "/a", &[]), others);
        }
    }

    #[test]
    fn a_kill_before_the_file_is_cut_leaves_no_old_names() {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
        let mut file = File::from(memfd_create("hosts", MemfdFlags::ALLOW_SEALING).unwrap());
        let names = Names::from([instance(1), instance(2)]);
        file.write_all(b"127.0.0.1 localhost\n").unwrap();
        rewrite(&mut file, "/a", &names).unwrap();
        // It can be written, and not cut.
        fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
        rewrite(&mut file, "/a", &Names::new()).unwrap_err();
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text.trim_end_matches('\n'), "127.0.0.1 localhost");
    }

    fn instance(number: u8) -> (DbiResourceId, NamesOfOne) {
        let name = format!("name-{number}");
        let address = IpAddr::from([127, 77, 0, number]);
        let names = NamesOfOne { address, endpoint: name.clone(), served: vec![name] };
        (DbiResourceId::from_random([number; 17]), names)
    }

    #[expect(clippy::unnecessary_wraps, reason = "stands for what reads the state")]
    fn one() -> Result<Names, WorkflowError> {
        Ok(Names::from([instance(1)]))
    }

    /// A hosts file in a folder of its own.
    fn hosts_file() -> (tempfile::TempDir, PathBuf, HostsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        fs::write(&path, "127.0.0.1 localhost\n").unwrap();
        let hosts = HostsFile::open(&path, Path::new("/a"));
        (folder, path, hosts)
    }

    fn written(names: &str) -> String {
        format!("127.0.0.1 localhost\n# BEGIN pgkeep /a\n{names}# END pgkeep /a\n")
    }

    #[tokio::test]
    async fn names_are_read_once_and_written_when_they_change() {
        let (_folder, path, hosts) = hosts_file();
        let id = |number: u8| instance(number).0;
        let none = || panic!("the names are known");
        let text = || fs::read_to_string(&path).unwrap();
        hosts.ensure(|| Ok((1..3).map(instance).collect()), |_| false).await.unwrap();
        assert_eq!(text(), written("127.77.0.1 name-1\n127.77.0.2 name-2\n"));
        // What is said to be unchanged is not looked at.
        hosts.ensure(none, |names| names.remove(&id(3)).is_some()).await.unwrap();
        hosts.ensure(none, |names| names.remove(&id(2)).is_some()).await.unwrap();
        assert_eq!(text(), written("127.77.0.1 name-1\n"));
        // Somebody else wrote it.
        fs::write(&path, "127.0.0.1 localhost\n\n").unwrap();
        hosts.ensure(none, |_| false).await.unwrap();
        assert!(text().contains("name-1"), "{}", text());
        hosts.ensure(none, |names| names.remove(&id(1)).is_some()).await.unwrap();
        assert_eq!(text(), "127.0.0.1 localhost\n\n");
    }

    #[tokio::test]
    async fn a_hosts_file_that_others_keep_locked_is_written() {
        let (_folder, path, hosts) = hosts_file();
        let stranger = File::open(&path).unwrap();
        stranger.lock_shared().unwrap();
        hosts.ensure(one, |_| false).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), written("127.77.0.1 name-1\n"));
        assert!(hosts.published.lock().await.locked_out);
        hosts.ensure(one, |names| names.remove(&instance(1).0).is_some()).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "127.0.0.1 localhost\n");
        stranger.unlock().unwrap();
        hosts.ensure(one, |_| true).await.unwrap();
        assert!(!hosts.published.lock().await.locked_out);
        // It is given back.
        stranger.try_lock_shared().unwrap();
    }

    #[tokio::test]
    async fn a_hosts_file_that_was_replaced_is_opened_anew() {
        let (folder, path, hosts) = hosts_file();
        hosts.ensure(one, |_| false).await.unwrap();
        // As `sed -i.bak` does, which leaves the open file a name.
        fs::rename(&path, folder.path().join("hosts.bak")).unwrap();
        fs::write(&path, "127.0.0.1 localhost\n").unwrap();
        hosts.ensure(one, |_| false).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), written("127.77.0.1 name-1\n"));
        assert!(hosts.is_writable());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        hosts.ensure(one, |_| true).await.unwrap();
        assert!(!hosts.is_writable());
    }
}
