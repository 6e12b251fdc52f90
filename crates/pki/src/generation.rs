//! One root, or one subordinate: its names, its files, its making.
//!
//! | certificate | folder | end of the common name |
//! |---|---|---|
//! | first root, and its first subordinate | `<identifier>` | `<label>`, `<label>.A` |
//! | second subordinate of the first root | `<identifier>.B` | `<label>.B` |
//! | second root | `<identifier>.2` | `<label>.2` |
//! | first subordinate of the second root | `<identifier>.2.A` | `<label>.2.A` |
//!
//! A folder appears whole and never changes.

use std::path::{Path, PathBuf};

use pgkeep_model::CaPolicy;
use rcgen::{Issuer, KeyPair, PublicKeyData as _};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::bundle::render_pem;
use crate::check::{check_profile, check_signed, validity_of};
use crate::info::parse_pem;
use crate::key::{generate_pair, parse_pair};
use crate::keys::Keys;
use crate::parallel::in_parallel;
use crate::profile::{AuthorityProfile, Validity, plan_validity};
use crate::{CertificateInfo, PkiError, Result, folder};

pub(crate) const ROOT: &str = "root.pem";
pub(crate) const ROOT_KEY: &str = "root-key.pem";
pub(crate) const SUBORDINATE: &str = "subordinate.pem";
pub(crate) const SUBORDINATE_KEY: &str = "subordinate-key.pem";

/// Where an authority is, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) policy: &'static CaPolicy,
    pub(crate) region: &'a str,
    pub(crate) keys: Keys<'a>,
}

/// A certificate of an authority, checked; its key stays on the disk.
#[derive(Debug)]
pub(crate) struct CaCertificate {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
    pub(crate) info: CertificateInfo,
    pub(crate) validity: Validity,
}

