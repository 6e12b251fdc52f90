//! Carrying out an effect, and what to record when it succeeded.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pgkeep_model::{
    Applied, CertificateRecord, DbInstance, EventCategory, InstanceStatus, KeyAlgorithm,
};
use pgkeep_pki::{Leaf, LeafKey};
use pgkeep_postgres::{
    Engine, InstanceFiles, KeyPair, PostgresError, Priority, Shutdown, Started, discard,
    end_orphans, prepare, recovers, remove_other_key_pairs, take_prepared, use_key_pair,
    why_tls_not_reloaded, write_configuration, write_key_pair,
};
use pgkeep_probe::{Endpoint, Expected, Plaintext, PlaintextPolicy, prove};

use crate::decide::Effect;
use crate::failpoint::pause;
use crate::wanted::Plan;
use crate::{Control, WorkflowError, random_name};

/// How long a server may take to start that has nothing to recover.
const START_LIMIT: Duration = Duration::from_mins(5);
/// How often it is looked at meanwhile.
const START_LOOK: Duration = Duration::from_secs(5);
/// How long a server may take to take roles and a password.
const ACCESS_LIMIT_S: u64 = 60;
/// How long what an earlier pgkeep made may take to become what this one makes, in all databases.
const BOOTSTRAP_LIMIT_S: u64 = 600;
/// How long a proof may take; on loopback it takes milliseconds.
const PROOF_LIMIT: Duration = Duration::from_secs(10);

/// Everything an effect works on.
pub(crate) struct Step<'a> {
    pub(crate) control: &'a Arc<Control>,
    pub(crate) instance: &'a DbInstance,
    pub(crate) engine: Option<&'a Engine>,
    pub(crate) plan: &'a Plan,
    pub(crate) files: &'a InstanceFiles,
    /// What is wrong with the pair in use.
    pub(crate) damage: Option<String>,
}

/// What to write into the row after an effect. Whatever changes what is served forgets the proof.
pub(crate) type Record = Box<dyn FnOnce(&mut Applied) + Send>;

