//! From arguments to a process without privileges that holds its data directory.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::geteuid;
use pgkeep_postgres::{EngineCatalogue, EngineSettings};
use pgkeep_workflow::{HostsFile, Passphrase};

use crate::args::{EngineArgs, HostsArg, ServeArgs};
use crate::data_directory::{DataDirectory, make_folder, xdg_folder};
use crate::failure::{Hint as _, hinted};
use crate::lock::Lock;
use crate::os_user::OsUser;
use crate::passphrase;

/// Everything that had to be opened, by a process that now has no privileges.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) data: DataDirectory,
    pub(crate) user: OsUser,
    pub(crate) hosts: HostsFile,
    pub(crate) engines: EngineCatalogue,
    pub(crate) listener: TcpListener,
    pub(crate) lock: Lock,
    pub(crate) passphrase: Option<Passphrase>,
}

/// Opens what needs root, and gives root up. Only before there is a second thread.
pub(crate) fn prepare(args: &ServeArgs) -> anyhow::Result<Prepared> {
    let passphrase = passphrase::read(&args.passphrase)?;
    let (data, user) = DataDirectory::locate(&args.data)?.ensure(args.user.user.as_deref())?;
    ensure_engines_folder(&engines_folder(&args.engines)?, &user)?;
    let hosts = open_hosts(&args.hosts, &data)?;
    let engines = catalogue(&args.engines)?;
    if geteuid().is_root() {
        user.become_for_good()?;
    }
    data.check_reachable(&user)?;
    let lock = Lock::take(&data.lock())?;
    let listener = TcpListener::bind(args.listen.listen)
        .with_context(|| format!("cannot listen on {}", args.listen.listen))
        .hint(|| "choose another --listen; port 0 takes a free one".to_owned())?;
    Ok(Prepared { data, user, hosts, engines, listener, lock, passphrase })
}

/// The engines of this machine.
pub(crate) fn catalogue(args: &EngineArgs) -> anyhow::Result<EngineCatalogue> {
    Ok(EngineCatalogue::new(EngineSettings {
        folder: engines_folder(args)?,
        system_root: std::path::absolute(&args.system_engines)
            .context("cannot tell the current folder")?,
        registry: absolute_registry(args.engine_registry.as_deref())?,
    }))
}

/// The folder of engines, by the arguments or by default.
pub(crate) fn engines_folder(args: &EngineArgs) -> anyhow::Result<PathBuf> {
    let path = match &args.cache_dir {
        Some(path) => path.clone(),
        None if geteuid().is_root() => PathBuf::from("/var/cache/pgkeep"),
        None => xdg_folder("XDG_CACHE_HOME", ".cache")?,
    };
    std::path::absolute(path.join("engines")).context("cannot tell the current folder")
}

/// A folder of packages keeps its meaning wherever the process works.
fn absolute_registry(setting: Option<&str>) -> anyhow::Result<Option<String>> {
    let Some(setting) = setting else { return Ok(None) };
    if !Path::new(setting).is_dir() {
        return Ok(Some(setting.to_owned()));
    }
    let folder = std::path::absolute(setting).context("cannot tell the current folder")?;
    Ok(Some(folder.to_string_lossy().into_owned()))
}

/// Makes the folder of engines, which all may pass through: they are no secret, and other users run
/// them.
pub(crate) fn ensure_engines_folder(path: &Path, user: &OsUser) -> anyhow::Result<()> {
    let Some(made) = make_folder(path)? else { return Ok(()) };
    let shown = || format!("cannot make the folder of engines {}", path.display());
    made.set_permissions(Permissions::from_mode(0o755)).with_context(shown)?;
    let (uid, gid) = user.ids();
    if geteuid().is_root() { fchown(&made, uid, gid).with_context(shown) } else { Ok(()) }
}

/// The hosts file, opened for writing if that is allowed.
pub(crate) fn open_hosts(args: &HostsArg, data: &DataDirectory) -> anyhow::Result<HostsFile> {
    let asked = args.hosts_file.as_deref();
    let path = asked.unwrap_or(Path::new("/etc/hosts"));
    let path = std::path::absolute(path).context("cannot tell the current folder")?;
    let hosts = HostsFile::open(&path, data.path());
    if asked.is_some() && !(hosts.is_writable() && path.is_file()) {
        let message = format!("{} is no file that can be written", path.display());
        return Err(hinted(message, "name one that can with --hosts-file, or leave it out"));
    }
    Ok(hosts)
}
