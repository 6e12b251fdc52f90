//! Authorities of the user's own: a root that is kept elsewhere, and an intermediate whose key
//! pgkeep has.
//!
//! | folder | what is in it |
//! |---|---|
//! | `<identifier>` | the first import: `root.pem`, `subordinate.pem`, `subordinate-key.pem` |
//! | `<identifier>.2` | the next under the same identifier, which signs from then on |
//! | `<identifier>.csr` | a key that waits for its certificate, with the request for it |
//!
//! A folder appears whole and never changes, as for the service's authorities. All is checked
//! before it is taken and again at each start. `subordinate.pem` has every certificate between
//! leaf and root, the one that signs first. Deliberately absent: making another when one comes to
//! its end.

use std::path::{Path, PathBuf};

use pgkeep_model::KeyAlgorithm;
use rcgen::{Issuer, KeyPair, PublicKeyData as _, SignatureAlgorithm};
use time::OffsetDateTime;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use crate::bundle::render_pem;
use crate::check::{check_signed, validity_of};
use crate::generation::{CaCertificate, ROOT, SUBORDINATE, SUBORDINATE_KEY, issuer, parse};
use crate::key::{generate_pair, own_signature};
use crate::keys::{Keys, Passphrase};
use crate::profile::{AuthorityProfile, Validity, leaf_params, plan_validity};
use crate::renamed::name_certificate;
use crate::{Authorities, AuthorityInfo, CertificateInfo, PkiError, Result, folder};

const REQUEST: &str = "request.pem";
/// How identifiers of the service's authorities begin.
const RESERVED: &str = "rds-ca-";
/// More intermediates than anyone has: a loop of issuers ends here.
const LONGEST: usize = 8;

/// What a user gives.
pub struct OwnCertificate<'a> {
    /// Certificates as PEM, in any order: the one that is to sign, those above it, the root.
    pub certificates: &'a str,
    /// The private key as PKCS#8 PEM; none if it was made here.
    pub key: Option<&'a str>,
}

/// Takes an authority of the user's own, or another certificate of one that is there, and answers
/// what is public of it.
///
/// # Errors
/// [`PkiError::Import`] says what is wrong with it; nothing was changed then.
pub fn import_authority(
    dir: &Path,
    identifier: &str,
    given: &OwnCertificate<'_>,
    region: &str,
    passphrase: Option<&Passphrase>,
    now: OffsetDateTime,
) -> Result<AuthorityInfo> {
    let refused = |problem: String| PkiError::Import { identifier: identifier.to_owned(), problem };
    check_identifier(identifier, region).map_err(refused)?;
    let _lock = folder::lock(dir)?;
    let own = OwnHome { dir, identifier, keys: Keys(passphrase) };
    own.check_keys()?;
    let known = Authorities::read(dir, region, now)?;
    let pems = blocks(given.certificates).map_err(refused)?;
    let key = own.key_for(given, &pems)?;
    let key = key.ok_or_else(|| refused("the key is that of no certificate given".to_owned()))?;
    let chain = Chain::plan(&pems, &key.subject_public_key_info()).map_err(refused)?;
    chain.check_use(key, now).map_err(refused)?;
    let fingerprint = &chain.subordinate.info.fingerprint_sha256;
    let own_and_others = known.iter().flat_map(|it| &it.subordinates);
    if own_and_others.into_iter().any(|it| it.fingerprint_sha256 == *fingerprint) {
        return Err(refused("this certificate is there already".to_owned()));
    }
    let key = own.key_for(given, &pems)?.ok_or(PkiError::NotACertificate)?;
    let files = [
        (ROOT, chain.root.pem.clone()),
        (SUBORDINATE, chain.subordinate.pem.clone()),
        (SUBORDINATE_KEY, own.keys.seal(&key)?),
    ];
    folder::write_whole(dir, &own.name(own.generations()?), &files)?;
    own.forget_request(&key.subject_public_key_info())?;
    Ok(crate::authority::Line::read_own(&own, now)?.describe())
}

