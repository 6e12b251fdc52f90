//! What to do next for an instance: a pure function of what is wanted and what is there.
//!
//! One table serves create, modify, reboot, rename, rotation, recovery and adoption: each is a
//! difference between the two. Every effect looks before it acts, so repeating one is harmless,
//! and a kill between an effect and its record costs at most that repetition.

use pgkeep_model::DbInstance;

/// A named, idempotent change of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Download the engine.
    InstallEngine,
    /// Put an initialised data directory in place.
    TakeDataDirectory,
    /// Issue a certificate with a new key and put both in place.
    IssueCertificate,
    /// Put the pair that was proved last back in place.
    PutBack,
    /// Write the configuration and start the server.
    Start,
    /// Make roles, password and databases as wanted.
    ApplyAccess,
    /// Write the configuration and make the server read it.
    Reload,
    /// Connect as a client and compare what is served with what is wanted.
    Prove,
    /// Shut the server down.
    Stop,
    /// Shut the server down without a checkpoint, since its files are to go.
    Abandon,
    /// Remove the files and the row.
    Remove,
}

impl Effect {
    /// Every effect, for the tests that interrupt each.
    pub const ALL: [Self; 11] = [
        Self::InstallEngine,
        Self::TakeDataDirectory,
        Self::IssueCertificate,
        Self::PutBack,
        Self::Start,
        Self::ApplyAccess,
        Self::Reload,
        Self::Prove,
        Self::Stop,
        Self::Abandon,
        Self::Remove,
    ];

    /// The name in logs and failpoints.
    pub fn name(self) -> &'static str {
        match self {
            Self::InstallEngine => "install-engine",
            Self::TakeDataDirectory => "take-data-directory",
            Self::IssueCertificate => "issue-certificate",
            Self::PutBack => "put-back",
            Self::Start => "start",
            Self::ApplyAccess => "apply-access",
            Self::Reload => "reload",
            Self::Prove => "prove",
            Self::Stop => "stop",
            Self::Abandon => "abandon",
            Self::Remove => "remove",
        }
    }
}

/// What is there, as far as it has to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations, not a state")]
pub struct World {
    /// The engine's programs are on this machine.
    pub engine: bool,
    /// The data directory is in place.
    pub data_directory: bool,
    /// The pair of files that `Applied::certificate` names is in use, and whole.
    pub certificate: bool,
    /// That of `Applied::proved` is another, and whole; looked for after a refusal or damage alone.
    /// It may be for the endpoint before a rename: a server with that is better than none.
    pub previous: bool,
    /// Its time has come to be renewed.
    pub renews: bool,
    /// Another certificate was refused a short time ago: a change is tried again later.
    pub waits: bool,
    /// A postmaster runs.
    pub running: bool,
}

/// Digests of what is wanted; each has its counterpart in `Applied`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "named as their counterparts in `Applied`")]
pub struct Wanted {
    /// Settings that only a start reads.
    pub start_digest: String,
    /// All that a reload reads, the certificate included.
    pub reload_digest: String,
    /// Roles, password, databases.
    pub access_digest: String,
    /// The service's own SQL, which another pgkeep may have another of.
    pub bootstrap_digest: String,
    /// All that a client sees.
    pub proof_digest: String,
}

/// The next effect; none when everything is as wanted.
pub fn decide(instance: &DbInstance, wanted: &Wanted, world: World) -> Option<Effect> {
    let desired = &instance.desired;
    if desired.deleted {
        return Some(if world.running { Effect::Abandon } else { Effect::Remove });
    }
    if !desired.running {
        return world.running.then_some(Effect::Stop);
    }
    if !world.engine {
        return Some(Effect::InstallEngine);
    }
    if !world.data_directory {
        return Some(Effect::TakeDataDirectory);
    }
    if let Some(effect) = decide_certificate(instance, world) {
        return Some(effect);
    }
    if !world.running {
        return Some(Effect::Start);
    }
    decide_running(instance, wanted)
}

/// A new pair is in use before it is proved, and only the proof tells whether the server took it:
/// a refusal that was recorded puts the previous pair back, as long as that is good. So a running
/// server's new pair, even a damaged one, is first reloaded and proved. Any other damage is made
/// good with another pair, at once; what only is to change waits its time after a refusal.
fn decide_certificate(instance: &DbInstance, world: World) -> Option<Effect> {
    if world.previous && instance.applied.refusal.is_some() {
        return Some(Effect::PutBack);
    }
    let is_to_be_proved = world.previous && world.running;
    let is_damaged = !world.certificate && !is_to_be_proved;
    let changes = world.renews || !certificate_fits(instance);
    (is_damaged || (changes && !world.waits)).then_some(Effect::IssueCertificate)
}

fn decide_running(instance: &DbInstance, wanted: &Wanted) -> Option<Effect> {
    let applied = &instance.applied;
    let is = |applied: &Option<String>, wanted: &String| applied.as_ref() == Some(wanted);
    if applied.reboots != instance.desired.reboots
        || !is(&applied.start_digest, &wanted.start_digest)
    {
        Some(Effect::Stop)
    } else if !is(&applied.access_digest, &wanted.access_digest)
        || !is(&applied.bootstrap_digest, &wanted.bootstrap_digest)
    {
        Some(Effect::ApplyAccess)
    } else if !is(&applied.reload_digest, &wanted.reload_digest) {
        Some(Effect::Reload)
    } else if !is(&applied.proof_digest, &wanted.proof_digest) {
        Some(Effect::Prove)
    } else {
        None
    }
}

/// Whether the recorded certificate is the one that is wanted.
pub(crate) fn certificate_fits(instance: &DbInstance) -> bool {
    instance.applied.certificate.as_ref().is_some_and(|certificate| {
        certificate.ca_identifier == instance.desired.ca_identifier
            && certificate.endpoint == instance.desired.endpoint
    })
}

#[cfg(test)]
pub(crate) mod tests;
