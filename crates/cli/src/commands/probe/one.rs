//! One target: looked up, asked, judged.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use pgkeep_model::Clock as _;
use pgkeep_probe::report::{Basis, Policy, Report, report};
use pgkeep_probe::survey::{Credentials, Plan, survey};
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::target::Target;
use super::trust;
use crate::args::ProbeArgs;
use crate::clock::SystemClock;

/// What is the same for every target.
pub(super) struct Question {
    user: Option<String>,
    dbname: Option<String>,
    server_name: Option<String>,
    /// The roots of the command line.
    roots: Option<Vec<CertificateDer<'static>>>,
    is_rds_bundle: bool,
    system_roots: Vec<CertificateDer<'static>>,
    policy: Option<Policy>,
    fast: bool,
    rate: Option<u32>,
    within: Duration,
}

impl Question {
    pub(super) fn new(args: &ProbeArgs, policy: Option<Policy>) -> anyhow::Result<Self> {
        let file = args.rds_bundle.as_ref().or(args.bundle.as_ref());
        let system_roots = trust::of_system();
        let roots = file.map(|path| read_roots(path, &system_roots)).transpose()?;
        Ok(Self {
            user: args.user.clone(),
            dbname: args.dbname.clone(),
            server_name: args.server_name.clone(),
            roots,
            is_rds_bundle: args.rds_bundle.is_some(),
            system_roots,
            policy,
            fast: args.fast,
            rate: args.rate,
            within: args.timeout,
        })
    }
}

/// Asks one target, and judges what it answers.
pub(super) async fn probe(target: &Target, question: &Question) -> anyhow::Result<Report> {
    let (addr, tries) = resolve(target, question.within).await?;
    let named = question.user.clone().or_else(|| target.user.clone());
    let user = named.clone().or_else(|| env::var("PGUSER").ok());
    let user = user.unwrap_or_else(|| "postgres".to_owned());
    let dbname = question.dbname.clone().or_else(|| target.dbname.clone());
    let dbname = dbname.or_else(|| env::var("PGDATABASE").ok()).unwrap_or_else(|| user.clone());
    let password = named.and_then(|_| target.password_for(&user, &dbname));
    let certificate = client_certificate(target)?;
    let server_name = question.server_name.as_deref().unwrap_or(&target.host);
    let of_target = target.sslrootcert.as_ref().filter(|_| question.roots.is_none());
    let of_target = of_target
        .map(|path| read_roots(&PathBuf::from(path), &question.system_roots))
        .transpose()?;
    let roots = question.roots.as_ref().or(of_target.as_ref()).unwrap_or(&question.system_roots);
    let plan = Plan {
        addr,
        server_name,
        user: &user,
        database: &dbname,
        credentials: Credentials {
            password: password.as_deref(),
            certificate: certificate.as_ref().map(|(chain, key)| (&**chain, &**key)),
        },
        within: question.within,
        rate: question.rate,
        fast: question.fast,
    };
    let mut found = survey(&plan).await;
    found.connections += tries;
    let judged_at = SystemClock.now();
    let system_roots = &question.system_roots;
    let mut report = report(&found, &Basis { server_name, roots, system_roots, judged_at });
    if is_rds(server_name) && !question.is_rds_bundle && question.roots.is_none() {
        report.verdict += " Endpoints of Amazon RDS have roots of their own: give the service's \
                           global-bundle.pem with --rds-bundle.";
    }
    if let Some(policy) = &question.policy {
        report.hold_to(policy);
    }
    Ok(report)
}

fn read_roots(
    path: &Path,
    system: &[CertificateDer<'static>],
) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    if path.as_os_str() == trust::SYSTEM { Ok(system.to_vec()) } else { trust::of_file(path) }
}

fn is_rds(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    [".rds.amazonaws.com", ".rds.amazonaws.com.cn"].iter().any(|end| name.ends_with(end))
}

/// The client certificate and key of a connection string, in PEM.
fn client_certificate(target: &Target) -> anyhow::Result<Option<(String, String)>> {
    let (Some(chain), Some(key)) = (&target.sslcert, &target.sslkey) else { return Ok(None) };
    let read = |what: &'static str, path: &str| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {what} {path}"))
    };
    Ok(Some((read("sslcert", chain)?, read("sslkey", key)?)))
}

/// The address to ask, and how many connections it took to choose it: the first that answers, if
/// there are several.
async fn resolve(target: &Target, within: Duration) -> anyhow::Result<(SocketAddr, u32)> {
    let host = target.hostaddr.as_deref().unwrap_or(&target.host);
    let found = timeout(within, lookup_host((host, target.port))).await;
    let found = found.with_context(|| format!("looking up {host} takes too long"))?;
    let all: Vec<_> = found.with_context(|| format!("cannot look up {host}"))?.collect();
    let (&first, rest) = all.split_first().with_context(|| format!("{host} has no address"))?;
    if rest.is_empty() {
        return Ok((first, 0));
    }
    let mut tries = 0;
    for addr in &all {
        tries += 1;
        if let Ok(Ok(_)) = timeout(within, TcpStream::connect(addr)).await {
            return Ok((*addr, tries));
        }
    }
    Ok((first, tries))
}