/// Makes a key for an authority of the user's own, and answers the request for its certificate as
/// PEM; the same until that was imported.
///
/// # Errors
/// [`PkiError::Import`] for an identifier that cannot be.
pub fn request_authority(
    dir: &Path,
    identifier: &str,
    key: KeyAlgorithm,
    region: &str,
    passphrase: Option<&Passphrase>,
) -> Result<String> {
    let refused = |problem: String| PkiError::Import { identifier: identifier.to_owned(), problem };
    check_identifier(identifier, region).map_err(refused)?;
    let _lock = folder::lock(dir)?;
    let own = OwnHome { dir, identifier, keys: Keys(passphrase) };
    own.check_keys()?;
    let last = own.generations()?.checked_sub(1).map(|it| own.load(it)).transpose()?;
    if let Some(last) = last {
        let last = parse(&own.folder(0), &last.subordinate.der)?.public_key().raw.to_vec();
        own.forget_request(&last)?;
    }
    let waiting = own.request_folder().join(REQUEST);
    if waiting.exists() {
        return folder::read(&waiting);
    }
    let profile = AuthorityProfile::own(key, region, identifier)?;
    let key = generate_pair(key)?;
    let request = profile.request(&key)?;
    let files = [(REQUEST, request.clone()), (SUBORDINATE_KEY, own.keys.seal(&key)?)];
    folder::write_whole(dir, &own.request_name(), &files)?;
    Ok(request)
}

/// The identifiers of all that are there.
pub(crate) fn identifiers(dir: &Path) -> Result<Vec<String>> {
    let names = folder::names(dir)?.into_iter();
    Ok(names.filter(|it| is_identifier(it) && !it.starts_with(RESERVED)).collect())
}

/// Where an authority of the user's own is.
pub(crate) struct OwnHome<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) identifier: &'a str,
    pub(crate) keys: Keys<'a>,
}