impl Step<'_> {
    /// Carries out an effect.
    pub(crate) async fn perform(&self, effect: Effect) -> Result<Record, WorkflowError> {
        match effect {
            Effect::InstallEngine => self.install_engine().await,
            Effect::TakeDataDirectory => self.take_data_directory().await,
            Effect::IssueCertificate => self.issue_certificate().await,
            Effect::PutBack => self.put_back(),
            Effect::Start => self.start().await,
            Effect::ApplyAccess => self.apply_access().await,
            Effect::Reload => self.reload().await,
            Effect::Prove => self.prove().await,
            Effect::Stop => self.stop(Shutdown::Fast).await,
            Effect::Abandon => self.stop(Shutdown::Immediate).await,
            Effect::Remove => self.remove().await,
        }
    }

    async fn install_engine(&self) -> Result<Record, WorkflowError> {
        let control = Arc::clone(self.control);
        let source = self.instance.desired.engine_source;
        let version = self.instance.desired.engine_version;
        let install = move || control.engines().ensure(source, version, &mut |_| {});
        let installed = tokio::task::spawn_blocking(install).await;
        installed.map_err(WorkflowError::Interrupted)??;
        Ok(nothing())
    }

    async fn take_data_directory(&self) -> Result<Record, WorkflowError> {
        let Some(engine) = self.engine else { return Ok(nothing()) };
        // An empty directory in the place of one that held data would hide that it was lost.
        if self.instance.applied.start_digest.is_some() || self.instance.applied.created {
            return Err(WorkflowError::DataDirectoryGone(self.files.data()));
        }
        let layout = &self.control.layout;
        while !take_prepared(layout, engine, self.files)? {
            prepare(layout, engine, &random_name(), Priority::Normal).await?;
        }
        self.control.taken_prepared.store(true, Ordering::Relaxed);
        self.control.taken.store(true, Ordering::Relaxed);
        let digest = self.plan.wanted.bootstrap_digest.clone();
        Ok(Box::new(move |applied| applied.bootstrap_digest = Some(digest)))
    }

    async fn issue_certificate(&self) -> Result<Record, WorkflowError> {
        let desired = &self.instance.desired;
        let authorities = self.control.authorities();
        let (authority, algorithm) = authorities.key_of(&desired.ca_identifier)?;
        let key = self.leaf_key(algorithm).await?;
        let now = self.control.clock().now();
        let leaf = authorities.issue_leaf(authority, &key, &desired.endpoint, now)?;
        let record = certificate_record(&desired.ca_identifier, &desired.endpoint, &leaf);
        let (serial, applied) = (&record.serial, &self.instance.applied);
        let pair =
            KeyPair { chain: leaf.chain_pem, key: key.to_pem(), roots: authorities.bundle_pem() };
        write_key_pair(self.files, serial, &pair)?;
        self.control.check_new_pair(&self.instance.resource_id, self.files, &record)?;
        use_key_pair(self.files, serial)?;
        // The one to go back to stays.
        let proved = applied.proved.as_ref().or(applied.certificate.as_ref());
        let kept = [Some(&record), proved].map(|it| it.map_or("", |it| &it.serial));
        remove_other_key_pairs(self.files, &kept)?;
        Ok(Box::new(move |applied| {
            let before = applied.certificate.replace(record);
            // Of a pgkeep that did not record it.
            if applied.proved.is_none() && applied.proof_digest.is_some() {
                applied.proved = before;
            }
            applied.refusal = None;
            applied.proof_digest = None;
        }))
    }

    fn put_back(&self) -> Result<Record, WorkflowError> {
        let Some(proved) = self.instance.applied.proved.clone() else { return Ok(nothing()) };
        use_key_pair(self.files, &proved.serial)?;
        Ok(Box::new(move |applied| {
            applied.certificate = Some(proved);
            applied.proof_digest = None;
        }))
    }

    async fn leaf_key(&self, algorithm: KeyAlgorithm) -> Result<LeafKey, WorkflowError> {
        if let Some(key) = self.control.keys.take(algorithm) {
            self.control.taken.store(true, Ordering::Relaxed);
            return Ok(key);
        }
        let made = tokio::task::spawn_blocking(move || LeafKey::generate(algorithm)).await;
        Ok(made.map_err(WorkflowError::Interrupted)??)
    }

    async fn start(&self) -> Result<Record, WorkflowError> {
        let Some(engine) = self.engine else { return Ok(nothing()) };
        self.control.drop_session(&self.instance.resource_id);
        self.control.publish_names_of(self.instance).await?;
        write_configuration(self.files, &self.plan.rendered)?;
        let id = &self.instance.resource_id;
        let own_views = self.control.settings.own_views;
        end_orphans(self.files).await?;
        let recovers = recovers(self.files);
        let started = self.control.postmasters.start(id, self.files, engine, own_views)?;
        if let Err(error) = self.await_start(&started, recovers).await {
            started.postmaster.stop(Shutdown::Immediate).await?;
            return Err(error);
        }
        let wanted = self.plan.wanted.clone();
        let parameters = self.plan.parameters.effective.clone();
        let reboots = self.instance.desired.reboots;
        let now = self.control.clock().now();
        Ok(Box::new(move |applied| {
            applied.start_digest = Some(wanted.start_digest);
            applied.reload_digest = Some(wanted.reload_digest);
            applied.parameters = Some(parameters);
            applied.reboots = reboots;
            applied.started_at = Some(now);
        }))
    }

    /// Waits until the server accepts connections. Crash recovery has no limit: ended early, it
    /// would begin anew from the same checkpoint, and never come to its end.
    async fn await_start(&self, started: &Started, recovers: bool) -> Result<(), WorkflowError> {
        let limit = pause("PGKEEP_START_LIMIT_MS", START_LIMIT);
        let look = limit.min(START_LOOK);
        let mut waited = Duration::ZERO;
        loop {
            let what = match started.accepts(self.files, self.plan.address, look).await {
                Err(PostgresError::TimedOut { what, .. }) => what,
                ended => return Ok(ended?),
            };
            waited += look;
            if self.is_deleted()? {
                return Ok(());
            }
            if waited >= limit && !recovers {
                return Err(PostgresError::TimedOut { what, seconds: limit.as_secs() }.into());
            }
        }
    }

    /// Whether it is to be deleted by now.
    fn is_deleted(&self) -> Result<bool, WorkflowError> {
        let id = &self.instance.resource_id;
        let row = self.control.store.read(|state| state.instance_by_resource_id(id))?;
        Ok(row.is_none_or(|row| row.desired.deleted))
    }

    async fn apply_access(&self) -> Result<Record, WorkflowError> {
        let wanted = self.plan.wanted.clone();
        let is_current = self.instance.applied.bootstrap_digest.as_ref();
        let is_current = is_current == Some(&wanted.bootstrap_digest);
        let access = async {
            let admin = self.control.lend_session(self.instance).await?;
            admin.ensure_access(&self.plan.access).await?;
            Ok(admin)
        };
        let admin = within("take roles and a password", ACCESS_LIMIT_S, access).await?;
        if !is_current {
            let update = admin.ensure_bootstrap(self.files, self.instance.desired.port);
            within("take the service's own SQL", BOOTSTRAP_LIMIT_S, update).await?;
        }
        Ok(Box::new(move |applied| {
            applied.access_digest = Some(wanted.access_digest);
            applied.bootstrap_digest = Some(wanted.bootstrap_digest);
        }))
    }

    async fn reload(&self) -> Result<Record, WorkflowError> {
        self.control.publish_names_of(self.instance).await?;
        write_configuration(self.files, &self.plan.rendered)?;
        if let Some(postmaster) =
            self.control.postmasters.running(&self.instance.resource_id, self.files)?
        {
            self.control.admin(self.instance).await?.reload(&postmaster).await?;
        }
        let digest = self.plan.wanted.reload_digest.clone();
        let parameters = self.plan.parameters.effective.clone();
        Ok(Box::new(move |applied| {
            applied.parameters = Some(parameters);
            applied.reload_digest = Some(digest);
            applied.proof_digest = None;
        }))
    }

    async fn prove(&self) -> Result<Record, WorkflowError> {
        let desired = &self.instance.desired;
        let certificate = self.instance.applied.certificate.as_ref();
        let database = "postgres".to_owned();
        let parameters = &self.plan.parameters;
        let policy =
            if parameters.force_ssl { PlaintextPolicy::Refused } else { PlaintextPolicy::Accepted };
        let expected = Expected {
            leaf_fingerprint: certificate.map(|it| it.fingerprint.clone()).unwrap_or_default(),
            roots_pem: self.control.authorities().bundle_pem(),
            judged_at: self.control.clock().now(),
            plaintext: Plaintext { policy, user: desired.master_username.clone(), database },
            min_version: parameters.tls_version("ssl_min_protocol_version"),
            max_version: parameters.tls_version("ssl_max_protocol_version"),
        };
        let endpoint = Endpoint { addr: self.plan.address, server_name: desired.endpoint.clone() };
        let check = async { self.control.admin(self.instance).await?.check_configuration().await };
        let (proved, checked) = tokio::join!(prove(&endpoint, &expected, PROOF_LIMIT), check);
        proved.map_err(|source| WorkflowError::Proof {
            endpoint: desired.endpoint.clone(),
            source: Box::new(source),
        })?;
        checked?;
        let digest = self.plan.wanted.proof_digest.clone();
        Ok(Box::new(move |applied| {
            applied.proved.clone_from(&applied.certificate);
            applied.proof_digest = Some(digest);
        }))
    }

    async fn stop(&self, shutdown: Shutdown) -> Result<Record, WorkflowError> {
        let id = &self.instance.resource_id;
        if let Some(postmaster) = self.control.postmasters.running(id, self.files)? {
            if shutdown == Shutdown::Fast && self.instance.applied.start_digest.is_none() {
                // A pgkeep that was killed had started it: it may still recover.
                let started = Started::adopted(postmaster.clone());
                let _ = self.await_start(&started, recovers(self.files)).await;
            }
            postmaster.stop(shutdown).await?;
        }
        Ok(Box::new(|applied| {
            applied.start_digest = None;
            applied.proof_digest = None;
        }))
    }

    async fn remove(&self) -> Result<Record, WorkflowError> {
        end_orphans(self.files).await?;
        let (layout, files) = (self.control.layout.clone(), self.files.clone());
        let removed = tokio::task::spawn_blocking(move || discard(&layout, &files)).await;
        removed.map_err(WorkflowError::Interrupted)??;
        Ok(nothing())
    }
}

