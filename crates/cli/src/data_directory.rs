//! The data directory: where it is, whose it is, and the files in it that the command line reads.
//!
//! It and everything below belongs to one unprivileged user. SQLite makes files beside the state
//! file even for readers, so whoever opens it becomes that user first. Paths of instances are the
//! business of `pgkeep_postgres`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Uid, geteuid};
use pgkeep_model::DbInstance;
use pgkeep_postgres::Layout;
use pgkeep_store::{Installation, Store};

use crate::args::DataDirArgs;
use crate::failure::hinted;
use crate::lock::Lock;
use crate::os_user::OsUser;

/// A folder, and not what a link in its place leads to.
const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// A data directory's path: absolute, and without links once it exists.
#[derive(Debug, Clone)]
pub(crate) struct DataDirectory(PathBuf);

impl DataDirectory {
    /// Where it is, by the arguments or by default.
    pub(crate) fn locate(args: &DataDirArgs) -> anyhow::Result<Self> {
        let path = match &args.data_dir {
            Some(path) => path.clone(),
            None if geteuid().is_root() => PathBuf::from("/var/lib/pgkeep"),
            None => xdg_folder("XDG_STATE_HOME", ".local/state")?,
        };
        let path = std::path::absolute(path).context("cannot tell the current folder")?;
        Ok(Self(fs::canonicalize(&path).unwrap_or(path)))
    }

    /// Opens one that is there, and becomes its owner for good.
    pub(crate) fn open(args: &DataDirArgs) -> anyhow::Result<Self> {
        let (data, owner) = Self::find(args)?;
        if owner.uid != geteuid() {
            owner.become_for_good()?;
        }
        Ok(data)
    }

    /// Finds one that is there, and its owner, whose rights this process has or can take.
    pub(crate) fn find(args: &DataDirArgs) -> anyhow::Result<(Self, OsUser)> {
        let data = Self::locate(args)?;
        let path = data.0.display();
        let about = match fs::metadata(&data.0) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let first = format!("start pgkeep first: pgkeep serve --data-dir {path}");
                return Err(hinted(format!("there is no data directory {path}"), first));
            }
            Err(error) => return Err(error).with_context(|| format!("cannot look at {path}")),
        };
        let owner = data.owner(about.uid())?;
        data.check_owner(&owner)?;
        Ok((data, owner))
    }

    /// Makes it where it is not there, or judges what is there; answers the user to run as. What
    /// is there is changed only if it is empty or pgkeep's own.
    pub(crate) fn ensure(self, asked_user: Option<&str>) -> anyhow::Result<(Self, OsUser)> {
        let root = geteuid().is_root();
        if !root && asked_user.is_some() {
            bail!("only root can become another user");
        }
        self.check_length()?;
        make_folder(&self.0)?;
        let data = Self(fs::canonicalize(&self.0).context("cannot resolve the data directory")?);
        data.check_length()?;
        let shown = || format!("cannot use {} as data directory", data.0.display());
        if !root {
            let about = fs::metadata(&data.0).with_context(shown)?;
            data.check_owner(&data.owner(about.uid())?)?;
        }
        let folder = open_folder(&data.0).with_context(shown)?;
        // What is judged is what was opened, even if the name leads elsewhere by now.
        let opened = Self(format!("/proc/self/fd/{}", folder.as_raw_fd()).into());
        let is_empty = fs::read_dir(&opened.0).with_context(shown)?.next().is_none();
        if !is_empty && !Lock::is_ours(&opened.lock()) {
            let message = format!("{} is not empty and not pgkeep's", data.0.display());
            return Err(hinted(message, "name an empty or new folder with --data-dir"));
        }
        let owner = Uid::from_raw(folder.metadata().with_context(shown)?.uid());
        let user =
            if root { data.decide_user(asked_user, owner, is_empty)? } else { OsUser::current()? };
        if owner != user.uid {
            let (uid, gid) = user.ids();
            fchown(&folder, uid, gid).with_context(shown)?;
        }
        folder.set_permissions(Permissions::from_mode(0o700)).with_context(shown)?;
        Ok((data, user))
    }

    /// Checks, as the user to run as, that every folder above can be passed.
    pub(crate) fn check_reachable(&self, user: &OsUser) -> anyhow::Result<()> {
        let mut folders: Vec<&Path> = self.0.ancestors().collect();
        folders.reverse();
        let closed = folders.iter().find(|folder| {
            fs::metadata(folder.join("."))
                .is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
        });
        let Some(closed) = closed else { return Ok(()) };
        let closed = closed.display();
        let message = format!("the user {} cannot pass through {closed}", user.name);
        Err(hinted(
            message,
            format!("chmod o+x {closed}; or choose a --data-dir elsewhere, or another --user"),
        ))
    }

    /// The user that root becomes: the owner of a data directory that is in use already.
    fn decide_user(
        &self,
        asked: Option<&str>,
        owner: Uid,
        is_empty: bool,
    ) -> anyhow::Result<OsUser> {
        if is_empty || owner.is_root() {
            return OsUser::unprivileged(asked);
        }
        let owner = self.owner(owner.as_raw())?;
        let path = self.0.display();
        match asked {
            Some(name) if name != owner.name => Err(hinted(
                format!("{path} belongs to the user {}, not {name}", owner.name),
                format!("leave --user out; or, to change the owner: chown -R {name} {path}"),
            )),
            _ => Ok(owner),
        }
    }

    fn owner(&self, uid: u32) -> anyhow::Result<OsUser> {
        let owner = OsUser::of_uid(Uid::from_raw(uid))?;
        owner.with_context(|| format!("the owner of {} has no name", self.0.display()))
    }

    fn check_owner(&self, owner: &OsUser) -> anyhow::Result<()> {
        let me = geteuid();
        if me == owner.uid || me.is_root() {
            return Ok(());
        }
        let message = format!("{} belongs to the user {}", self.0.display(), owner.name);
        Err(hinted(message, format!("run this as root or as {}", owner.name)))
    }

    fn check_length(&self) -> anyhow::Result<()> {
        Layout::socket_names_fit(&self.0).map_err(|longest| {
            let message = format!(
                "the path {} is too long: the names of Unix sockets below it would not fit",
                self.0.display()
            );
            hinted(message, format!("choose a --data-dir of at most {longest} bytes"))
        })
    }

    /// The state file, opened for reading.
    pub(crate) fn state(&self) -> anyhow::Result<Store> {
        let path = self.state_file();
        if !path.exists() {
            let shown = self.0.display();
            let message = format!("{shown} holds no state of pgkeep's yet");
            return Err(hinted(message, format!("pgkeep serve --data-dir {shown}")));
        }
        Ok(Store::open_read_only(&path)?)
    }

    /// Region, account and domain; none before the first start.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method fits one life only")]
    pub(crate) fn installation(&self) -> anyhow::Result<Option<Installation>> {
        Ok(self.state()?.read(|state| state.installation())?)
    }

    /// Every DB instance, by identifier.
    pub(crate) fn instances(&self) -> anyhow::Result<Vec<DbInstance>> {
        Ok(self.state()?.instances()?)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.0.join("state.db")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.0.join("credentials")
    }
}

