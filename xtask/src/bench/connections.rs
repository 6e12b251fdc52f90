//! Connections a second over TLS, verified, by authority, beside a server made by hand.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::control_plane::ControlPlane;
use super::create::newest_system_engine;
use super::pgbench::Pgbench;
use super::report::Row;
use super::server::Workbench;
use super::session::Endpoint;
use crate::os_user::OsUser;
use crate::workspace::output;

const AUTHORITIES: [&str; 3] = ["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"];
const CLIENTS: [u32; 2] = [1, 8];
/// Connections of a turn, of all clients together.
const CONNECTIONS: u32 = 400;
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Vec<Row>> {
    let user = OsUser::find()?;
    let (major, bin) = newest_system_engine()?;
    eprintln!("== connections: PostgreSQL {major} of {}, {repetitions} times", bin.display());
    let pgbench = Pgbench::new(&user, &bin)?;
    let pgbench = |endpoint: &Endpoint, roots: &Path, clients: u32| -> Result<f64> {
        let mut pgbench = pgbench.to(endpoint, roots);
        pgbench.args(["--connect", "--jobs=2"]).arg(format!("--client={clients}"));
        pgbench.arg(format!("--transactions={}", CONNECTIONS / clients));
        rate(&output(&mut pgbench)?)
    };

    let plane = ControlPlane::start(pgkeep, &user, 1).await?;
    let mut ours = Vec::new();
    for authority in AUTHORITIES {
        plane.create(authority, &major, &[("CACertificateIdentifier", authority)])?;
        plane.until_available(authority, PAUSE).await?;
        ours.push(plane.endpoint(authority)?);
    }
    plane.until_stocked().await?;
    let workbench = Workbench::new(&user, &bin)?;
    let mut server = workbench.init()?;
    server.start_bare().await?;

    let mut rows = Vec::new();
    for clients in CLIENTS {
        let mut rates = vec![Vec::new(); AUTHORITIES.len()];
        let (mut by_hand, mut logged) = (Vec::new(), Vec::new());
        // The first round is not counted, as in the bench of creation.
        for round in 0..=repetitions {
            let (endpoint, roots) = workbench.public();
            let hand = pgbench(endpoint, &roots, clients).context("by hand")?;
            server.log_connections(true)?;
            let hand_logged = pgbench(endpoint, &roots, clients).context("by hand, logged")?;
            server.log_connections(false)?;
            let one = |(endpoint, authority)| pgbench(endpoint, &plane.root(authority), clients);
            let own = ours
                .iter()
                .zip(AUTHORITIES)
                .map(one)
                .collect::<Result<Vec<_>>>()
                .context("pgkeep")?;
            eprintln!(
                "{clients} clients: pgkeep {own:.0?}, by hand {hand:.0}, logged {hand_logged:.0}"
            );
            if round > 0 {
                by_hand.push(hand);
                logged.push(hand_logged);
                rates.iter_mut().zip(own).for_each(|(all, own)| all.push(own));
            }
        }
        let (by_hand, logged) = (middle(by_hand), middle(logged));
        for (authority, rates) in AUTHORITIES.iter().zip(rates) {
            let name = format!("connections a second, {authority}, {clients} at a time");
            let (is_default, rate) = (*authority == AUTHORITIES[0], middle(rates));
            let target = is_default.then_some(1.0);
            rows.push(Row::rate(&name, rate, ("by hand", by_hand), target));
            if is_default {
                rows.push(Row::rate(&name, rate, ("by hand, logged", logged), None));
            }
        }
    }
    Ok(rows)
}

/// `tps = 123.4 (including reconnection times)`.
fn rate(report: &str) -> Result<f64> {
    let line = report.lines().find_map(|line| line.strip_prefix("tps = "));
    let number = line.and_then(|line| line.split(' ').next()).context("pgbench says no rate")?;
    Ok(number.parse()?)
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
