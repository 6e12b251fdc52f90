//! The block in the hosts file that leads endpoint names to their addresses.
//!
//! The file is opened once, while pgkeep still has the rights to, and rewritten in place: in a
//! container it is a mount, which no rename can replace. Each data directory has a block of its
//! own; everything outside the block is left as it is.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pgkeep_model::DbiResourceId;

/// A hosts file that pgkeep may write, or none.
#[derive(Debug)]
pub struct HostsFile {
    open: Option<Mutex<Open>>,
    path: PathBuf,
    tag: String,
}

/// A name that leads to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// The instance.
    pub(crate) owner: DbiResourceId,
    /// Where the name leads.
    pub(crate) address: IpAddr,
    /// The name.
    pub(crate) host: String,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// What was written last, and how the file was then.
    written: Option<(Mark, Vec<Name>)>,
}

/// What of a file changes when it is written: its length, and the time in seconds and nanoseconds.
type Mark = (u64, i64, i64);

impl HostsFile {
    /// Opens the file for writing; without the right to, names are simply not published.
    pub fn open(path: &Path, data_directory: &Path) -> Self {
        let open = OpenOptions::new().read(true).write(true).open(path);
        Self {
            open: open.ok().map(|file| Mutex::new(Open { file, written: None })),
            path: path.to_owned(),
            tag: data_directory.display().to_string(),
        }
    }

    /// Whether names are published.
    pub fn is_writable(&self) -> bool {
        self.open.is_some()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the block hold exactly these names.
    pub(crate) fn ensure(&self, names: &[Name]) -> io::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { file, written } = &mut *open;
        file.lock()?;
        let done = rewrite(file, &self.tag, names).and_then(|()| mark(file));
        file.unlock()?;
        *written = Some((done?, names.to_vec()));
        Ok(())
    }

    /// Whether these were the names of an instance when the file was written last, and nobody else
    /// wrote it since.
    pub(crate) fn holds(&self, owner: &DbiResourceId, names: &[Name]) -> bool {
        let Some(open) = &self.open else { return true };
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        open.written.as_ref().is_some_and(|(was, written)| {
            let holds = written.iter().filter(|it| it.owner == *owner).eq(names);
            holds && mark(&open.file).is_ok_and(|mark| mark == *was)
        })
    }
}

fn mark(file: &File) -> io::Result<Mark> {
    let about = file.metadata()?;
    Ok((about.len(), about.ctime(), about.ctime_nsec()))
}

fn rewrite(file: &mut File, tag: &str, names: &[Name]) -> io::Result<()> {
    let mut before = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut before)?;
    let after = render_hosts(&before, tag, names);
    if before == after {
        return Ok(());
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(after.as_bytes())?;
    file.set_len(after.len() as u64)?;
    file.sync_data()
}

/// The file's text with the block of `tag` replaced, or removed when there are no names.
fn render_hosts(before: &str, tag: &str, names: &[Name]) -> String {
    let begin = format!("# BEGIN pgkeep {tag}");
    let end = format!("# END pgkeep {tag}");
    let mut inside = false;
    let mut after = String::with_capacity(before.len());
    for line in before.lines() {
        inside |= line == begin;
        if !inside {
            after.push_str(line);
            after.push('\n');
        }
        inside &= line != end;
    }
    if !names.is_empty() {
        after.push_str(&begin);
        after.push('\n');
        for Name { address, host, .. } in names {
            let _ = writeln!(after, "{address} {host}");
        }
        after.push_str(&end);
        after.push('\n');
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_block_changes() {
        let before = "127.0.0.1 localhost\n# BEGIN pgkeep /b\n127.77.0.2 b\n# END pgkeep /b\n";
        let address = IpAddr::from([127, 77, 0, 1]);
        let owner = DbiResourceId::from_random([0; 17]);
        let one = [Name { owner, address, host: "a".to_owned() }];
        let with = render_hosts(before, "/a", &one);
        assert_eq!(with, format!("{before}# BEGIN pgkeep /a\n127.77.0.1 a\n# END pgkeep /a\n"));
        assert_eq!(render_hosts(&with, "/a", &one), with);
        assert_eq!(render_hosts(&with, "/a", &[]), before);
    }
}
