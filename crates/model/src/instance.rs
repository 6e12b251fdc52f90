//! A DB instance: what was asked for, what has been proved, and what it reports.
//!
//! The three parts have one writer each, so that no two writers meet: the API writes [`Desired`]
//! and [`Pending`], the driver writes [`Applied`]. `generation` rises with every change of what is
//! desired; the driver records a status only for the generation that it worked on.
//!
//! There are no rows for single intents (delete, reboot, rotate): each is a field of what is
//! desired that differs from what is applied, so a repeated or interrupted intent needs no special
//! case, and two intents at once need no order.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::parameters::force_ssl_default;
use crate::{
    DbInstanceIdentifier, DbiResourceId, EffectiveParameters, EngineSource, EngineVersion, Kept,
};

/// A DB instance as the state file keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DbInstance {
    /// Names the instance for life, also across renames; names its folder.
    pub resource_id: DbiResourceId,
    /// When `CreateDBInstance` was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Rises with every change of `desired` or `pending`.
    pub generation: u64,
    /// What the API reports.
    pub status: InstanceStatus,
    /// What the instance is to be.
    pub desired: Desired,
    /// What it will be made in the next maintenance window.
    pub pending: Pending,
    /// What was last done to it, and proved.
    pub applied: Applied,
}

impl DbInstance {
    /// Whether the instance refuses plaintext: what its server was last made to run with.
    pub fn force_ssl(&self) -> bool {
        let major = self.desired.engine_version.major;
        let applied = self.applied.parameters.as_ref();
        applied.map_or_else(|| force_ssl_default(major), |applied| applied.force_ssl(major))
    }

    /// Makes the waiting changes what is desired; `endpoint_of` names the host of an identifier.
    pub fn apply_pending(&mut self, endpoint_of: impl Fn(&DbInstanceIdentifier) -> String) {
        let pending = std::mem::take(&mut self.pending);
        let restarts = pending.identifier.is_some() || pending.class.is_some();
        let desired = &mut self.desired;
        if let Some(identifier) = pending.identifier {
            desired.endpoint = endpoint_of(&identifier);
            desired.identifier = identifier;
        }
        if let Some(class) = pending.class {
            desired.class = class;
        }
        if pending.ca_at_restart && !restarts {
            self.pending.ca_identifier = pending.ca_identifier;
            self.pending.ca_at_restart = true;
        } else if let Some(ca_identifier) = pending.ca_identifier {
            desired.ca_identifier = ca_identifier;
        }
        desired.kept.extend(pending.kept);
        self.generation += 1;
    }

    /// Makes an authority that waits for it the wish, as the server is about to restart.
    pub fn apply_at_restart(&mut self) {
        if std::mem::take(&mut self.pending.ca_at_restart)
            && let Some(ca_identifier) = self.pending.ca_identifier.take()
        {
            self.desired.ca_identifier = ca_identifier;
        }
    }
}

/// What the instance is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// The name in the API, and the first label of the endpoint.
    pub identifier: DbInstanceIdentifier,
    /// The host name in the certificate.
    pub endpoint: String,
    /// The address that the server listens on.
    pub address: IpAddr,
    /// The TCP port.
    pub port: u16,
    /// Where the server's programs come from; a system engine is updated in place.
    pub engine_source: EngineSource,
    /// The release; for a system engine the one that was last started.
    pub engine_version: EngineVersion,
    /// `DBInstanceClass`.
    pub class: String,
    /// The authority that signs the certificate.
    pub ca_identifier: String,
    /// The serial number of a certificate that is to be replaced before its time.
    #[serde(default)]
    pub replaced_serial: Option<String>,
    /// The parameter group.
    pub parameter_group: String,
    /// The master user's name.
    pub master_username: String,
    /// What the server checks the master user's password against.
    pub master_password: PasswordVerifier,
    /// The database made at creation.
    pub db_name: Option<String>,
    /// Whether a server is to run.
    pub running: bool,
    /// Whether the instance is to be removed; nothing unsets it.
    pub deleted: bool,
    /// How many reboots have been asked for.
    pub reboots: u64,
    /// Refuses deletion.
    pub deletion_protection: bool,
    /// `ddd:hh24:mi-ddd:hh24:mi`, UTC.
    pub maintenance_window: String,
    /// `hh24:mi-hh24:mi`, UTC.
    pub backup_window: String,
    /// Fields of the service that have no meaning on one machine, kept as they came.
    pub kept: Kept,
    /// Tags, by key.
    pub tags: BTreeMap<String, String>,
}

