//! The block in the hosts file that leads endpoint names to their addresses.
//!
//! The file is opened once, while pgkeep still has the rights to, and rewritten in place: in a
//! container it is a mount, which no rename can replace. Each data directory has a block of its
//! own; everything outside the block is left as it is.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use pgkeep_model::{DbInstance, DbiResourceId};

use crate::{Control, WorkflowError};

/// A hosts file that pgkeep may write, or none.
#[derive(Debug)]
pub struct HostsFile {
    open: Option<Mutex<Open>>,
    path: PathBuf,
    tag: String,
}

/// The names of all instances.
type Names = HashMap<DbiResourceId, NamesOfOne>;

/// The names that lead to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamesOfOne {
    address: IpAddr,
    /// That of its endpoint.
    endpoint: String,
    /// Those that its certificates are for.
    served: Vec<String>,
}

impl NamesOfOne {
    /// The name that a server's certificate is for and, until another than before is proved, that
    /// of the one before: a rename takes no name away before clients can use the next.
    fn of(instance: &DbInstance) -> Self {
        let (desired, applied) = (&instance.desired, &instance.applied);
        let certificates = [&applied.certificate, &applied.proved].into_iter().flatten();
        let mut served: Vec<_> = certificates.map(|it| it.endpoint.clone()).collect();
        if served.is_empty() || !desired.running {
            served = vec![desired.endpoint.clone()];
        }
        served.dedup();
        Self { address: desired.address, endpoint: desired.endpoint.clone(), served }
    }
}

#[derive(Debug)]
struct Open {
    file: File,
    /// What the block was last made to hold, and how the file looked then; none before the first
    /// time.
    held: Option<(Names, Option<Mark>)>,
}

/// How many instances are read at once: their rows are larger than their names.
const AT_ONCE: usize = 100;

/// Length and time of a file: another writes it in between, and they differ.
type Mark = (u64, SystemTime);

impl HostsFile {
    /// Opens the file for writing; without the right to, names are simply not published.
    pub fn open(path: &Path, data_directory: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self {
            open: file.ok().map(|file| Mutex::new(Open { file, held: None })),
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

    /// Makes the block hold exactly the names that it held, after a change of them: the first time
    /// those that `all` answers. `change` tells whether it changed any.
    fn ensure(
        &self,
        all: impl FnOnce() -> Result<Names, WorkflowError>,
        change: impl FnOnce(&mut Names) -> bool,
    ) -> Result<(), WorkflowError> {
        let Some(open) = &self.open else { return Ok(()) };
        let Open { file, held } = &mut *open.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut names, seen) = match held.take() {
            Some((names, seen)) => (names, seen),
            None => (all()?, None),
        };
        if change(&mut names) || seen.is_none() || seen != mark(file) {
            let written = rewrite_alone(file, &self.tag, &names);
            written.map_err(|source| WorkflowError::Hosts { path: self.path.clone(), source })?;
        }
        *held = Some((names, mark(file)));
        Ok(())
    }
}

impl Control {
    /// Publishes the names of an instance, or takes them back where that is to be deleted.
    pub(crate) fn publish_names_of(&self, instance: &DbInstance) -> Result<(), WorkflowError> {
        let all = || {
            let mut names = Names::new();
            let mut after = String::new();
            loop {
                let piece = self.store.instances_after(&after, AT_ONCE)?;
                let Some(last) = piece.last() else { return Ok(names) };
                last.desired.identifier.as_str().clone_into(&mut after);
                let kept = piece.into_iter().filter(|it| !it.desired.deleted);
                names.extend(kept.map(|it| (it.resource_id.clone(), NamesOfOne::of(&it))));
            }
        };
        let id = &instance.resource_id;
        self.settings.hosts.ensure(all, |names| {
            if instance.desired.deleted {
                names.remove(id).is_some()
            } else {
                let own = NamesOfOne::of(instance);
                let before = names.insert(id.clone(), own.clone());
                before != Some(own)
            }
        })
    }

