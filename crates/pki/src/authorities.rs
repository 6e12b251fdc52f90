//! The authorities of a region together: made or loaded, and what they give to the outside.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use pgkeep_model::{CA_POLICIES, CaPolicy, KeyAlgorithm};
use time::OffsetDateTime;

use crate::authority::{Authority, AuthorityInfo, Line};
use crate::bundle::{render_p7b, render_pem};
use crate::generation::Home;
use crate::keys::{Keys, Passphrase};
use crate::own::{self, OwnHome};
use crate::parallel::in_parallel;
use crate::profile::{leaf_params, plan_validity};
use crate::renamed::name_certificate;
use crate::revocations::{self, Revocation};
use crate::{CertificateInfo, LeafKey, PkiError, Result, folder};

/// Every authority of [`CA_POLICIES`], and those of the user's own, for one region, as of the
/// moment when it was loaded.
///
/// A value that does not change: [`Authorities::ensure`] gives another one, and makes what the
/// time asks for.
pub struct Authorities {
    all: Vec<Authority>,
    revoked: Vec<Revocation>,
    as_of: Option<SystemTime>,
    p7b: Vec<u8>,
}

/// A server's certificate, with what a record of it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The leaf and then the subordinate that signed it, as PEM: what a server sends. Never the
    /// root, which clients must have from elsewhere.
    pub chain_pem: String,
    /// The serial number in lowercase hexadecimal, without colons: always 32 digits.
    pub serial_hex: String,
    /// SHA-256 of the leaf (DER) in lowercase hexadecimal.
    pub fingerprint_sha256: String,
    /// The first second of its life, in UTC.
    pub not_before: OffsetDateTime,
    /// The last second of its life, in UTC.
    pub not_after: OffsetDateTime,
    /// The subject of the subordinate that signed it.
    pub issuer: String,
}

impl Authorities {
    /// Loads the authorities of a region from `dir`, and makes those that are missing, and those
    /// of their roots and subordinates that are needed from now on.
    ///
    /// Each has a folder `<dir>/<identifier>` with `root.pem`, `root-key.pem`, `subordinate.pem`
    /// and `subordinate-key.pem`, and a folder beside it for each that followed. Safe to kill at
    /// any moment and to run again; a second process waits. `dir` belongs to one region:
    /// authorities of another are refused.
    ///
    /// Keys are encrypted under the passphrase, if there is one.
    ///
    /// The first run makes RSA-4096 keys and takes seconds; call it off the executor's threads.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] names the first file that is damaged, open to others, does not go with
    /// the one beside it, or is not valid yet. An authority is never made anew over such a file.
    pub fn ensure(
        dir: &Path,
        region: &str,
        passphrase: Option<&Passphrase>,
        now: OffsetDateTime,
    ) -> Result<Self> {
        Self::ensure_some(CA_POLICIES.each_ref(), |_| true, dir, region, passphrase, now)
    }

