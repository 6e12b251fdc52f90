//! One authority: its roots and subordinates, kept in folders, checked in full each time they are
//! loaded, and followed by others in time.
//!
//! A root's key is read to prove that it fits, and to sign a subordinate or a revocation list; only
//! subordinates sign leaves. Of certificates that are past their use, a key that is gone or damaged
//! is no reason to stop.

use std::error::Error;

use pgkeep_model::{CaPolicy, KeyAlgorithm};
use rcgen::{Issuer, KeyPair};
use sha1::{Digest as _, Sha1};
use time::OffsetDateTime;

use crate::crl::render_crl;
use crate::generation::{CaCertificate, Home, issuer as issuer_of};
use crate::own::OwnHome;
use crate::plan::{Lives, Step, decide_signer, decide_step};
use crate::profile::{Validity, add_years};
use crate::revocations::Revocation;
use crate::{CertificateInfo, PkiError, Result};

/// What clients are told of an authority: the root that vouches for new certificates, and all
/// others that live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityInfo {
    /// The identifier of the RDS API.
    pub identifier: String,
    /// The kind of key that leaves have.
    pub key: KeyAlgorithm,
    /// The root that vouches for new certificates.
    pub root: CertificateInfo,
    /// SHA-1 of the root (DER) in lowercase hexadecimal: the API's `Thumbprint`. A name, not a
    /// safeguard.
    pub thumbprint_sha1: String,
    /// The first second of the root's life, in UTC.
    pub not_before: OffsetDateTime,
    /// The last second of the root's life, in UTC.
    pub not_after: OffsetDateTime,
    /// The root as PEM.
    pub root_pem: String,
    /// The subordinate that signs now.
    pub signer: CertificateInfo,
    /// The last second of what is signed now, in UTC: the end of the first in the chain that ends.
    pub signs_until: OffsetDateTime,
    /// The subordinate that signs now, as PEM; with those above it, the root left out.
    pub signer_pem: String,
    /// Every root in the bundle, in the order of making.
    pub roots: Vec<CertificateInfo>,
    /// Every subordinate that has not ended, the same way.
    pub subordinates: Vec<CertificateInfo>,
}

/// All that is public of an authority.
pub(crate) struct Line {
    pub(crate) identifier: String,
    /// The kind of key that leaves have.
    pub(crate) key: KeyAlgorithm,
    pub(crate) leaf_years: u16,
    /// When it was loaded.
    at: OffsetDateTime,
    /// All that were made, also those that have ended.
    pub(crate) roots: Vec<CaCertificate>,
    subordinates: Vec<Subordinate>,
    /// Which subordinate signs.
    signer: usize,
}

/// A subordinate, and the indices that name it.
struct Subordinate {
    root: usize,
    number: usize,
    certificate: CaCertificate,
}

/// An authority ready to sign.
pub(crate) struct Authority {
    pub(crate) line: Line,
    pub(crate) issuer: Issuer<'static, KeyPair>,
    /// The revocation lists of all that live, as PEM.
    pub(crate) crl: String,
}

impl Authority {
    /// Loads the authority of `policy` from its folders under `dir`, and makes what it needs from
    /// now on.
    pub(crate) fn ensure(
        home: &Home<'_>,
        revoked: &[Revocation],
        now: OffsetDateTime,
    ) -> Result<Self> {
        let policy = home.policy;
        loop {
            let roots = home.load_roots()?;
            let mut root_keys = root_keys(home, &roots)?;
            let subordinates = load_subordinates(home, &roots)?;
            let lives = lives(&roots, &subordinates);
            let signer = decide_signer(&lives, now);
            if let Some(step) = decide_step(&lives, policy, now) {
                tracing::info!(authority = policy.identifier, "making {step}");
                match (make(home, step, &roots, &subordinates, now), signer) {
                    (Ok(()), _) => continue,
                    (Err(error), None) => return Err(error),
                    // There is time: on a full disk, say, what is there signs on.
                    (Err(error), Some(_)) => warn(policy.identifier, &error, "not made"),
                }
            }
            let signer = signer.ok_or_else(|| early(home, &roots, now))?;
            let line = Line::of(policy, roots, subordinates, signer, now);
            let Subordinate { root, number, certificate } = &line.subordinates[signer];
            let issuer = home.signer(*root, *number, certificate)?;
            let root = |number: usize, root: &CaCertificate| {
                let key = root_keys[number].take();
                let key = key.map_or_else(|| home.root_key(number, root), Ok)?;
                issuer_of(root, key).map(Some)
            };
            let other = |it: &Subordinate| home.signer(it.root, it.number, &it.certificate);
            let crl = line.crls(&issuer, root, other, revoked)?;
            return Ok(Self { line, issuer, crl });
        }
    }

