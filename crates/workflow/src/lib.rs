//! From what is wanted to what is: the driver that makes instances so, one effect at a time.
//!
//! The state file says what is wanted and what was last proved; the world is looked at, never
//! remembered. Between the two stands one pure function, [`decide`]. No transaction is open while
//! an effect runs, and there is nothing to undo: work goes on from wherever a kill left it.

mod authorities;
mod clients;
mod control;
mod deaths;
mod decide;
mod driver;
mod effects;
mod engines;
mod error;
mod expiry;
mod failpoint;
mod failures;
mod hosts;
mod kept;
mod keys;
mod logs;
mod maintenance;
mod names;
mod pairs;
mod parameters;
mod pool;
mod rest;
mod sessions;
mod shutdown;
mod sweep;
mod turn;
mod wanted;

use std::net::Ipv4Addr;
use std::sync::Arc;

pub use authorities::AUTHORITIES;
pub use control::{Control, LogPosition, Settings};
pub use decide::{Effect, Wanted, World, decide};
pub use engines::openssl_of;
pub use error::WorkflowError;
pub use hosts::HostsFile;
pub use maintenance::due_renewal;
pub use pgkeep_pki::{
    Authorities, AuthorityInfo, CertificateInfo, OwnCertificate, Passphrase, PkiError, Revocation,
    change_passphrase, import_authority, rehearsal, request_authority, trusted_until,
};
pub use pgkeep_postgres::{LogFile, LogPortion, Session, SessionTls, verifier};
pub use shutdown::stop_all;

use driver::Driver;

/// Runs the driver, keeps the pool stocked, sees to the authorities, and watches who connects and
/// what becomes of the certificates until `shutdown` resolves; servers run on.
pub async fn run(control: Arc<Control>, shutdown: impl Future<Output = ()>) {
    sweep::sweep_pool(&control);
    let trash = tokio::spawn(sweep::empty_trash(Arc::clone(&control)));
    let stock = tokio::spawn(pool::keep_stocked(Arc::clone(&control)));
    let clients = tokio::spawn(clients::watch_clients(Arc::clone(&control)));
    let sessions = tokio::spawn(kept::keep_sessions(Arc::clone(&control)));
    let pairs = tokio::spawn(pairs::watch_pairs(Arc::clone(&control)));
    let authorities = tokio::spawn(authorities::keep_authorities(Arc::clone(&control)));
    Driver::new(Arc::clone(&control)).run(shutdown).await;
    for task in [trash, stock, clients, sessions, pairs, authorities] {
        task.abort();
        let _ = task.await;
    }
}

/// A random address of the range that instances listen on, `127.77.0.0/16`. Whether it is free,
/// the server that binds it finds out.
pub fn loopback_address() -> Ipv4Addr {
    let number = rand::random_range(1..u16::MAX);
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 77, high, low)
}

/// A name that no other call makes.
fn random_name() -> String {
    format!("{:032x}", rand::random::<u128>())
}