    /// Loads or makes the authorities of those policies that are wanted, by their identifiers.
    pub(crate) fn ensure_some(
        policies: [&'static CaPolicy; CA_POLICIES.len()],
        is_wanted: impl Fn(&str) -> bool,
        dir: &Path,
        region: &str,
        passphrase: Option<&Passphrase>,
        now: OffsetDateTime,
    ) -> Result<Self> {
        folder::ensure_private(dir)?;
        let _lock = folder::lock(dir)?;
        let as_of = fs::metadata(dir).and_then(|it| it.modified()).ok();
        let (keys, revoked) = (Keys(passphrase), revocations::read(dir)?);
        keys.check(dir)?;
        let made = in_parallel(policies.map(|policy| {
            let (is_wanted, revoked) = (is_wanted(policy.identifier), &revoked);
            let home = Home { dir, policy, region, keys };
            move || is_wanted.then(|| Authority::ensure(&home, revoked, now))
        }));
        let mut authorities = made.into_iter().flatten().collect::<Result<Vec<_>>>()?;
        for identifier in own::identifiers(dir)? {
            let own = OwnHome { dir, identifier: &identifier, keys };
            authorities.push(Authority::own(&own, &revoked, now)?);
        }
        keys.encrypt_all(dir)?;
        let bundle = authorities.iter().flat_map(|it| it.line.bundle());
        let p7b = render_p7b(bundle.map(|root| root.der.as_slice()))?;
        Ok(Self { all: authorities, revoked, as_of, p7b })
    }

    /// What is public of the authorities in `dir`, for who has no business with their keys.
    ///
    /// # Errors
    /// Those of [`Authorities::ensure`]; none that is missing is made.
    pub fn read(dir: &Path, region: &str, now: OffsetDateTime) -> Result<Vec<AuthorityInfo>> {
        let keys = Keys(None);
        let mut lines = Vec::new();
        for policy in &CA_POLICIES {
            lines.extend(Line::read(&Home { dir, policy, region, keys }, now)?);
        }
        for identifier in own::identifiers(dir)? {
            lines.push(Line::read_own(&OwnHome { dir, identifier: &identifier, keys }, now)?);
        }
        Ok(lines.iter().map(Line::describe).collect())
    }

    /// Signs a certificate for the server at `endpoint`, a DNS name, with the key's public half.
    ///
    /// One calendar year, cut where the subordinate's own life ends. The identifier matches
    /// without regard to case, as in the service.
    pub fn issue_leaf(
        &self,
        ca_identifier: &str,
        key: &LeafKey,
        endpoint: &str,
        now: OffsetDateTime,
    ) -> Result<Leaf> {
        let Authority { line, issuer, .. } = self.find(ca_identifier)?;
        let subordinate = line.subordinate();
        let (expected, found) = (line.key, key.algorithm());
        if expected != found {
            let authority = line.identifier.clone();
            return Err(PkiError::KeyFamily { authority, expected, found });
        }
        let validity = plan_validity(now, line.leaf_years, Some(&subordinate.validity));
        let validity = validity.ok_or_else(|| PkiError::OutsideValidity {
            issuer: subordinate.info.subject.clone(),
            now,
        })?;
        let leaf = leaf_params(endpoint, found, validity)?
            .signed_by(key.pair(), issuer)
            .map_err(PkiError::issue(endpoint))?;
        let leaf = name_certificate(leaf.der(), subordinate, issuer)?;
        let info = CertificateInfo::from_der(&leaf).ok_or(PkiError::NotACertificate)?;
        Ok(Leaf {
            chain_pem: render_pem(&leaf)? + &subordinate.pem,
            serial_hex: info.serial_hex,
            fingerprint_sha256: info.fingerprint_sha256,
            not_before: info.not_before,
            not_after: info.not_after,
            issuer: info.issuer,
        })
    }

    /// The trust bundle: every root that has not ended, the next ones included, and nothing else,
    /// as PEM.
    pub fn bundle_pem(&self) -> String {
        self.lines().flat_map(Line::bundle).map(|root| &*root.pem).collect()
    }

    /// The trust bundle as a certs-only PKCS#7 in DER, the form of `.p7b` that Windows and Java
    /// import as it is.
    pub fn bundle_p7b(&self) -> &[u8] {
        &self.p7b
    }

    /// The roots of one authority as PEM.
    pub fn authority_pem(&self, ca_identifier: &str) -> Result<String> {
        Ok(self.find(ca_identifier)?.line.bundle().map(|root| &*root.pem).collect())
    }

    /// The revocation lists of every authority as PEM, one after the other: what libpq takes as
    /// `sslcrl`.
    pub fn crl_pem(&self) -> String {
        self.all.iter().map(|it| &*it.crl).collect()
    }

    /// The revocation lists of one authority as PEM.
    pub fn authority_crl(&self, ca_identifier: &str) -> Result<&str> {
        Ok(&self.find(ca_identifier)?.crl)
    }

    /// When something had last come into their folder, or had gone from it, before they were read.
    pub fn as_of(&self) -> Option<SystemTime> {
        self.as_of
    }

    /// Whether a leaf was revoked.
    pub fn is_revoked(&self, serial_hex: &str) -> bool {
        self.revoked.iter().any(|it| it.serial_hex == serial_hex)
    }

    /// An authority's identifier as it is written where it was made, and the kind of key that its
    /// leaves have.
    pub fn key_of(&self, ca_identifier: &str) -> Result<(&str, KeyAlgorithm)> {
        let line = &self.find(ca_identifier)?.line;
        Ok((&line.identifier, line.key))
    }

    /// The last second of what an authority signs now, in UTC.
    pub fn signs_until(&self, ca_identifier: &str) -> Result<OffsetDateTime> {
        Ok(self.find(ca_identifier)?.line.signs_until())
    }

    /// What clients are told of each authority: the default first, those of the user's own last.
    pub fn describe(&self) -> Vec<AuthorityInfo> {
        self.lines().map(Line::describe).collect()
    }

    /// Every root that there ever was, in DER.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &[u8]> {
        self.lines().flat_map(|it| &it.roots).map(|root| root.der.as_slice())
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.all.iter().map(|it| &it.line)
    }

    pub(crate) fn find(&self, identifier: &str) -> Result<&Authority> {
        self.all
            .iter()
            .find(|authority| authority.line.identifier.eq_ignore_ascii_case(identifier))
            .ok_or_else(|| PkiError::UnknownAuthority(identifier.to_owned()))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots = self.lines().flat_map(Line::bundle);
        let roots = roots.map(|root| &root.info.subject).collect::<Vec<_>>();
        f.debug_struct("Authorities").field("roots", &roots).finish_non_exhaustive()
    }
}