impl Home<'_> {
    /// The roots, in the order of making.
    pub(crate) fn load_roots(&self) -> Result<Vec<CaCertificate>> {
        let mut roots = Vec::new();
        while self.exists(&root_suffix(roots.len()))? {
            let path = self.root_path(roots.len());
            let profile = self.root_profile(roots.len())?;
            roots.push(load(&path, |root| {
                check_profile(root, &profile).and_then(|()| check_signed(root, root))
            })?);
        }
        Ok(roots)
    }

    /// The subordinates of a root, in the order of making.
    pub(crate) fn load_subordinates(
        &self,
        root: usize,
        issuer: &CaCertificate,
    ) -> Result<Vec<CaCertificate>> {
        let issuer_path = self.root_path(root);
        let issuer = parse(&issuer_path, &issuer.der)?;
        let mut subordinates = Vec::new();
        while self.has_subordinate(root, subordinates.len())? {
            let path = self.subordinate_folder(root, subordinates.len()).join(SUBORDINATE);
            let profile = self.subordinate_profile(root, subordinates.len())?;
            subordinates.push(load(&path, |subordinate| {
                check_profile(subordinate, &profile)
                    .and_then(|()| check_signed(subordinate, &issuer))
            })?);
        }
        Ok(subordinates)
    }

    /// Whether a later root of that many signs in its place.
    pub(crate) fn is_retired(&self, root: usize, roots: usize) -> Result<bool> {
        for later in root + 1..roots {
            if self.has_subordinate(later, 0)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A subordinate with its key, to sign leaves.
    pub(crate) fn signer(
        &self,
        root: usize,
        number: usize,
        certificate: &CaCertificate,
    ) -> Result<Issuer<'static, KeyPair>> {
        let path = self.subordinate_folder(root, number).join(SUBORDINATE_KEY);
        issuer(certificate, self.read_key(&path, certificate, SUBORDINATE)?)
    }

    /// Makes the first root with its first subordinate.
    pub(crate) fn make_first(&self, now: OffsetDateTime) -> Result<()> {
        let (policy, profile) = (self.policy, self.root_profile(0)?);
        let outside = || PkiError::OutsideValidity { issuer: profile.subject(), now };
        let validity = plan_validity(now, policy.root_years, None).ok_or_else(outside)?;
        // The names to come are longer than the first, and one is refused before a key is made.
        self.subordinate_profile(9, 0)?;
        let subordinate = self.subordinate_profile(0, 0)?;
        let life = plan_validity(now, policy.subordinate_years, Some(&validity));
        let life = life.ok_or_else(outside)?;
        let [root_key, key] = in_parallel([(), ()].map(|()| || generate_pair(policy.key)));
        let (root_key, key) = (root_key?, key?);
        let root_params = profile.params(validity);
        let root = root_params.self_signed(&root_key);
        let root = root.map_err(PkiError::issue(profile.subject()))?;
        let issuer = Issuer::from_params(&root_params, &root_key);
        let signed = subordinate.params(life).signed_by(&key, &issuer);
        let signed = signed.map_err(PkiError::issue(subordinate.subject()))?;
        self.write(
            "",
            &[
                (ROOT, root.pem()),
                (ROOT_KEY, self.keys.seal(&root_key)?),
                (SUBORDINATE, signed.pem()),
                (SUBORDINATE_KEY, self.keys.seal(&key)?),
            ],
        )
    }

    /// Makes a root that is to follow.
    pub(crate) fn make_root(&self, root: usize, now: OffsetDateTime) -> Result<()> {
        let profile = self.root_profile(root)?;
        let outside = || PkiError::OutsideValidity { issuer: profile.subject(), now };
        let validity = plan_validity(now, self.policy.root_years, None).ok_or_else(outside)?;
        let key = generate_pair(self.policy.key)?;
        let made = profile.params(validity).self_signed(&key);
        let made = made.map_err(PkiError::issue(profile.subject()))?;
        let files = [(ROOT, made.pem()), (ROOT_KEY, self.keys.seal(&key)?)];
        self.write(&root_suffix(root), &files)
    }

    /// Makes a subordinate by a root, whose key is read for this.
    pub(crate) fn make_subordinate(
        &self,
        root: usize,
        number: usize,
        certificate: &CaCertificate,
        now: OffsetDateTime,
    ) -> Result<()> {
        let profile = self.subordinate_profile(root, number)?;
        let life = plan_validity(now, self.policy.subordinate_years, Some(&certificate.validity));
        let life = life.ok_or_else(|| PkiError::OutsideValidity {
            issuer: certificate.info.subject.clone(),
            now,
        })?;
        let issuer = issuer(certificate, self.root_key(root, certificate)?)?;
        let key = generate_pair(self.policy.key)?;
        let made = profile.params(life).signed_by(&key, &issuer);
        let made = made.map_err(PkiError::issue(profile.subject()))?;
        let files = [(SUBORDINATE, made.pem()), (SUBORDINATE_KEY, self.keys.seal(&key)?)];
        self.write(&subordinate_suffix(root, number), &files)
    }

    /// The path of a root's certificate.
    pub(crate) fn root_path(&self, root: usize) -> PathBuf {
        self.folder(&root_suffix(root)).join(ROOT)
    }

    /// A root's key, held against its certificate.
    pub(crate) fn root_key(&self, root: usize, certificate: &CaCertificate) -> Result<KeyPair> {
        let path = self.folder(&root_suffix(root)).join(ROOT_KEY);
        self.read_key(&path, certificate, ROOT)
    }

    /// Reads a private key and holds it against the certificate beside it.
    fn read_key(
        &self,
        path: &Path,
        certificate: &CaCertificate,
        certificate_name: &str,
    ) -> Result<KeyPair> {
        let algorithm = self.policy.key;
        let key = parse_pair(algorithm, &self.keys.read(path)?).ok_or_else(|| {
            let name = algorithm.name();
            PkiError::unfit(path, format!("is no {name} private key in PKCS#8 PEM"))
        })?;
        if key.subject_public_key_info() == parse(path, &certificate.der)?.public_key().raw {
            Ok(key)
        } else {
            Err(PkiError::unfit(path, format!("is not the key of {certificate_name}")))
        }
    }

    /// The first subordinate of the first root shares its folder.
    fn subordinate_folder(&self, root: usize, number: usize) -> PathBuf {
        match (root, number) {
            (0, 0) => self.folder(""),
            _ => self.folder(&subordinate_suffix(root, number)),
        }
    }

    fn has_subordinate(&self, root: usize, number: usize) -> Result<bool> {
        let shares = (root, number) == (0, 0);
        Ok(shares || self.exists(&subordinate_suffix(root, number))?)
    }

    fn exists(&self, suffix: &str) -> Result<bool> {
        let folder = self.folder(suffix);
        folder.try_exists().map_err(PkiError::file("look for", &folder))
    }

    fn write(&self, suffix: &str, files: &[(&str, String)]) -> Result<()> {
        let name = format!("{}{suffix}", self.policy.identifier);
        folder::write_whole(self.dir, &name, files)
    }

    fn folder(&self, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}{suffix}", self.policy.identifier))
    }

    fn root_profile(&self, root: usize) -> Result<AuthorityProfile> {
        AuthorityProfile::root(self.policy, self.region, &root_suffix(root))
    }

    fn subordinate_profile(&self, root: usize, number: usize) -> Result<AuthorityProfile> {
        let suffix = subordinate_suffix(root, number);
        AuthorityProfile::subordinate(self.policy, self.region, &suffix)
    }
}

/// Roots are numbered from 1, which is left out.
fn root_suffix(root: usize) -> String {
    if root == 0 { String::new() } else { format!(".{}", root + 1) }
}

/// Subordinates have letters, and after those numbers: a root's life has room for a dozen.
fn subordinate_suffix(root: usize, number: usize) -> String {
    let letter = ('A'..='Z').nth(number).map_or_else(|| format!("Z{number}"), String::from);
    format!("{}.{letter}", root_suffix(root))
}

fn load(
    path: &Path,
    check: impl FnOnce(&X509Certificate<'_>) -> Result<(), String>,
) -> Result<CaCertificate> {
    let der = parse_pem(&folder::read(path)?)
        .ok_or_else(|| PkiError::unfit(path, "is not a certificate in PEM"))?;
    let certificate = parse(path, &der)?;
    check(&certificate).map_err(|problem| PkiError::unfit(path, problem))?;
    let validity = validity_of(&certificate);
    let info = CertificateInfo::from_der(&der).ok_or(PkiError::NotACertificate)?;
    Ok(CaCertificate { pem: render_pem(&der)?, info, validity, der })
}

pub(crate) fn parse<'a>(path: &Path, der: &'a [u8]) -> Result<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(PkiError::unfit(path, "is not an X.509 certificate")),
    }
}

/// A certificate with its key, to sign.
pub(crate) fn issuer(
    certificate: &CaCertificate,
    key: KeyPair,
) -> Result<Issuer<'static, KeyPair>> {
    let issuer = Issuer::from_ca_cert_der(&certificate.der.as_slice().into(), key);
    issuer.map_err(PkiError::issue(&*certificate.info.subject))
}