/// Changes that wait for the maintenance window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pending {
    /// `DBInstanceClass`.
    pub class: Option<String>,
    /// `DBInstanceIdentifier`.
    pub identifier: Option<DbInstanceIdentifier>,
    /// `CACertificateIdentifier`.
    pub ca_identifier: Option<String>,
    /// Whether that waits for the next restart, not for the window: `CertificateRotationRestart`
    /// was false.
    pub ca_at_restart: bool,
    /// Kept fields that change in the window.
    pub kept: Kept,
}

impl Pending {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something waits for the window.
    pub fn waits_for_window(&self) -> bool {
        let ca_identifier = self.ca_identifier.clone().filter(|_| self.ca_at_restart);
        *self != Self { ca_identifier, ca_at_restart: self.ca_at_restart, ..Self::default() }
    }
}

/// What was last done, each field written after its effect succeeded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Applied {
    /// The certificate in the instance's folder.
    pub certificate: Option<CertificateRecord>,
    /// The last certificate that a client was seen to get; its pair is kept, to be put back.
    pub proved: Option<CertificateRecord>,
    /// Why the newest certificate was not served, until another is issued.
    pub refusal: Option<CertificateRefusal>,
    /// The last warning before a certificate's end.
    pub warned: Option<ExpiryWarning>,
    /// Digest of the settings that the running server was started with.
    pub start_digest: Option<String>,
    /// Digest of the files that the server was last told to read.
    pub reload_digest: Option<String>,
    /// The parameters of the group that the server was last made to run with.
    pub parameters: Option<EffectiveParameters>,
    /// Digest of roles, password and databases.
    pub access_digest: Option<String>,
    /// Digest of the service's own SQL that the data directory has.
    pub bootstrap_digest: Option<String>,
    /// [`Desired::reboots`] at the last start.
    pub reboots: u64,
    /// What was proved by connecting: the digest of all of the above.
    pub proof_digest: Option<String>,
    /// When the server that was proved had been started.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// Whether the instance has been `available` once.
    pub created: bool,
}

impl Applied {
    /// Whether nobody connects without TLS to a server of this major version without a line in its
    /// log: under `rds.force_ssl` nobody does at all.
    pub fn logs_plaintext(&self, major: u16) -> bool {
        let running = self.parameters.as_ref();
        running.is_none_or(|it| it.force_ssl(major) || it.logs_connections(major))
    }
}

/// The certificate that an instance serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// The authority that signed it.
    pub ca_identifier: String,
    /// The host name it is for.
    pub endpoint: String,
    /// Serial number, lowercase hexadecimal; names its folder.
    pub serial: String,
    /// SHA-256 of the DER, lowercase hexadecimal.
    pub fingerprint: String,
    /// Start of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
}

/// That a certificate was issued and is not served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRefusal {
    /// When that was found.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// [`DbInstance::generation`] then: another wish is tried at once.
    pub generation: u64,
    /// What the client saw.
    pub reason: String,
}

/// That the end of a certificate was warned of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiryWarning {
    /// [`CertificateRecord::serial`].
    pub serial: String,
    /// Which of [`crate::EXPIRY_WARNING_DAYS`].
    pub days: u16,
}

/// What PostgreSQL checks a password against: a SCRAM-SHA-256 verifier, or an md5 hash where the
/// parameter group says so. Not the password, yet secret: it is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordVerifier(String);

impl PasswordVerifier {
    /// Takes a text of the form that `pg_authid.rolpassword` holds.
    pub fn new(verifier: String) -> Self {
        Self(verifier)
    }

    /// The text for `ALTER ROLE … PASSWORD`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// `DBInstanceStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the service's own")]
pub enum InstanceStatus {
    Creating,
    Available,
    Modifying,
    Rebooting,
    Starting,
    Stopping,
    Stopped,
    Deleting,
    ResettingMasterCredentials,
    Renaming,
    Maintenance,
    Failed,
    IncompatibleParameters,
}

impl InstanceStatus {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::Rebooting => "rebooting",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Deleting => "deleting",
            Self::ResettingMasterCredentials => "resetting-master-credentials",
            Self::Renaming => "renaming",
            Self::Maintenance => "maintenance",
            Self::Failed => "failed",
            Self::IncompatibleParameters => "incompatible-parameters",
        }
    }
}

impl fmt::Display for InstanceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
