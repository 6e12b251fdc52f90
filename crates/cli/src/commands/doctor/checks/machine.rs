//! What the machine has: room, rights, engines, a free port.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::statvfs::statvfs;
use pgkeep_model::{Clock as _, EngineSource};
use pgkeep_postgres::view::{self, RDSDBDATA};
use pgkeep_postgres::{EngineCatalogue, Layout};
use pgkeep_workflow::HostsFile;

use super::super::Finding;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::render_chain;
use crate::os_user::OsUser;

/// MiB that an instance without data takes, its write-ahead log included.
const INSTANCE_MIB: u64 = 64;
/// MiB below which the next few instances may fill the disk: a stock of two and some more.
const COMFORTABLE_MIB: u64 = 1024;

pub(super) fn disk_space(path: &Path) -> Finding {
    const WHAT: &str = "disk space";
    let there = nearest(path);
    let free = match statvfs(there) {
        Ok(about) => (about.blocks_available() * about.fragment_size()) >> 20,
        Err(error) => return Finding::warn(WHAT, error.to_string(), "see df"),
    };
    let message = format!("{free} MiB free at {}", there.display());
    let hint = format!("an instance takes at least {INSTANCE_MIB} MiB: free some, or move");
    match free {
        0..INSTANCE_MIB => Finding::fail(WHAT, message, hint),
        INSTANCE_MIB..COMFORTABLE_MIB => Finding::warn(WHAT, message, hint),
        _ => Finding::ok(WHAT, message),
    }
}

/// The folder itself, or the closest above it that is there.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"))
}

pub(super) fn folder(
    data: &DataDirectory,
    found: &anyhow::Result<Option<(DataDirectory, OsUser)>>,
) -> Vec<Finding> {
    const WHAT: &str = "data directory";
    let path = data.path().display();
    let mut findings = Vec::new();
    if let Err(longest) = Layout::socket_names_fit(data.path()) {
        let message = format!("{path} is too long for Unix sockets below it");
        findings.push(Finding::fail(WHAT, message, format!("at most {longest} bytes")));
    }
    findings.push(match found {
        Ok(None) => Finding::warn(
            WHAT,
            format!("{path} is not there yet"),
            format!("pgkeep serve --data-dir {path} makes it"),
        ),
        Ok(Some((_, owner))) => {
            let mode = data.path().metadata().map_or(0, |about| about.mode() & 0o777);
            let message = format!("{path} belongs to {}, mode {mode:04o}", owner.name);
            if mode & 0o077 != 0 {
                Finding::fail(WHAT, message, format!("chmod 700 {path}"))
            } else if owner.uid.is_root() {
                let hint = "pgkeep serve gives it to an unprivileged user if it is empty";
                Finding::warn(WHAT, message, hint)
            } else {
                Finding::ok(WHAT, message)
            }
        }
        Err(error) => {
            Finding::fail(WHAT, render_chain(error.as_ref()), "run doctor as root or its owner")
        }
    });
    findings
}

pub(super) fn engines(catalogue: &EngineCatalogue) -> Vec<Finding> {
    const WHAT: &str = "engines";
    let engines = catalogue.scan();
    let today = SystemClock.now().date();
    let versions: Vec<String> = engines.offered.iter().map(|it| it.version.to_string()).collect();
    let mut findings = vec![if !versions.is_empty() {
        Finding::ok(WHAT, format!("PostgreSQL {} installed", versions.join(", ")))
    } else if let Some(newest) = engines.available.first() {
        let hint =
            format!("pgkeep engines install {}; or apt-get install postgresql", newest.major);
        Finding::warn(WHAT, "none is installed; the first create downloads one", hint)
    } else {
        Finding::fail(WHAT, "there is none for this machine", "apt-get install postgresql")
    }];
    findings.extend(engines.offered.iter().filter_map(|engine| {
        let warning = engine.openssl_warning(today)?;
        let message = format!("{}: {warning}", engine.id());
        let hint = match engine.source {
            EngineSource::System => "keep the distribution's security updates coming",
            EngineSource::Embedded => "prefer the distribution's PostgreSQL where others connect",
        };
        Some(Finding::warn("openssl", message, hint))
    }));
    findings.extend(engines.refused.iter().map(|refused| {
        let message = format!("{}: {}", refused.path.display(), render_chain(&refused.reason));
        let hint = refused.reason.hint().unwrap_or("repair or remove it");
        Finding::warn(WHAT, message, hint)
    }));
    findings
}

pub(super) fn own_view(path: &Path) -> Finding {
    const WHAT: &str = "view";
    if view::is_allowed(nearest(path)) {
        return Finding::ok(WHAT, format!("servers see their folder as {RDSDBDATA}"));
    }
    Finding::warn(
        WHAT,
        format!("servers show real paths, not {RDSDBDATA}: this user may have no user namespace"),
        "see user.max_user_namespaces and AppArmor's restriction; nothing else depends on it",
    )
}

pub(super) fn port(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok("port", format!("pgkeep does not run; {address} is free for it")),
        Err(error) => Finding::fail(
            "port",
            format!("pgkeep does not run, and {address} cannot be had: {error}"),
            "choose another with pgkeep serve --listen",
        ),
    }
}

pub(super) fn hosts(hosts: &HostsFile) -> Finding {
    let path = hosts.path().display();
    if hosts.is_writable() {
        return Finding::ok("hosts file", format!("endpoint names can be written to {path}"));
    }
    Finding::warn(
        "hosts file",
        format!("endpoint names cannot be written to {path}"),
        "use the hostaddr of the connection strings, or run pgkeep as root",
    )
}