    /// Loads an authority of the user's own.
    pub(crate) fn own(
        own: &OwnHome<'_>,
        revoked: &[Revocation],
        now: OffsetDateTime,
    ) -> Result<Self> {
        let line = Line::read_own(own, now)?;
        let issuer = |it: &Subordinate| own.signer(it.number, &it.certificate);
        let signer = issuer(&line.subordinates[line.signer])?;
        let crl = line.crls(&signer, |_, _| Ok(None), issuer, revoked)?;
        Ok(Self { line, issuer: signer, crl })
    }
}

impl Line {
    /// Loads what is public of the authority of `policy`; none that was not made yet.
    pub(crate) fn read(home: &Home<'_>, now: OffsetDateTime) -> Result<Option<Self>> {
        let roots = home.load_roots()?;
        if roots.is_empty() {
            return Ok(None);
        }
        let subordinates = load_subordinates(home, &roots)?;
        let lives = lives(&roots, &subordinates);
        // After a long time in which pgkeep was down, that which signed last.
        let last = || lives.subordinates.iter().rposition(|(_, life)| life.not_before <= now);
        let signer = decide_signer(&lives, now).or_else(last);
        let signer = signer.ok_or_else(|| early(home, &roots, now))?;
        Ok(Some(Self::of(home.policy, roots, subordinates, signer, now)))
    }

    /// Loads what is public of an authority of the user's own. The one that was imported last
    /// signs, whatever its dates: it is the user who replaces it.
    pub(crate) fn read_own(own: &OwnHome<'_>, at: OffsetDateTime) -> Result<Self> {
        let (mut roots, mut subordinates) = (Vec::<CaCertificate>::new(), Vec::new());
        let mut key = KeyAlgorithm::Rsa2048;
        for number in 0..own.generations()? {
            let chain = own.load(number)?;
            key = chain.leaf_key;
            let root = roots.iter().position(|it| it.der == chain.root.der);
            let root = root.unwrap_or_else(|| {
                roots.push(chain.root);
                roots.len() - 1
            });
            subordinates.push(Subordinate { root, number, certificate: chain.subordinate });
        }
        let (identifier, signer) = (own.identifier.to_owned(), subordinates.len() - 1);
        Ok(Self { identifier, key, leaf_years: 1, at, roots, subordinates, signer })
    }

    fn of(
        policy: &CaPolicy,
        roots: Vec<CaCertificate>,
        subordinates: Vec<Subordinate>,
        signer: usize,
        at: OffsetDateTime,
    ) -> Self {
        let CaPolicy { key, leaf_years, .. } = *policy;
        let identifier = policy.identifier.to_owned();
        Self { identifier, key, leaf_years, at, roots, subordinates, signer }
    }

    /// The subordinate that signs.
    pub(crate) fn subordinate(&self) -> &CaCertificate {
        &self.subordinates[self.signer].certificate
    }

