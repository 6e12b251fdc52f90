//! One authority: made once, kept in a folder, checked in full each time it is loaded.
//!
//! The root's key is read to prove that it fits and is then dropped: only the subordinate signs.

use std::path::Path;

use pgkeep_model::{CaPolicy, KeyAlgorithm};
use rcgen::{Issuer, KeyPair, PublicKeyData as _};
use sha1::{Digest as _, Sha1};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::bundle::render_pem;
use crate::check::{check_profile, check_signed, validity_of};
use crate::info::parse_pem;
use crate::key::{generate_pair, parse_pair};
use crate::parallel::in_parallel;
use crate::profile::{AuthorityProfile, Validity, plan_validity};
use crate::{CertificateInfo, PkiError, Result, folder};

const ROOT: &str = "root.pem";
const ROOT_KEY: &str = "root-key.pem";
const SUBORDINATE: &str = "subordinate.pem";
const SUBORDINATE_KEY: &str = "subordinate-key.pem";

/// What clients are told of an authority: its root, and what signs in its name.
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
    /// The root's serial number in lowercase hexadecimal, without colons.
    pub serial_hex: String,
    /// The root as PEM.
    pub root_pem: String,
    /// The certificate that signs those of servers.
    pub subordinate: CertificateInfo,
}

/// An authority ready to sign.
pub(crate) struct Authority {
    pub(crate) policy: &'static CaPolicy,
    pub(crate) info: AuthorityInfo,
    pub(crate) root_der: Vec<u8>,
    pub(crate) subordinate_der: Vec<u8>,
    pub(crate) subordinate_pem: String,
    /// The subordinate's life.
    pub(crate) validity: Validity,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Loads the authority of `policy` from its folder under `dir`, made first if there is none.
    pub(crate) fn ensure(
        dir: &Path,
        policy: &'static CaPolicy,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let place = dir.join(policy.identifier);
        if !place.try_exists().map_err(PkiError::file("look for", &place))? {
            tracing::info!(authority = policy.identifier, "generating an authority");
            let files = generate(policy, region, now)?;
            folder::write_whole(dir, policy.identifier, &files)?;
        }
        Self::load(&place, policy, region, now)
    }

    fn load(
        place: &Path,
        policy: &'static CaPolicy,
        region: &str,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let (root_path, subordinate_path) = (place.join(ROOT), place.join(SUBORDINATE));
        let root_der = read_certificate(&root_path)?;
        let root = parse_certificate(&root_path, &root_der)?;
        check_profile(&root, &AuthorityProfile::root(policy, region)?, now)
            .and_then(|()| check_signed(&root, &root))
            .map_err(|problem| PkiError::unfit(&root_path, problem))?;
        read_key(&place.join(ROOT_KEY), policy.key, &root, ROOT)?;

        let subordinate_der = read_certificate(&subordinate_path)?;
        let subordinate = parse_certificate(&subordinate_path, &subordinate_der)?;
        let profile = AuthorityProfile::subordinate(policy, region)?;
        check_profile(&subordinate, &profile, now)
            .and_then(|()| check_signed(&subordinate, &root))
            .map_err(|problem| PkiError::unfit(&subordinate_path, problem))?;
        let key_path = place.join(SUBORDINATE_KEY);
        let key = read_key(&key_path, policy.key, &subordinate, SUBORDINATE)?;

        let issuer = Issuer::from_ca_cert_der(&subordinate_der.as_slice().into(), key);
        let issuer = issuer.map_err(PkiError::issue(profile.subject()))?;
        Ok(Self {
            policy,
            info: describe(policy, &root, &root_der, &subordinate_der)?,
            subordinate_pem: render_pem(&subordinate_der)?,
            validity: validity_of(&subordinate),
            issuer,
            subordinate_der,
            root_der,
        })
    }
}

/// Makes root and subordinate with their keys, as the files of a folder.
fn generate(
    policy: &CaPolicy,
    region: &str,
    now: OffsetDateTime,
) -> Result<[(&'static str, String); 4]> {
    let root_profile = AuthorityProfile::root(policy, region)?;
    let profile = AuthorityProfile::subordinate(policy, region)?;
    let (root_validity, validity) = plan_validity(now, policy.root_years, None)
        .and_then(|root| Some((root, plan_validity(now, policy.subordinate_years, Some(&root))?)))
        .ok_or_else(|| PkiError::OutsideValidity { issuer: root_profile.subject(), now })?;

    let [root_key, key] = in_parallel([(), ()].map(|()| || generate_pair(policy.key)));
    let (root_key, key) = (root_key?, key?);
    let root_params = root_profile.params(root_validity);
    let root = root_params.self_signed(&root_key);
    let root = root.map_err(PkiError::issue(root_profile.subject()))?;
    let issuer = Issuer::from_params(&root_params, &root_key);
    let subordinate = profile.params(validity).signed_by(&key, &issuer);
    let subordinate = subordinate.map_err(PkiError::issue(profile.subject()))?;
    Ok([
        (ROOT, root.pem()),
        (ROOT_KEY, root_key.serialize_pem()),
        (SUBORDINATE, subordinate.pem()),
        (SUBORDINATE_KEY, key.serialize_pem()),
    ])
}

fn read_certificate(path: &Path) -> Result<Vec<u8>> {
    parse_pem(&folder::read(path)?)
        .ok_or_else(|| PkiError::unfit(path, "is not a certificate in PEM"))
}

fn parse_certificate<'a>(path: &Path, der: &'a [u8]) -> Result<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(PkiError::unfit(path, "is not an X.509 certificate")),
    }
}

/// Reads a private key and holds it against the certificate beside it.
fn read_key(
    path: &Path,
    algorithm: KeyAlgorithm,
    certificate: &X509Certificate<'_>,
    certificate_name: &str,
) -> Result<KeyPair> {
    let key = parse_pair(algorithm, &folder::read_private(path)?).ok_or_else(|| {
        PkiError::unfit(path, format!("is no {} private key in PKCS#8 PEM", algorithm.name()))
    })?;
    if key.subject_public_key_info() == certificate.public_key().raw {
        Ok(key)
    } else {
        Err(PkiError::unfit(path, format!("is not the key of {certificate_name}")))
    }
}

fn describe(
    policy: &'static CaPolicy,
    root: &X509Certificate<'_>,
    der: &[u8],
    subordinate_der: &[u8],
) -> Result<AuthorityInfo> {
    let Validity { not_before, not_after } = validity_of(root);
    Ok(AuthorityInfo {
        identifier: policy.identifier,
        subject: root.subject().to_string(),
        thumbprint_sha1: hex::encode(Sha1::digest(der)),
        not_before,
        not_after,
        serial_hex: hex::encode(root.serial.to_bytes_be()),
        root_pem: render_pem(der)?,
        subordinate: CertificateInfo::from_der(subordinate_der).ok_or(PkiError::NotACertificate)?,
    })
}