impl OwnHome<'_> {
    /// How many there are under this identifier.
    pub(crate) fn generations(&self) -> Result<usize> {
        let mut number = 0;
        loop {
            let folder = self.folder(number);
            if !folder.try_exists().map_err(PkiError::file("look for", &folder))? {
                return Ok(number);
            }
            number += 1;
        }
    }

    /// One of them, checked.
    pub(crate) fn load(&self, number: usize) -> Result<Chain> {
        let path = self.folder(number).join(SUBORDINATE);
        let unfit = |problem: String| PkiError::unfit(&path, problem);
        let text = folder::read(&path)? + &folder::read(&self.folder(number).join(ROOT))?;
        let pems = blocks(&text).map_err(unfit)?;
        let key = parse(&path, &pems[0])?.public_key().raw.to_vec();
        Chain::plan(&pems, &key).map_err(unfit)
    }

    /// One of them with its key, to sign.
    pub(crate) fn signer(
        &self,
        number: usize,
        certificate: &CaCertificate,
    ) -> Result<Issuer<'static, KeyPair>> {
        let path = self.folder(number).join(SUBORDINATE_KEY);
        let key = parse_key(&self.keys.read(&path)?, std::slice::from_ref(&certificate.der));
        let key = key.ok_or_else(|| {
            PkiError::unfit(&path, format!("is not the key of {SUBORDINATE} in PKCS#8 PEM"))
        })?;
        issuer(certificate, key)
    }

    /// The key that was given, or one that is here and goes with a certificate.
    fn key_for(&self, given: &OwnCertificate<'_>, pems: &[Vec<u8>]) -> Result<Option<KeyPair>> {
        if let Some(key) = given.key {
            let key = Zeroizing::new(key.to_owned());
            return Ok(parse_key(&self.keys.open(key, || "the key".to_owned())?, pems));
        }
        let generations = (0..self.generations()?).rev().map(|number| self.folder(number));
        for folder in [self.request_folder()].into_iter().chain(generations) {
            let path = folder.join(SUBORDINATE_KEY);
            if path.exists()
                && let Some(key) = parse_key(&self.keys.read(&path)?, pems)
            {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Checks that a key written now can be read by a pgkeep that runs.
    fn check_keys(&self) -> Result<()> {
        self.keys.check(self.dir)?;
        if self.keys.0.is_some() && Keys::all_plain(self.dir)? {
            return Err(PkiError::Import {
                identifier: self.identifier.to_owned(),
                problem: "there is a passphrase, but the keys that are there are not encrypted: \
                          have pgkeep serve encrypt them first"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// Removes the request, if the key is its own: a run that was killed may have left it.
    fn forget_request(&self, public_key: &[u8]) -> Result<()> {
        let folder = self.request_folder();
        let request = folder.join(REQUEST);
        if !request.exists() {
            return Ok(());
        }
        let pem = folder::read(&request)?;
        let der = Pem::iter_from_buffer(pem.as_bytes()).next().and_then(Result::ok);
        let is_its = der.is_some_and(|it| {
            it.contents.windows(public_key.len()).any(|window| window == public_key)
        });
        if is_its { folder::remove(self.dir, &self.request_name()) } else { Ok(()) }
    }

    fn request_folder(&self) -> PathBuf {
        self.dir.join(self.request_name())
    }

    fn request_name(&self) -> String {
        format!("{}.csr", self.identifier)
    }

    fn folder(&self, number: usize) -> PathBuf {
        self.dir.join(self.name(number))
    }

    fn name(&self, number: usize) -> String {
        let number = if number == 0 { String::new() } else { format!(".{}", number + 1) };
        format!("{}{number}", self.identifier)
    }
}

/// From the certificate that signs leaves to its root.
pub(crate) struct Chain {
    pub(crate) root: CaCertificate,
    /// Its PEM has those above it too, and its life is cut where one of theirs ends.
    pub(crate) subordinate: CaCertificate,
    /// The kind of key that leaves have.
    pub(crate) leaf_key: KeyAlgorithm,
}

impl Chain {
    /// Puts certificates in order, from the one with this public key on, and checks each. Says what
    /// is wrong as a sentence.
    fn plan(pems: &[Vec<u8>], public_key: &[u8]) -> Result<Self, String> {
        let certificates = pems.iter().map(|der| match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Ok((der, certificate)),
            _ => Err("a certificate is damaged".to_owned()),
        });
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let is_self_issued =
            |it: &X509Certificate<'_>| it.subject().as_raw() == it.issuer().as_raw();
        let of_key = certificates.iter().filter(|(_, it)| it.public_key().raw == public_key);
        let mut path: Vec<_> =
            of_key.clone().filter(|(_, it)| !is_self_issued(it)).take(1).collect();
        let (_, first) = *path.first().ok_or_else(|| match of_key.clone().next() {
            Some(_) => {
                "it is a root: give an intermediate, and keep the root's key elsewhere".to_owned()
            }
            None => "the key is that of no certificate given".to_owned(),
        })?;
        while let Some((_, last)) = path.last().filter(|(_, it)| !is_self_issued(it)) {
            let above = certificates.iter().find(|(_, it)| {
                last.issuer().as_raw() == it.subject().as_raw()
                    && last.verify_signature(Some(it.public_key())).is_ok()
            });
            path.push(above.filter(|_| path.len() < LONGEST).ok_or_else(|| {
                format!("the issuer of {} is not given: {}", last.subject(), last.issuer())
            })?);
        }
        let mut life = validity_of(first);
        for (below, (_, it)) in path.iter().enumerate() {
            check_authority(it, below)?;
            life.not_before = life.not_before.max(validity_of(it).not_before);
            life.not_after = life.not_after.min(validity_of(it).not_after);
        }
        let usage = first.key_usage().ok().flatten();
        if !usage.is_some_and(|it| it.value.key_cert_sign() && it.value.crl_sign()) {
            let subject = first.subject();
            return Err(format!("{subject} has not the key usage keyCertSign and cRLSign"));
        }
        let (_, leaf_key) = own_signature(first.public_key()).ok_or(
            "its key is neither RSA of 2048 to 8192 bits nor ECDSA on P-256, P-384, P-521",
        )?;
        let (root, others) = path.split_last().ok_or("there is no certificate")?;
        let root = certificate(root.0, root.0, validity_of(&root.1))?;
        let mut subordinate = certificate(others[0].0, others[0].0, life)?;
        for (der, _) in &others[1..] {
            subordinate.pem += &render_pem(der).map_err(|error| error.to_string())?;
        }
        Ok(Self { root, subordinate, leaf_key })
    }

    /// Tries what it is for, with a certificate that nobody gets.
    fn check_use(&self, key: KeyPair, now: OffsetDateTime) -> Result<(), String> {
        let life = self.subordinate.validity;
        let outside = || format!("it is valid from {} to {} only", life.not_before, life.not_after);
        let validity = plan_validity(now, 1, Some(&life)).ok_or_else(outside)?;
        let leaf_key = generate_pair(KeyAlgorithm::EcdsaP384).map_err(|it| it.to_string())?;
        let signed = issuer(&self.subordinate, key).and_then(|issuer| {
            let params = leaf_params("localhost", self.leaf_key, validity)?;
            let signed = params.signed_by(&leaf_key, &issuer);
            let signed = signed.map_err(PkiError::issue("localhost"))?;
            name_certificate(signed.der(), &self.subordinate, &issuer)
        });
        let unusable = |why: String| format!("it cannot sign a certificate that verifies: {why}");
        let signed = signed.map_err(|error| unusable(error.to_string()))?;
        let leaf = X509Certificate::from_der(&signed).map_err(|it| it.to_string())?.1;
        let issuer = X509Certificate::from_der(&self.subordinate.der);
        let issuer = issuer.map_err(|it| it.to_string())?.1;
        check_signed(&leaf, &issuer).map_err(|problem| unusable(format!("it {problem}")))
    }
}

/// What every certificate above a leaf must say; `below` is how many of these are between the two.
fn check_authority(certificate: &X509Certificate<'_>, below: usize) -> Result<(), String> {
    let subject = certificate.subject();
    let constraints = certificate.basic_constraints().ok().flatten();
    let constraints = constraints.filter(|it| it.value.ca);
    let constraints = constraints.ok_or_else(|| format!("{subject} is no authority: CA:FALSE"))?;
    let longest = constraints.value.path_len_constraint;
    if longest.is_some_and(|longest| (longest as usize) < below) {
        return Err(format!("{subject} has a path length that allows fewer below it"));
    }
    let usage = certificate.key_usage().ok().flatten();
    if usage.is_some_and(|it| !it.value.key_cert_sign()) {
        return Err(format!("{subject} has not the key usage keyCertSign"));
    }
    Ok(())
}

fn certificate(der: &[u8], pem: &[u8], validity: Validity) -> Result<CaCertificate, String> {
    let info = CertificateInfo::from_der(der).ok_or("a certificate is damaged")?;
    let pem = render_pem(pem).map_err(|error| error.to_string())?;
    Ok(CaCertificate { der: der.to_vec(), pem, info, validity })
}

/// A key, if it is that of one of the certificates.
fn parse_key(pem: &str, certificates: &[Vec<u8>]) -> Option<KeyPair> {
    certificates.iter().find_map(|der| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let (signature, _): (&'static SignatureAlgorithm, _) =
            own_signature(certificate.public_key())?;
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(pem, signature).ok()?;
        (key.subject_public_key_info() == certificate.public_key().raw).then_some(key)
    })
}

/// The certificates of a PEM text.
fn blocks(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let blocks = blocks.map_err(|_| "the certificates are damaged PEM".to_owned())?.into_iter();
    let certificates = blocks.filter(|it| it.label == "CERTIFICATE").map(|it| it.contents);
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        return Err("there is no certificate in PEM".to_owned());
    }
    Ok(certificates)
}

fn check_identifier(identifier: &str, region: &str) -> Result<(), String> {
    if !is_identifier(identifier) {
        return Err(
            "an identifier has 1 to 63 lowercase letters, digits and hyphens, begins with \
                    a letter, and has no two hyphens in a row or one at the end"
                .to_owned(),
        );
    }
    let is_bundle = ["global", region].iter().any(|it| identifier == format!("{it}-bundle"));
    if identifier.starts_with(RESERVED) || is_bundle {
        return Err(format!("{identifier} is a name of the service's own"));
    }
    Ok(())
}

fn is_identifier(name: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && name.starts_with(|it: char| it.is_ascii_lowercase())
        && !name.contains("--")
        && !name.ends_with('-')
}
