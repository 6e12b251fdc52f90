//! Whether the files that a server presents itself with are still those that were put in use.
//!
//! The state file says which certificate that is, the authorities say what goes with it, and the
//! key must fit; so nothing of the files is recorded. They are read only when a `stat` of them
//! differs from that of the last reading. A running server has them in memory and serves on while
//! `decide` sees to new ones: the key is a secret of which there is no copy.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgkeep_model::{CertificateRecord, DbInstance, DbiResourceId};
use pgkeep_pki::{PairPem, PkiError};
use pgkeep_postgres::{InstanceFiles, PairMark, check_in_use, pair_mark, read_key_pair};
use tracing::warn;

use crate::failpoint::pause;
use crate::maintenance::{renews, waits_until};
use crate::rest::chain;
use crate::{Control, WorkflowError};

/// What was last read of each instance's pair in use.
#[derive(Debug, Default)]
pub(crate) struct Pairs(Mutex<HashMap<DbiResourceId, Reading>>);

#[derive(Debug)]
struct Reading {
    mark: PairMark,
    record: CertificateRecord,
    damage: Option<String>,
}

/// Wakes the driver for every instance whose pair was damaged or is to be renewed, until the
/// runtime ends.
pub(crate) async fn watch_pairs(control: Arc<Control>) {
    loop {
        if let Err(error) = control.look_at_pairs() {
            warn!(error = &error as &dyn std::error::Error, "certificates not looked at");
        }
        tokio::time::sleep(pause("PGKEEP_PAIR_LOOK_MS", PAUSE)).await;
    }
}

/// Between two looks: four `stat` an instance.
const PAUSE: Duration = Duration::from_mins(1);

impl Control {
    fn look_at_pairs(&self) -> Result<(), WorkflowError> {
        let serving = self.store.serving_instances()?;
        let ids: HashSet<_> = serving.iter().map(|it| &it.resource_id).collect();
        self.pairs.with(|all| all.retain(|id, _| ids.contains(id)));
        for instance in serving.iter().filter(|it| it.applied.certificate.is_some()) {
            self.warn_of_expiry(instance)?;
            let now = self.clock().now();
            let until = self.signs_until(instance);
            let renews = renews(instance, until, now) && waits_until(instance, now).is_none();
            if renews || self.damage(instance).is_some() {
                self.store.quickly(|state| state.wake_at(&instance.resource_id, now))?;
                self.wake();
            }
        }
        Ok(())
    }

    /// What is wrong with the pair in use, if there is one that was recorded.
    pub(crate) fn damage(&self, instance: &DbInstance) -> Option<String> {
        let record = instance.applied.certificate.as_ref()?;
        let (id, files) = (&instance.resource_id, self.files(instance));
        let mark = pair_mark(&files, &record.serial);
        let known = self.pairs.with(|all| {
            let reading = all.get(id).filter(|it| it.mark == mark && it.record == *record);
            reading.map(|it| it.damage.clone())
        });
        if let Some(damage) = known {
            return damage;
        }
        let checked = check_in_use(&files, &record.serial)
            .map_err(WorkflowError::from)
            .and_then(|()| self.check_pair(&files, record));
        let damage = checked.err().map(|error| chain(&error));
        let reading = Reading { mark, record: record.clone(), damage: damage.clone() };
        self.pairs.with(|all| all.insert(id.clone(), reading));
        damage
    }

    /// Checks a pair that is about to be put in use, and need not be read again when it is.
    pub(crate) fn check_new_pair(
        &self,
        id: &DbiResourceId,
        files: &InstanceFiles,
        record: &CertificateRecord,
    ) -> Result<(), WorkflowError> {
        let mark = pair_mark(files, &record.serial).once_in_use(&record.serial);
        self.check_pair(files, record)?;
        let reading = Reading { mark, record: record.clone(), damage: None };
        self.pairs.with(|all| all.insert(id.clone(), reading));
        Ok(())
    }

    /// Reads a pair from the disk and checks that it is the recorded one, whole, with its key, for
    /// its endpoint, with a chain to a root of the bundle.
    pub(crate) fn check_pair(
        &self,
        files: &InstanceFiles,
        record: &CertificateRecord,
    ) -> Result<(), WorkflowError> {
        let pair = read_key_pair(files, &record.serial)?;
        let pem = PairPem { chain: &pair.chain, key: &pair.key, roots: &pair.roots };
        let leaf = self.authorities().check_pair(&record.ca_identifier, &record.endpoint, &pem)?;
        if leaf.fingerprint_sha256 == record.fingerprint {
            return Ok(());
        }
        let problem = format!("the certificate has the serial number {}", leaf.serial_hex);
        Err(PkiError::Pair(problem).into())
    }
}

impl Pairs {
    fn with<T>(&self, f: impl FnOnce(&mut HashMap<DbiResourceId, Reading>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
