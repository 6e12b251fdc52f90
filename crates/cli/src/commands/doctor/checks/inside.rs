//! What is in the data directory, and whether the world agrees with it.

use std::collections::HashSet;
use std::fs;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use pgkeep_model::{Clock as _, DbInstance, InstanceStatus, ca_policy, due_expiry_warning};
use pgkeep_postgres::Layout;
use pgkeep_workflow::{AuthorityInfo, HostsFile};

use super::super::Finding;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::render_chain;
use crate::instances::days_between;
use crate::lock::Lock;

const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// The process that holds the data directory.
pub(super) fn running(data: &DataDirectory) -> Option<String> {
    Lock::holder(&data.lock())
}

pub(super) fn serving(data: &DataDirectory, pid: &str) -> Finding {
    const WHAT: &str = "serve";
    let Ok(url) = data.api_url() else {
        return Finding::warn(WHAT, format!("pid {pid} is starting"), "try again");
    };
    let address = url.strip_prefix("http://").and_then(|it| it.parse::<SocketAddr>().ok());
    let answers = address.is_some_and(|it| TcpStream::connect_timeout(&it, CONNECT_LIMIT).is_ok());
    if answers {
        Finding::ok(WHAT, format!("pid {pid} serves {url}"))
    } else {
        let message = format!("pid {pid} does not answer at {url}");
        Finding::fail(WHAT, message, format!("kill {pid}, and start pgkeep serve again"))
    }
}

pub(super) fn instances(data: &DataDirectory, hosts: &HostsFile) -> Vec<Finding> {
    const WHAT: &str = "instances";
    let read = || -> anyhow::Result<Vec<(DbInstance, Option<String>)>> {
        let state = data.state()?;
        let rows = state.instances()?.into_iter();
        Ok(state.read(|state| {
            rows.map(|row| state.last_error(&row.resource_id).map(|error| (row, error))).collect()
        })?)
    };
    let rows = match read() {
        Ok(rows) => rows,
        Err(error) => {
            let hint = "the state file is damaged, or of a newer pgkeep";
            return vec![Finding::fail(WHAT, render_chain(error.as_ref()), hint)];
        }
    };
    let mut findings = vec![Finding::ok(WHAT, format!("{} in the state file", rows.len()))];
    let published = fs::read_to_string(hosts.path()).unwrap_or_default();
    for (instance, last_error) in &rows {
        findings.extend(condition(instance, last_error.as_deref()));
        findings.extend(expiry(instance));
        findings.push(resolution(instance, &published, hosts.is_writable()));
    }
    findings.extend(orphans(data, &rows));
    findings
}

fn condition(instance: &DbInstance, last_error: Option<&str>) -> Option<Finding> {
    let identifier = &instance.desired.identifier;
    let message = format!("{identifier} is {}: {}", instance.status, last_error.unwrap_or("-"));
    let hint = format!("pgkeep logs {identifier}");
    match instance.status {
        InstanceStatus::Failed | InstanceStatus::IncompatibleParameters => {
            Some(Finding::fail("instances", message, hint))
        }
        _ => last_error.map(|_| Finding::warn("instances", message, hint)),
    }
}

fn expiry(instance: &DbInstance) -> Option<Finding> {
    const WHAT: &str = "certificate";
    let identifier = &instance.desired.identifier;
    let certificate = instance.applied.certificate.as_ref()?;
    let now = SystemClock.now();
    let days = days_between(now, certificate.not_after);
    let message = format!("{identifier}'s has {days} days left");
    let hint = format!(
        "aws rds modify-db-instance --db-instance-identifier {identifier} \
        --ca-certificate-identifier ... --apply-immediately"
    );
    Some(match due_expiry_warning(certificate.not_after, now) {
        Some(..=7) => Finding::fail(WHAT, message, hint),
        Some(_) => Finding::warn(WHAT, message, hint),
        None => Finding::ok(WHAT, message),
    })
}

/// Those of the user's own, which nobody else replaces.
pub(super) fn authorities(data: &DataDirectory) -> Vec<Finding> {
    const WHAT: &str = "authority";
    let authorities = match data.authorities() {
        Ok(authorities) => authorities.into_iter(),
        Err(error) => {
            let hint = "put the file back as it was; nothing is made anew over it";
            return vec![Finding::fail(WHAT, render_chain(error.as_ref()), hint)];
        }
    };
    let now = SystemClock.now();
    let own = authorities.filter(|it| ca_policy(&it.identifier).is_none());
    let own = own.map(|AuthorityInfo { identifier, signs_until, .. }| {
        let message = format!("{identifier} has {} days left", days_between(now, signs_until));
        let hint = format!("pgkeep authority import {identifier} --certificate ... replaces it");
        match due_expiry_warning(signs_until, now) {
            Some(..=7) => Finding::fail(WHAT, message, hint),
            Some(_) => Finding::warn(WHAT, message, hint),
            None => Finding::ok(WHAT, message),
        }
    });
    own.collect()
}

fn resolution(instance: &DbInstance, published: &str, writable: bool) -> Finding {
    const WHAT: &str = "names";
    let desired = &instance.desired;
    let line = format!("{} {}", desired.address, desired.endpoint);
    let is_published = published.lines().any(|it| it == line);
    if writable && !is_published && instance.applied.created {
        let message = format!("{} is not in the hosts file", desired.endpoint);
        return Finding::warn(WHAT, message, "pgkeep serve writes it at the next start");
    }
    let found = (desired.endpoint.as_str(), desired.port).to_socket_addrs();
    let leads = found.is_ok_and(|mut found| found.any(|it| it.ip() == desired.address));
    if leads {
        return Finding::ok(WHAT, format!("{} is {}", desired.endpoint, desired.address));
    }
    let message = format!("{} does not lead to {}", desired.endpoint, desired.address);
    Finding::warn(WHAT, message, format!("add to /etc/hosts, or use hostaddr: {line}"))
}

fn orphans(data: &DataDirectory, rows: &[(DbInstance, Option<String>)]) -> Vec<Finding> {
    let known: HashSet<&str> = rows.iter().map(|(row, _)| row.resource_id.as_str()).collect();
    let folders = Layout::ensure(data.path()).and_then(|layout| layout.instance_folders());
    let unknown = folders.unwrap_or_default().into_iter();
    unknown
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| {
            let folder = data.path().join("instances").join(name);
            let message = format!("{} belongs to no DB instance", folder.display());
            Finding::warn("orphans", message, "look at it, and remove it if nobody misses it")
        })
        .collect()
}
