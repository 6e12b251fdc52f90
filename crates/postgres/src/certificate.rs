//! The certificate and key in an instance's folder, swapped as one.
//!
//! Each pair lives in a folder named by its serial number, and `rds-metadata` is a link to the one
//! in use: a single rename moves the server from pair to pair, and the old pair is there to go
//! back to.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::PostgresError;
use crate::layout::{InstanceFiles, ensure_folder, names, write_files_durably};

const CERTIFICATE: &str = "server-cert.pem";
const KEY: &str = "server-key.pem";
const AUTHORITIES: &str = "ca-cert.pem";
const FILES: [&str; 3] = [CERTIFICATE, KEY, AUTHORITIES];

/// What a server needs to present itself.
pub struct KeyPair {
    /// The leaf and its subordinate.
    pub chain: String,
    /// The private key, PKCS#8.
    pub key: String,
    /// The roots.
    pub roots: String,
}

/// What of a pair's files and of `rds-metadata` changes whenever they do: a cheap answer to whether
/// they have to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairMark {
    link: Option<PathBuf>,
    files: [Option<FileMark>; 3],
}

impl PairMark {
    /// What it will be when `rds-metadata` leads to that pair and nothing else changes.
    #[must_use]
    pub fn once_in_use(mut self, serial: &str) -> Self {
        self.link = Some(target(serial));
        self
    }
}

/// Device, inode, size, mode, and the time of the last change, which no program can set.
type FileMark = (u64, u64, u64, u32, (i64, i64));

/// Writes a pair, to be used later.
pub fn write_key_pair(
    files: &InstanceFiles,
    serial: &str,
    pair: &KeyPair,
) -> Result<(), PostgresError> {
    let folder = files.certificates().join(serial);
    ensure_folder(&folder)?;
    write_files_durably(&[
        (folder.join(CERTIFICATE), &pair.chain),
        (folder.join(KEY), &pair.key),
        (folder.join(AUTHORITIES), &pair.roots),
    ])
}

/// Reads a pair, in use or not.
///
/// # Errors
/// A file is missing or cannot be read, or PostgreSQL would refuse the key because others can
/// read it.
pub fn read_key_pair(files: &InstanceFiles, serial: &str) -> Result<KeyPair, PostgresError> {
    let folder = files.certificates().join(serial);
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(PostgresError::file("read", path))
    };
    let pair = KeyPair { chain: read(CERTIFICATE)?, key: read(KEY)?, roots: read(AUTHORITIES)? };
    let path = folder.join(KEY);
    let about = fs::metadata(&path).map_err(PostgresError::file("look at", &path))?;
    let mode = about.mode() & 0o7777;
    let for_others = mode & 0o077;
    if for_others == 0 { Ok(pair) } else { Err(PostgresError::KeyMode { path, mode }) }
}

/// Points `rds-metadata` to a pair that is there.
pub fn use_key_pair(files: &InstanceFiles, serial: &str) -> Result<(), PostgresError> {
    let beside = files.folder().join("rds-metadata.new");
    let link = || {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(target(serial), &beside)?;
        fs::rename(&beside, files.metadata())
    };
    link().map_err(PostgresError::file("link", files.metadata()))
}

/// Removes all pairs but those.
pub fn remove_other_key_pairs(files: &InstanceFiles, kept: &[&str]) -> Result<(), PostgresError> {
    for name in names(&files.certificates())? {
        if !kept.contains(&&*name) {
            let old = files.certificates().join(name);
            fs::remove_dir_all(&old).map_err(PostgresError::file("remove", old))?;
        }
    }
    Ok(())
}

/// Whether `rds-metadata` leads to that pair.
///
/// # Errors
/// It is missing, is no link, or leads elsewhere.
pub fn check_in_use(files: &InstanceFiles, serial: &str) -> Result<(), PostgresError> {
    let path = files.metadata();
    let found = fs::read_link(&path).map_err(PostgresError::file("read the link", &path))?;
    if found == target(serial) { Ok(()) } else { Err(PostgresError::OtherPair { path, found }) }
}

/// Looks at `rds-metadata` and at the files of a pair.
pub fn pair_mark(files: &InstanceFiles, serial: &str) -> PairMark {
    let folder = files.certificates().join(serial);
    let mark = |name| fs::metadata(folder.join(name)).ok().map(|about| file_mark(&about));
    PairMark { link: fs::read_link(files.metadata()).ok(), files: FILES.map(mark) }
}

fn file_mark(about: &Metadata) -> FileMark {
    (about.dev(), about.ino(), about.len(), about.mode(), (about.ctime(), about.ctime_nsec()))
}

fn target(serial: &str) -> PathBuf {
    Path::new("certificates").join(serial)
}

/// The chain in use, as the server is to present it.
pub fn chain_in_use(files: &InstanceFiles) -> Result<String, PostgresError> {
    let path = files.metadata().join(CERTIFICATE);
    fs::read_to_string(&path).map_err(PostgresError::file("read", path))
}
