//! The checks, in the order in which a problem of one explains those after it.

mod inside;
mod machine;

use nix::unistd::geteuid;

use super::Finding;
use crate::args::DoctorArgs;
use crate::data_directory::DataDirectory;
use crate::os_user::{OsUser, UNPRIVILEGED};
use crate::startup::{catalogue, open_hosts};

/// Looks at everything. As root it gives root up for what the data directory's owner can see; with
/// no user to become, it says so and looks no further.
pub(super) fn all(args: &DoctorArgs) -> anyhow::Result<Vec<Finding>> {
    let data = DataDirectory::locate(&args.data)?;
    let hosts = open_hosts(&args.hosts, &data)?;
    let engines = catalogue(&args.engines)?;
    let found = data.path().exists().then(|| DataDirectory::find(&args.data)).transpose();
    let user = match &found {
        Ok(Some((_, owner))) if !owner.uid.is_root() => Ok(owner.clone()),
        _ if geteuid().is_root() => OsUser::unprivileged(args.user.user.as_deref()),
        _ => OsUser::current(),
    };
    let mut findings = vec![unprivileged_user(&user), machine::disk_space(data.path())];
    findings.extend(machine::folder(&data, &found));
    if geteuid().is_root() {
        // What follows runs programs and reads files of that user's: never as root.
        let Ok(user) = &user else { return Ok(findings) };
        user.become_for_good()?;
    }
    findings.extend(machine::engines(&engines));
    findings.push(machine::own_view(data.path()));
    let running = inside::running(&data);
    findings.push(match &running {
        Some(pid) => inside::serving(&data, pid),
        None => machine::port(args.listen.listen),
    });
    findings.push(machine::hosts(&hosts));
    if matches!(found, Ok(Some(_))) && data.state_file().exists() {
        findings.extend(inside::authorities(&data));
        findings.extend(inside::instances(&data, &hosts));
    }
    Ok(findings)
}

fn unprivileged_user(user: &anyhow::Result<OsUser>) -> Finding {
    const WHAT: &str = "user";
    match user {
        Ok(user) if Some(&user.name.as_str()) == UNPRIVILEGED.last() => Finding::warn(
            WHAT,
            format!("servers run as {}, which other services use too", user.name),
            "adduser --system --group pgkeep",
        ),
        Ok(user) => Finding::ok(WHAT, format!("servers run as {}", user.name)),
        Err(error) => Finding::fail(WHAT, error.to_string(), "adduser --system --group pgkeep"),
    }
}