    /// Takes all names back.
    pub(crate) fn withdraw_names(&self) -> Result<(), WorkflowError> {
        self.settings.hosts.ensure(
            || Ok(Names::new()),
            |names| {
                names.clear();
                true
            },
        )
    }
}

fn mark(file: &File) -> Option<Mark> {
    let metadata = file.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Rewrites the file while no other pgkeep does.
fn rewrite_alone(file: &mut File, tag: &str, names: &Names) -> io::Result<()> {
    file.lock()?;
    let done = rewrite(file, tag, names);
    file.unlock()?;
    done
}

fn rewrite(file: &mut File, tag: &str, names: &Names) -> io::Result<()> {
    let names = lines(names);
    let mut before = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut before)?;
    let after = render_hosts(&before, tag, &names);
    if before == after {
        return Ok(());
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(after.as_bytes())?;
    file.set_len(after.len() as u64)?;
    file.sync_data()
}

/// Each name with its address. One that an instance is about to give up may be wanted by another.
fn lines(names: &Names) -> Vec<(&str, IpAddr)> {
    let wanted: HashSet<_> = names.values().map(|it| &*it.endpoint).collect();
    let mut lines = Vec::new();
    for NamesOfOne { address, endpoint, served } in names.values() {
        let own = served.iter().filter(|name| *name == endpoint || !wanted.contains(&***name));
        lines.extend(own.map(|name| (&**name, *address)));
    }
    lines.sort_unstable();
    lines
}

/// The file's text with the block of `tag` replaced, or removed when there are no names.
fn render_hosts(before: &str, tag: &str, names: &[(&str, IpAddr)]) -> String {
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
        for (name, address) in names {
            let _ = writeln!(after, "{address} {name}");
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
        let one = ("a", IpAddr::from([127, 77, 0, 1]));
        let with = render_hosts(before, "/a", &[one]);
        assert_eq!(with, format!("{before}# BEGIN pgkeep /a\n127.77.0.1 a\n# END pgkeep /a\n"));
        assert_eq!(render_hosts(&with, "/a", &[one]), with);
        assert_eq!(render_hosts(&with, "/a", &[]), before);
    }

    #[test]
    fn names_are_read_once_and_written_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        std::fs::write(&path, "127.0.0.1 localhost\n").unwrap();
        let hosts = HostsFile::open(&path, Path::new("/a"));
        let name = |number: u8| {
            let name = format!("name-{number}");
            let address = IpAddr::from([127, 77, 0, number]);
            NamesOfOne { address, endpoint: name.clone(), served: vec![name] }
        };
        let id = |number: u8| DbiResourceId::from_random([number; 17]);
        let all = || Ok((1..3).map(|number| (id(number), name(number))).collect());
        let none = || panic!("the names are known");
        let text = || std::fs::read_to_string(&path).unwrap();
        let written = |names: &str| {
            format!("127.0.0.1 localhost\n# BEGIN pgkeep /a\n{names}# END pgkeep /a\n")
        };
        hosts.ensure(all, |_| false).unwrap();
        let both = written("127.77.0.1 name-1\n127.77.0.2 name-2\n");
        assert_eq!(text(), both);
        // What is said to be unchanged is not looked at.
        hosts.ensure(none, |names| names.remove(&id(3)).is_some()).unwrap();
        hosts.ensure(none, |names| names.remove(&id(2)).is_some()).unwrap();
        assert_eq!(text(), written("127.77.0.1 name-1\n"));
        // Somebody else wrote it.
        std::fs::write(&path, "127.0.0.1 localhost\n\n").unwrap();
        hosts.ensure(none, |_| false).unwrap();
        assert!(text().contains("name-1"), "{}", text());
        hosts.ensure(none, |names| names.remove(&id(1)).is_some()).unwrap();
        assert_eq!(text(), "127.0.0.1 localhost\n\n");
    }

    #[test]
    fn a_name_to_be_given_up_is_that_of_whoever_wants_it() {
        let names_of = |number: u8, endpoint: &str, served: &[&str]| {
            let address = IpAddr::from([127, 77, 0, number]);
            let served = served.iter().map(|name| (*name).to_owned()).collect();
            let own = NamesOfOne { address, endpoint: endpoint.to_owned(), served };
            (DbiResourceId::from_random([number; 17]), own)
        };
        let mut names = Names::from([names_of(1, "new", &["new", "old"])]);
        let address = |number| IpAddr::from([127, 77, 0, number]);
        assert_eq!(lines(&names), [("new", address(1)), ("old", address(1))]);
        names.extend([names_of(2, "old", &["old"])]);
        assert_eq!(lines(&names), [("new", address(1)), ("old", address(2))]);
    }
}