    /// The last second in which what it signs is valid: no leaf lives longer.
    pub(crate) fn signs_until(&self) -> OffsetDateTime {
        self.subordinate().validity.not_after
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
        AuthorityInfo {
            identifier: self.identifier.clone(),
            key: self.key,
            root: root.info.clone(),
            thumbprint_sha1: hex::encode(Sha1::digest(&root.der)),
            not_before,
            not_after,
            root_pem: root.pem.clone(),
            signer: self.subordinate().info.clone(),
            signs_until: self.signs_until(),
            signer_pem: self.subordinate().pem.clone(),
            roots: self.bundle().map(|it| it.info.clone()).collect(),
            subordinates: self.living().map(|(_, it)| it.certificate.info.clone()).collect(),
        }
    }

    /// The subordinates that have not ended, with their indices.
    fn living(&self) -> impl Iterator<Item = (usize, &Subordinate)> {
        let all = self.subordinates.iter().enumerate();
        all.filter(|(_, it)| it.certificate.validity.not_after >= self.at)
    }

    /// The revocation lists of all that live and whose keys are there. Which subordinate signed a
    /// leaf is not recorded: each lists all, as serial numbers are random.
    fn crls(
        &self,
        signer: &Issuer<'_, KeyPair>,
        mut root: impl FnMut(usize, &CaCertificate) -> Result<Option<Issuer<'static, KeyPair>>>,
        subordinate: impl Fn(&Subordinate) -> Result<Issuer<'static, KeyPair>>,
        revoked: &[Revocation],
    ) -> Result<String> {
        let revoked: Vec<_> = revoked.iter().filter(|it| self.lists(it)).collect();
        let none = |error: PkiError, kind| {
            let message = format!("a {kind} has no revocation list");
            warn(&self.identifier, &error, &message);
        };
        let mut crls = String::new();
        for (number, it) in self.roots.iter().enumerate() {
            if it.validity.not_after < self.at {
                continue;
            }
            match root(number, it) {
                Ok(Some(issuer)) => crls += &render_crl(it, &issuer, &[], self.at)?,
                Ok(None) => {}
                Err(error) => none(error, "root"),
            }
        }
        for (number, it) in self.living() {
            if number == self.signer {
                crls += &render_crl(&it.certificate, signer, &revoked, self.at)?;
                continue;
            }
            match subordinate(it) {
                Ok(issuer) => crls += &render_crl(&it.certificate, &issuer, &revoked, self.at)?,
                Err(error) => none(error, "subordinate"),
            }
        }
        Ok(crls)
    }

    /// Whether a leaf is this authority's, and may not have ended yet.
    fn lists(&self, revoked: &Revocation) -> bool {
        let longest = add_years(revoked.at, self.leaf_years);
        revoked.ca_identifier.eq_ignore_ascii_case(&self.identifier)
            && longest.is_none_or(|end| end >= self.at)
    }
}

fn load_subordinates(home: &Home<'_>, roots: &[CaCertificate]) -> Result<Vec<Subordinate>> {
    let mut subordinates = Vec::new();
    for (root, certificate) in roots.iter().enumerate() {
        let found = home.load_subordinates(root, certificate)?.into_iter().enumerate();
        subordinates.extend(found.map(|(number, certificate)| Subordinate {
            root,
            number,
            certificate,
        }));
    }
    Ok(subordinates)
}

/// The keys of the roots that sign or are to sign: each must be there and fit.
fn root_keys(home: &Home<'_>, roots: &[CaCertificate]) -> Result<Vec<Option<KeyPair>>> {
    let key = |(root, certificate)| {
        let is_retired = home.is_retired(root, roots.len())?;
        (!is_retired).then(|| home.root_key(root, certificate)).transpose()
    };
    roots.iter().enumerate().map(key).collect()
}

fn lives(roots: &[CaCertificate], subordinates: &[Subordinate]) -> Lives {
    let lives = subordinates.iter().map(|it| (it.root, it.certificate.validity));
    Lives { roots: roots.iter().map(|it| it.validity).collect(), subordinates: lives.collect() }
}

fn warn(authority: &str, error: &PkiError, what: &str) {
    tracing::warn!(authority, error = error as &dyn Error, "{what}");
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