/// The folder of pgkeep's below the one that an XDG variable names, or its default below `HOME`
/// (XDG Base Directory Specification).
pub(crate) fn xdg_folder(variable: &str, default: &str) -> anyhow::Result<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = std::env::var_os(variable).map(PathBuf::from).filter(absolute);
    let home = || std::env::home_dir().filter(absolute).map(|home| home.join(default));
    let base =
        named.or_else(home).with_context(|| format!("neither HOME nor {variable} is set"))?;
    Ok(base.join("pgkeep"))
}

/// Makes a folder for its owner alone; those above it that are missing are open to pass. Answers
/// the folder unless it was there already: what root then gives away is what it made, whatever
/// somebody who may write in the folder above puts in its place meanwhile.
pub(crate) fn make_folder(path: &Path) -> anyhow::Result<Option<File>> {
    let shown = || format!("cannot make the folder {}", path.display());
    let Some(parent) = path.parent() else { return Ok(None) };
    if !parent.exists()
        && let Some(made) = make_folder(parent)?
    {
        made.set_permissions(Permissions::from_mode(0o755)).with_context(shown)?;
    }
    let Some(name) = path.file_name() else { return Ok(None) };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let parent = open(parent, flags, Mode::empty()).with_context(shown)?;
    match mkdirat(&parent, name, Mode::S_IRWXU) {
        Err(Errno::EEXIST) => return Ok(None),
        made => made.with_context(shown)?,
    }
    let made = openat(&parent, name, FOLDER, Mode::empty()).with_context(shown)?;
    Ok(Some(made.into()))
}

/// The folder itself, whatever becomes of its name meanwhile.
fn open_folder(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FOLDER.bits()).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_answered_only_by_the_call_that_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("above/engines");
        let made = make_folder(&path).unwrap().unwrap();
        assert_eq!(made.metadata().unwrap().mode() & 0o777, 0o700);
        let above = folder.path().join("above").metadata().unwrap();
        assert_eq!(above.mode() & 0o777, 0o755);
        assert!(make_folder(&path).unwrap().is_none());
        fs::remove_dir(&path).unwrap();
        // Neither what a link leads to nor a file is made, given away or opened up.
        for target in ["/", "nowhere"] {
            symlink(target, &path).unwrap();
            assert!(make_folder(&path).unwrap().is_none(), "{target}");
            fs::remove_file(&path).unwrap();
        }
    }
}
