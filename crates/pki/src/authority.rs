//! One authority: its roots and subordinates, kept in folders, checked in full each time they are
//! loaded, and followed by others in time.
//!
//! A root's key is read to prove that it fits, and to sign a subordinate; only subordinates sign
//! leaves. Of certificates that are past their use, the keys are not read at all.

use std::path::Path;

use pgkeep_model::CaPolicy;
use rcgen::{Issuer, KeyPair};
use sha1::{Digest as _, Sha1};
use time::OffsetDateTime;

use crate::generation::{CaCertificate, Home};
use crate::plan::{Lives, Step, decide_signer, decide_step};
use crate::profile::Validity;
use crate::{CertificateInfo, PkiError, Result};

/// What clients are told of an authority: the root that vouches for new certificates, and all
/// others that live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityInfo {
    /// The identifier of the RDS API.
    pub identifier: &'static str,
    /// The root's subject.
    pub subject: String,
    /// SHA-1 of the root (DER) in lowercase hexadecimal: the API's `Thumbprint`. A name, not a
    /// safeguard.
    pub thumbprint_sha1: String,
    /// The first second of the root's life, in UTC.
    pub not_before: OffsetDateTime,
    /// The last second of the root's life, in UTC.
    pub not_after: OffsetDateTime,
    /// The root as PEM.
    pub root_pem: String,
    /// Every root in the bundle, in the order of making.
    pub roots: Vec<CertificateInfo>,
    /// Every subordinate that has not ended, the same way.
    pub subordinates: Vec<CertificateInfo>,
}

/// An authority ready to sign.
pub(crate) struct Authority {
    pub(crate) policy: &'static CaPolicy,
    /// When it was loaded.
    at: OffsetDateTime,
    /// All that were made, also those that have ended.
    pub(crate) roots: Vec<CaCertificate>,
    subordinates: Vec<Subordinate>,
    /// Which subordinate signs, with its key.
    signer: usize,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

/// A subordinate, and the indices that name it.
struct Subordinate {
    root: usize,
    number: usize,
    certificate: CaCertificate,
}

impl Authority {
    /// Loads the authority of `policy` from its folders under `dir`, and makes what it needs from
    /// now on.
    pub(crate) fn ensure(
        dir: &Path,
        policy: &'static CaPolicy,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let home = Home { dir, policy, region };
        loop {
            let (roots, subordinates) = load(&home)?;
            let lives = Lives {
                roots: roots.iter().map(|root| root.validity).collect(),
                subordinates: subordinates
                    .iter()
                    .map(|it| (it.root, it.certificate.validity))
                    .collect(),
            };
            let signer = decide_signer(&lives, now);
            if let Some(step) = decide_step(&lives, policy, now) {
                tracing::info!(authority = policy.identifier, "making {step}");
                match (make(&home, step, &roots, &subordinates, now), signer) {
                    (Ok(()), _) => continue,
                    (Err(error), None) => return Err(error),
                    // There is time: on a full disk, say, what is there signs on.
                    (Err(error), Some(_)) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(authority = policy.identifier, error, "not made: {step}");
                    }
                }
            }
            let signer = signer.ok_or_else(|| early(&home, &roots, now))?;
            let Subordinate { root, number, certificate } = &subordinates[signer];
            let issuer = home.signer(*root, *number, certificate)?;
            return Ok(Self { policy, at: now, roots, subordinates, signer, issuer });
        }
    }

    /// The subordinate that signs.
    pub(crate) fn subordinate(&self) -> &CaCertificate {
        &self.subordinates[self.signer].certificate
    }

    /// A subordinate and its root, by the subordinate's DER; those that sign, if it is none of
    /// this authority's.
    pub(crate) fn path_of(&self, subordinate_der: &[u8]) -> (&CaCertificate, &CaCertificate) {
        let mut all = self.subordinates.iter();
        let found = all.find(|it| it.certificate.der == subordinate_der);
        let found = found.unwrap_or(&self.subordinates[self.signer]);
        (&found.certificate, &self.roots[found.root])
    }

    /// The roots that clients are to trust: those to come as well as those that sign no more, until
    /// they end. By then all that they signed has ended.
    pub(crate) fn bundle(&self) -> impl Iterator<Item = &CaCertificate> {
        self.roots.iter().filter(|root| root.validity.not_after >= self.at)
    }

    /// What clients are told.
    pub(crate) fn describe(&self) -> AuthorityInfo {
        let root = &self.roots[self.subordinates[self.signer].root];
        let Validity { not_before, not_after } = root.validity;
        let subordinates = self.subordinates.iter().map(|it| &it.certificate);
        let alive = subordinates.filter(|it| it.validity.not_after >= self.at);
        AuthorityInfo {
            identifier: self.policy.identifier,
            subject: root.info.subject.clone(),
            thumbprint_sha1: hex::encode(Sha1::digest(&root.der)),
            not_before,
            not_after,
            root_pem: root.pem.clone(),
            roots: self.bundle().map(|it| it.info.clone()).collect(),
            subordinates: alive.map(|it| it.info.clone()).collect(),
        }
    }
}

fn load(home: &Home<'_>) -> Result<(Vec<CaCertificate>, Vec<Subordinate>)> {
    let roots = home.load_roots()?;
    let mut subordinates = Vec::new();
    for (root, certificate) in roots.iter().enumerate() {
        if !home.is_retired(root, roots.len())? {
            home.check_root_key(root, certificate)?;
        }
        let found = home.load_subordinates(root, certificate)?.into_iter().enumerate();
        subordinates.extend(found.map(|(number, certificate)| Subordinate {
            root,
            number,
            certificate,
        }));
    }
    Ok((roots, subordinates))
}

fn make(
    home: &Home<'_>,
    step: Step,
    roots: &[CaCertificate],
    subordinates: &[Subordinate],
    now: OffsetDateTime,
) -> Result<()> {
    match step {
        Step::Root if roots.is_empty() => home.make_first(now),
        Step::Root => home.make_root(roots.len(), now),
        Step::Subordinate { root } => {
            let number = subordinates.iter().filter(|it| it.root == root).count();
            home.make_subordinate(root, number, &roots[root], now)
        }
    }
}

/// Nothing has begun yet: the clock is wrong.
fn early(home: &Home<'_>, roots: &[CaCertificate], now: OffsetDateTime) -> PkiError {
    let life = roots.first().map(|root| root.validity);
    let life = life.map(|it| format!("from {} to {}", it.not_before, it.not_after));
    let problem = format!("is valid {}, and it is {now}", life.unwrap_or_default());
    PkiError::unfit(&home.root_path(0), problem)
}
