//! From arguments to a process without privileges that holds its data directory.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::geteuid;
use pgkeep_postgres::{EngineCatalogue, EngineSettings};
use pgkeep_workflow::HostsFile;

use crate::args::{EngineArgs, ServeArgs};
use crate::data_directory::{DataDirectory, make_folder, xdg_folder};
use crate::failure::{Hint as _, hinted};
use crate::lock::Lock;
use crate::os_user::OsUser;

/// Everything that had to be opened, by a process that now has no privileges.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) data: DataDirectory,
    pub(crate) user: OsUser,
    pub(crate) hosts: HostsFile,
    pub(crate) engines: EngineCatalogue,
    pub(crate) listener: TcpListener,
    pub(crate) lock: Lock,
}

/// Opens what needs root, and gives root up. Only before there is a second thread.
pub(crate) fn prepare(args: &ServeArgs) -> anyhow::Result<Prepared> {
    let (data, user) = DataDirectory::locate(&args.data)?.ensure(args.user.as_deref())?;
    let cache_dir = cache_directory(&args.engines)?;
    ensure_cache(&cache_dir, &user)?;
    let hosts = open_hosts(args.hosts_file.as_deref(), &data)?;
    let registry = absolute_registry(args.engines.engine_registry.as_deref())?;
    if geteuid().is_root() {
        user.become_for_good()?;
    }
    data.check_reachable(&user)?;
    let lock = Lock::take(&data.lock())?;
    let listener = TcpListener::bind(args.listen)
        .with_context(|| format!("cannot listen on {}", args.listen))
        .hint(|| "choose another --listen; port 0 takes a free one".to_owned())?;
    let system_root = PathBuf::from("/usr/lib/postgresql");
    let engines = EngineCatalogue::new(EngineSettings { cache_dir, system_root, registry });
    Ok(Prepared { data, user, hosts, engines, listener, lock })
}

/// The folder of engines, by the arguments or by default.
pub(crate) fn cache_directory(args: &EngineArgs) -> anyhow::Result<PathBuf> {
    let path = match &args.cache_dir {
        Some(path) => path.clone(),
        None if geteuid().is_root() => PathBuf::from("/var/cache/pgkeep"),
        None => xdg_folder("XDG_CACHE_HOME", ".cache")?,
    };
    std::path::absolute(path).context("cannot tell the current folder")
}

/// A folder of packages keeps its meaning wherever the process works.
pub(crate) fn absolute_registry(setting: Option<&str>) -> anyhow::Result<Option<String>> {
    let Some(setting) = setting else { return Ok(None) };
    if !Path::new(setting).is_dir() {
        return Ok(Some(setting.to_owned()));
    }
    let folder = std::path::absolute(setting).context("cannot tell the current folder")?;
    Ok(Some(folder.to_string_lossy().into_owned()))
}

/// Makes the cache, which all may pass through: engines are no secret, and other users run them.
pub(crate) fn ensure_cache(path: &Path, user: &OsUser) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let shown = || format!("cannot make the cache {}", path.display());
    make_folder(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755)).with_context(shown)?;
    let (uid, gid) = user.ids();
    if geteuid().is_root() { chown(path, uid, gid).with_context(shown) } else { Ok(()) }
}

fn open_hosts(asked: Option<&Path>, data: &DataDirectory) -> anyhow::Result<HostsFile> {
    let path = asked.unwrap_or(Path::new("/etc/hosts"));
    let path = std::path::absolute(path).context("cannot tell the current folder")?;
    let hosts = HostsFile::open(&path, data.path());
    if asked.is_some() && !hosts.is_writable() {
        let message = format!("the hosts file {} cannot be written", path.display());
        return Err(hinted(message, "make it writable, or leave --hosts-file out"));
    }
    Ok(hosts)
}
