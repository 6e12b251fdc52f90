//! Where the files of an instance are, below the data directory.
//!
//! Every path is made here and nowhere else. Folders are 0700 and files 0600; what is replaced is
//! written beside its place and renamed, so that a reader sees the old or the new, never a part.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pgkeep_model::DbiResourceId;

use crate::PostgresError;

/// The longest name that a Unix socket can have, `sun_path` less its end (`unix(7)`).
const LONGEST_SOCKET_PATH: usize = 107;

/// The data directory, as far as servers are concerned.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the folders below the data directory.
    pub fn ensure(root: &Path) -> Result<Self, PostgresError> {
        let layout = Self { root: root.to_owned() };
        for folder in ["instances", "pool", "run", "trash", "view"] {
            ensure_folder(&root.join(folder))?;
        }
        Ok(layout)
    }

    /// Whether the sockets of instances have names that fit, and how long `root` may be.
    pub fn socket_names_fit(root: &Path) -> Result<(), usize> {
        let rest = "/run/".len() + SOCKET_FOLDER_LENGTH + "/.s.PGSQL.65535".len();
        let longest = LONGEST_SOCKET_PATH - rest;
        if root.as_os_str().len() > longest { Err(longest) } else { Ok(()) }
    }

    /// The files of one instance.
    pub fn instance(&self, id: &DbiResourceId) -> InstanceFiles {
        let short: String = id.as_str().chars().skip("db-".len()).collect();
        InstanceFiles {
            view: self.view(),
            folder: self.root.join("instances").join(id.as_str()),
            socket: self.root.join("run").join(&short[..short.len().min(SOCKET_FOLDER_LENGTH)]),
        }
    }

    /// The folders of all instances that are on the disk, by name.
    pub fn instance_folders(&self) -> Result<Vec<String>, PostgresError> {
        names(&self.root.join("instances"))
    }

    /// Prepared instances, a folder for each engine.
    pub(crate) fn pool(&self) -> PathBuf {
        self.root.join("pool")
    }

    /// Always empty: where an instance's view of the file system is put together, in a mount
    /// namespace of its own.
    pub fn view(&self) -> PathBuf {
        self.root.join("view")
    }

    /// What is being removed.
    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }
}

/// Characters of the resource id that name the socket folder: 60 bits of its randomness.
const SOCKET_FOLDER_LENGTH: usize = 12;

/// The files of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFiles {
    view: PathBuf,
    folder: PathBuf,
    socket: PathBuf,
}

impl InstanceFiles {
    /// The instance's own folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `PGDATA`.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where the instance's view of the file system is put together.
    pub(crate) fn view(&self) -> &Path {
        &self.view
    }

    /// What a server says of itself while it runs.
    pub(crate) fn postmaster_pid(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// The folder of the Unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Certificates, a folder for each serial number.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.join("certificates")
    }

    /// A link to the certificate folder in use; the service's name for it.
    pub fn metadata(&self) -> PathBuf {
        self.folder.join("rds-metadata")
    }

    /// The folder of log files.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The log of the postmaster until its collector runs.
    pub(crate) fn startup_log(&self) -> PathBuf {
        self.log().join("error").join("postgres.log")
    }

    /// `config_file`.
    pub fn postgresql_conf(&self) -> PathBuf {
        self.folder.join("postgresql.conf")
    }

    /// `hba_file`.
    pub fn pg_hba_conf(&self) -> PathBuf {
        self.folder.join("pg_hba.conf")
    }

    /// `ident_file`.
    pub fn pg_ident_conf(&self) -> PathBuf {
        self.folder.join("pg_ident.conf")
    }
}

/// Makes a folder, and those above it, for this user alone.
pub(crate) fn ensure_folder(path: &Path) -> Result<(), PostgresError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(PostgresError::file("make the folder", path))
}

/// Writes a file as a whole, for this user alone. A power cut may lose it, so it is only for what
/// every start of a server writes anew.
pub(crate) fn write_file(path: &Path, content: &str) -> Result<(), PostgresError> {
    let beside = path.with_extension("new");
    let write = || {
        write_new(&beside, content)?;
        fs::rename(&beside, path)
    };
    write().map_err(PostgresError::file("write", path))
}

/// Writes a file as [`write_file`] does, unless it is there and as it should be.
pub(crate) fn ensure_file(path: &Path, content: &str) -> Result<(), PostgresError> {
    let is_private = |it: fs::Metadata| it.is_file() && it.mode() & 0o777 == 0o600;
    let is_there = fs::symlink_metadata(path).is_ok_and(is_private)
        && fs::read(path).is_ok_and(|found| found == content.as_bytes());
    if is_there { Ok(()) } else { write_file(path, content) }
}

/// Writes files as a whole, for this user alone; they are on the disk when this returns. All are
/// written before the first is waited for, so that the disk is waited for once.
pub(crate) fn write_files_durably(contents: &[(PathBuf, &str)]) -> Result<(), PostgresError> {
    let mut written = Vec::with_capacity(contents.len());
    for (path, content) in contents {
        let beside = path.with_extension("new");
        let file = write_new(&beside, content).map_err(PostgresError::file("write", path))?;
        written.push((path, beside, file));
    }
    for (path, beside, file) in written {
        let finish = || file.sync_data().and_then(|()| fs::rename(beside, path));
        finish().map_err(PostgresError::file("write", path))?;
    }
    Ok(())
}

fn write_new(path: &Path, content: &str) -> std::io::Result<File> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())?;
    Ok(file)
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, PostgresError> {
    let error = PostgresError::file("list", folder);
    let read = || -> std::io::Result<Vec<String>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    read().map_err(error)
}
