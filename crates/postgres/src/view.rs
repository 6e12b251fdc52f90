//! An instance's own view of the file system, in which its folder is `/rdsdbdata`, as the service
//! shows it.
//!
//! A process that is about to become a postmaster gets a user and a mount namespace of its own: no
//! privilege is needed for that where the kernel allows user namespaces, and nothing of it is seen
//! outside or left behind. Its root is a small file system in memory that holds the folders of the
//! real one and that name. Capabilities of the new namespace end with `exec`, as for every user who
//! is not root there (`capabilities(7)`).

use std::env::temp_dir;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid, pivot_root};

/// Where an instance sees its folder.
pub const RDSDBDATA: &str = "/rdsdbdata";

/// The hidden command of this program that takes a view and becomes another program: `in-view ROOT
/// FOLDER PROGRAM ARGUMENTS…`.
pub const IN_VIEW: &str = "in-view";

/// Whether this user may have a view of its own, in which `needed`, a folder that is there, has its
/// path still: tried.
pub fn is_allowed(needed: &Path) -> bool {
    let mut command = Command::new("/proc/self/exe");
    command.arg(IN_VIEW).args([temp_dir(), temp_dir()]).args(["/usr/bin/test", "-d"]).arg(needed);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Makes this process, which must have one thread, `program` with a view in which `folder` is
/// [`RDSDBDATA`]; `root` is an empty folder. Returns only to say why it could not.
pub fn become_in_view(
    root: &Path,
    folder: &Path,
    program: &OsStr,
    arguments: &[OsString],
) -> io::Error {
    match enter(root, folder) {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

fn enter(root: &Path, folder: &Path) -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    // Without privilege a group is mapped only where none can be given up (`user_namespaces(7)`).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;

    let rdsdbdata = root.join(RDSDBDATA.trim_start_matches('/'));
    mount(Some("tmpfs"), root, Some("tmpfs"), MsFlags::empty(), Some("size=64k,mode=755"))?;
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        let (place, kind) = (root.join(entry.file_name()), entry.file_type()?);
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, place)?;
        } else if kind.is_dir() && place != rdsdbdata {
            bind(&entry.path(), &place)?;
        }
    }
    bind(folder, &rdsdbdata)?;
    pivot_root(root, root)?;
    // Both roots are mounted at `/` now, the old one on top.
    umount2("/", MntFlags::MNT_DETACH)?;
    std::env::set_current_dir("/")
}

fn bind(folder: &Path, place: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(place)?;
    let none: Option<&str> = None;
    Ok(mount(Some(folder), place, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?)
}