/// What a server answers that may hang.
async fn within<T>(
    what: &'static str,
    seconds: u64,
    answer: impl Future<Output = Result<T, PostgresError>>,
) -> Result<T, PostgresError> {
    let answered = tokio::time::timeout(Duration::from_secs(seconds), answer).await;
    answered.map_err(|_| PostgresError::TimedOut { what, seconds })?
}

fn nothing() -> Record {
    Box::new(|_| {})
}

/// What is recorded of a leaf.
pub(crate) fn certificate_record(
    ca_identifier: &str,
    endpoint: &str,
    leaf: &Leaf,
) -> CertificateRecord {
    CertificateRecord {
        ca_identifier: ca_identifier.to_owned(),
        endpoint: endpoint.to_owned(),
        serial: leaf.serial_hex.clone(),
        fingerprint: leaf.fingerprint_sha256.clone(),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
    }
}

impl Step<'_> {
    /// The event that tells of an effect on an instance that had been available before.
    pub(crate) async fn event(&self, effect: Effect) -> Option<(EventCategory, String)> {
        let instance = self.instance;
        if !instance.applied.created {
            return None;
        }
        let authority = &instance.desired.ca_identifier;
        let (category, message) = match effect {
            Effect::ApplyAccess
                if instance.applied.access_digest.as_ref()
                    != Some(&self.plan.wanted.access_digest) =>
            {
                (EventCategory::ConfigurationChange, "Reset master credentials.".to_owned())
            }
            Effect::IssueCertificate => {
                let why = self.damage.as_ref().map(|found| {
                    format!(", since the files of the one in use were damaged: {found}")
                });
                let revoked = self.control.is_revoked(instance);
                let revoked = revoked.then(|| ", since the one in use was revoked".to_owned());
                let why = revoked.or(why).unwrap_or_default();
                let message = format!("Issued a new server certificate by {authority}{why}.");
                (EventCategory::ConfigurationChange, message)
            }
            Effect::PutBack => {
                let why = self.why_refused().await;
                let message = format!(
                    "Put the previous server certificate back in use, since the new one by \
                     {authority} was not served: {why}."
                );
                (EventCategory::Failure, message)
            }
            Effect::Stop if instance.status == InstanceStatus::Rebooting => {
                (EventCategory::Availability, "DB instance shutdown.".to_owned())
            }
            _ => return None,
        };
        Some((category, message))
    }

    /// In PostgreSQL's own words, if it wrote why; else what the client saw.
    async fn why_refused(&self) -> String {
        let id = &self.instance.resource_id;
        let running = self.control.postmasters.running(id, self.files).ok().flatten();
        if let Some(postmaster) = running
            && let Some(line) = why_tls_not_reloaded(self.files, postmaster.pid()).await
        {
            return line;
        }
        let refusal = self.instance.applied.refusal.as_ref();
        refusal.map(|it| it.reason.clone()).unwrap_or_default()
    }
}
