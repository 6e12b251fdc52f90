//! The scenarios: what is different about the copy in each, and what a client that verifies must
//! do there.

use pgkeep_model::parameters::{TlsFacts, check_group, parameter};
use pgkeep_model::{ApplyMethod, DbParameterGroup, GroupParameter, KeyAlgorithm, ca_policy};

use super::original::Original;

/// The name that every resolver leads to this machine, under which clients know the copies.
pub(super) const HOST: &str = "localhost";
/// A name that is nobody's (RFC 6761).
const ANOTHER_HOST: &str = "another-host.invalid";

/// What is rehearsed. `pgkeep rehearse --help` says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    RotateSameCa,
    RotateToRsa4096,
    RotateToEcc384,
    NextRoot,
    ExpiredCertificate,
    ExpiredRoot,
    WrongHost,
    ForceSsl,
    Tls13Only,
    Tls12Only,
    OldBundle,
}

use Scenario::{
    ExpiredCertificate, ExpiredRoot, ForceSsl, NextRoot, OldBundle, RotateSameCa, RotateToEcc384,
    RotateToRsa4096, Tls12Only, Tls13Only, WrongHost,
};

/// Whose certificate the copy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signer {
    /// The authorities of today.
    Current,
    /// Those of today, when they signed what has ended since.
    CurrentLongAgo,
    /// An authority under the root that comes after.
    Next,
    /// An authority whose root has ended.
    Ended,
}

/// How a scenario's copy is to be.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) group: DbParameterGroup,
    pub(super) signer: Signer,
    /// The host that the certificate is for.
    pub(super) host: &'static str,
    pub(super) rotation: Option<Rotation>,
}

/// The change of the certificate under a running command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotation {
    SameAuthority,
    To(&'static str),
}

impl Scenario {
    pub(super) const ALL: [Self; 11] = [
        RotateSameCa,
        RotateToRsa4096,
        RotateToEcc384,
        NextRoot,
        ExpiredCertificate,
        ExpiredRoot,
        WrongHost,
        ForceSsl,
        Tls13Only,
        Tls12Only,
        OldBundle,
    ];

    /// The scenario of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            RotateSameCa => "rotate-same-ca",
            RotateToRsa4096 => "rotate-to-rsa4096",
            RotateToEcc384 => "rotate-to-ecc384",
            NextRoot => "next-root",
            ExpiredCertificate => "expired-certificate",
            ExpiredRoot => "expired-root",
            WrongHost => "wrong-host",
            ForceSsl => "force-ssl",
            Tls13Only => "tls13-only",
            Tls12Only => "tls12-only",
            OldBundle => "old-bundle",
        }
    }

    /// Whether a client that verifies must pass.
    pub(super) fn must_pass(self) -> bool {
        !matches!(self, ExpiredCertificate | ExpiredRoot | WrongHost | OldBundle)
    }

    /// What the copy is to be; or why there can be none, as a sentence.
    pub(super) fn plan(self, original: &Original) -> Result<Plan, String> {
        let mut group = original.group.clone();
        let mut set = |name: &str, value: &str| {
            parameter(group.major, name)
                .map_err(|_| format!("PostgreSQL {} has no {name}", group.major))?;
            let (value, apply_method) = (Some(value.to_owned()), ApplyMethod::PendingReboot);
            group.parameters.insert(name.to_owned(), GroupParameter { value, apply_method });
            Ok::<_, String>(())
        };
        let only = match self {
            Tls13Only => Some("TLSv1.3"),
            Tls12Only => Some("TLSv1.2"),
            _ => None,
        };
        if let Some(only) = only {
            set("ssl_min_protocol_version", only)?;
            set("ssl_max_protocol_version", only)?;
        }
        if self == ForceSsl {
            set("rds.force_ssl", "1")?;
        }
        let rotation = match self {
            RotateSameCa => Some(Rotation::SameAuthority),
            RotateToRsa4096 => Some(Rotation::To("rds-ca-rsa4096-g1")),
            RotateToEcc384 => Some(Rotation::To("rds-ca-ecc384-g1")),
            _ => None,
        };
        let own = original.instance.desired.ca_identifier.as_str();
        let authority = match rotation {
            Some(Rotation::To(other)) if other == own => {
                return Err(format!("{own} signs for it already: rotate-same-ca is the same"));
            }
            Some(Rotation::To(other)) => other,
            _ => own,
        };
        let key = ca_policy(authority).map_or(KeyAlgorithm::Rsa2048, |policy| policy.key);
        let facts = TlsFacts { openssl: original.openssl, key };
        check_group(&group, facts).map_err(|refusal| refusal.to_string())?;
        let signer = match self {
            ExpiredCertificate => Signer::CurrentLongAgo,
            ExpiredRoot => Signer::Ended,
            NextRoot | OldBundle => Signer::Next,
            _ => Signer::Current,
        };
        let host = if self == WrongHost { ANOTHER_HOST } else { HOST };
        Ok(Plan { group, signer, host, rotation })
    }
}
