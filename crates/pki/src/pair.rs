//! A server's files held against what they must be: before they are put in use, and again whenever
//! they have changed on the disk.

use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::bundle::render_pem;
use crate::check::check_signed;
use crate::key::{algorithm_of, parse_pair};
use crate::{Authorities, CertificateInfo, PkiError, Result};

/// What a server presents itself with, as PEM.
pub struct PairPem<'a> {
    /// The leaf and then its subordinate, and those between that and the root.
    pub chain: &'a str,
    /// The leaf's private key.
    pub key: &'a str,
    /// A trust bundle, of now or of before.
    pub roots: &'a str,
}

impl Authorities {
    /// Checks that a server of `endpoint` can present the pair and that clients with the bundle
    /// will trust it; answers what the leaf says. Its time is not looked at: what has come to its
    /// end is renewed for that reason.
    ///
    /// # Errors
    /// [`PkiError::Pair`] says what is wrong with which part.
    pub fn check_pair(
        &self,
        ca_identifier: &str,
        endpoint: &str,
        pair: &PairPem<'_>,
    ) -> Result<CertificateInfo> {
        let line = &self.find(ca_identifier)?.line;
        let wrong = |problem: String| PkiError::Pair(problem);
        let blocks = blocks(pair.chain);
        let [leaf_pem, subordinate_pem, others @ ..] = blocks.as_slice() else {
            return Err(wrong("the certificate is not a leaf with its subordinate in PEM".into()));
        };
        let (Ok(([], leaf)), Some(info)) = (
            X509Certificate::from_der(&leaf_pem.contents),
            CertificateInfo::from_der(&leaf_pem.contents),
        ) else {
            return Err(wrong("the certificate is not an X.509 certificate".into()));
        };
        if info.subject_alt_names != [endpoint] {
            let names = info.subject_alt_names.join(", ");
            return Err(wrong(format!("the certificate is for {names}, not for {endpoint}")));
        }
        // The chains of subordinates to their roots were checked as they were loaded.
        let (issuer, root) = line.path_of(&subordinate_pem.contents);
        let Ok((_, subordinate)) = X509Certificate::from_der(&issuer.der) else {
            return Err(PkiError::NotACertificate);
        };
        check_signed(&leaf, &subordinate)
            .map_err(|problem| wrong(format!("the certificate {problem}")))?;
        let sent = [subordinate_pem].into_iter().chain(others);
        let sent = sent.map(|it| render_pem(&it.contents)).collect::<Result<String>>()?;
        if sent != issuer.pem {
            return Err(wrong("the certificate is followed by another than its issuer's".into()));
        }
        // Of the user's own, another kind than what is issued now may have been before.
        let algorithm = algorithm_of(leaf.public_key()).unwrap_or(line.key);
        let key = parse_pair(algorithm, pair.key).ok_or_else(|| {
            wrong(format!("the key is no {} private key in PKCS#8 PEM", algorithm.name()))
        })?;
        if rcgen::PublicKeyData::subject_public_key_info(&key) != leaf.public_key().raw {
            return Err(wrong("the key is not that of the certificate".into()));
        }
        self.check_roots(pair.roots, &root.der)?;
        Ok(info)
    }

    /// Roots of an older bundle are as good: one that grew is no reason for a new certificate.
    fn check_roots(&self, roots: &str, needed: &[u8]) -> Result<()> {
        let found = blocks(roots);
        let whole = found.iter().map(|it| render_pem(&it.contents)).collect::<Result<String>>()?;
        let is_known = |it: &Pem| self.roots().any(|root| root == it.contents);
        let is_there = found.iter().any(|it| it.contents == needed);
        if whole == roots && is_there && found.iter().all(is_known) {
            return Ok(());
        }
        Err(PkiError::Pair("the roots are not those of the trust bundle".into()))
    }
}

/// The blocks of a PEM text; none if one is damaged.
fn blocks(pem: &str) -> Vec<Pem> {
    Pem::iter_from_buffer(pem.as_bytes()).collect::<Result<_, _>>().unwrap_or_default()
}
