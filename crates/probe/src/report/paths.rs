//! Whether a served chain leads to given roots, as OpenSSL sees it and as strict clients do.
//!
//! Both answers are [`judge`]'s. What OpenSSL does otherwise is done by what it is given: a root
//! must be self-signed and not have ended, further certificates of the file help to build the
//! path, a self-signed certificate that is in the file itself is trusted, and by its security
//! level 2 (Debian's default, and OpenSSL's own from 3.2 on) a weak key or signature is not.
//! webpki goes no further than 6 issuers below a root; where OpenSSL and Go do, [`climbs`] does,
//! for what is above: names, signatures, dates and lengths, but not constraints of names.

use rustls::crypto::aws_lc_rs;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

use super::certificate::{ServedCertificate, Validity};
use crate::handshake::parse_server_name;
use crate::verdict::{Distrust, Verdict, judge};

/// The most certificates of a path, the root left out, that webpki goes along.
pub(super) const MAX_SHORT: usize = 7;

/// Whether a chain leads to roots.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Paths {
    /// For OpenSSL with its security level 2: libpq, Python.
    pub(super) openssl: Result<(), Distrust>,
    /// For OpenSSL with level 1, which lets keys of 1024 bits pass: Node 20.
    pub(super) level_1: Result<(), Distrust>,
    /// For Go and Java, which take every certificate of the file for a root.
    pub(super) anchored: Result<(), Distrust>,
    /// For rustls, which also refuses a leaf that is an authority.
    pub(super) strict: Result<(), Distrust>,
}

/// Looks for paths from a chain to roots, all in DER.
pub(super) fn paths(
    chain: &[Vec<u8>],
    certificates: &[ServedCertificate],
    roots: &[CertificateDer<'_>],
    at: OffsetDateTime,
) -> Paths {
    let is_root = |der: &&CertificateDer<'_>| {
        let read = ServedCertificate::from_der(der, at);
        read.is_ok_and(|read| read.is_self_issued && read.is_valid == Validity::Valid)
    };
    let served: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let (anchors, others): (Vec<_>, Vec<_>) = roots.iter().partition(is_root);
    let together: Vec<_> = served.iter().chain(others).cloned().collect();
    let leaf = certificates.first();
    let itself = leaf.filter(|leaf| {
        leaf.is_self_issued && roots.iter().any(|root| Some(root) == served.first())
    });
    let trusted = |found: Result<(), Distrust>| match itself.map(|leaf| leaf.is_valid) {
        Some(Validity::Valid) => Ok(()),
        Some(Validity::Ended) => Err(Distrust::Expired),
        Some(Validity::NotYet) => Err(Distrust::NotYetValid),
        None => found,
    };
    let openssl = leads_to(&together, anchors.iter().copied(), at);
    let openssl = trusted(further(openssl, &together, anchors.into_iter(), at));
    let strict = leads_to(&served, roots.iter(), at);
    let anchored = further(strict.clone(), &served, roots.iter(), at);
    let weak = |bits| {
        let is_weak = leaf.is_some_and(|leaf| leaf.is_weak_below(bits))
            || openssl.is_err() && certificates.iter().any(ServedCertificate::is_signature_weak);
        let why = rustls::Error::General("a weak key or signature".to_owned());
        if is_weak { Err(Distrust::Other(why)) } else { Ok(()) }
    };
    Paths {
        openssl: weak(2048).and(openssl.clone()),
        level_1: weak(1024).and(openssl.clone()),
        anchored: trusted(anchored),
        strict,
    }
}

/// Whether a path is found; not known where a signature is of a kind that webpki does not check.
pub(super) fn is_known(found: &Result<(), Distrust>) -> Option<bool> {
    let Err(Distrust::Other(rustls::Error::InvalidCertificate(error))) = found else {
        return Some(found.is_ok());
    };
    let is_foreign = matches!(error, CertificateError::UnsupportedSignatureAlgorithmContext { .. });
    (!is_foreign).then_some(false)
}

/// What was found, or what is found by going further than webpki does.
fn further<'a>(
    found: Result<(), Distrust>,
    chain: &[CertificateDer<'_>],
    roots: impl Iterator<Item = &'a CertificateDer<'a>>,
    at: OffsetDateTime,
) -> Result<(), Distrust> {
    let is_short = chain.len() <= MAX_SHORT;
    match &found {
        Err(Distrust::Other(rustls::Error::InvalidCertificate(CertificateError::Other(_))))
            if !is_short && climbs(chain, roots, at) =>
        {
            Ok(())
        }
        _ => found,
    }
}

/// Whether each certificate is issued by the next, up to a root. What is asked of the leaf and of
/// the first issuers was seen to by webpki.
fn climbs<'a>(
    chain: &[CertificateDer<'_>],
    roots: impl Iterator<Item = &'a CertificateDer<'a>>,
    at: OffsetDateTime,
) -> bool {
    let chain: Vec<_> = chain.iter().filter_map(|der| read(der)).collect();
    let roots: Vec<_> = roots.filter_map(|der| read(der)).collect();
    let Some(mut last) = chain.first() else { return false };
    for below in 0..chain.len() {
        if roots.iter().any(|root| is_issued_by(last, root)) {
            return true;
        }
        let may_issue = |one: &&X509Certificate<'_>| {
            let constraints = one.basic_constraints().ok().flatten().map(|it| it.value);
            let longest = constraints.and_then(|it| it.path_len_constraint);
            one.is_ca()
                && one.validity().is_valid_at(ASN1Time::from(at))
                && longest.is_none_or(|longest| longest as usize >= below)
        };
        let issuer = chain.iter().filter(may_issue).find(|one| is_issued_by(last, one));
        let Some(issuer) = issuer else { return false };
        last = issuer;
    }
    false
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

fn is_issued_by(one: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let algorithm = one.signature_algorithm.algorithm.as_bytes();
    let key = &issuer.public_key().subject_public_key.data;
    let (message, signature) = (one.tbs_certificate.as_ref(), &one.signature_value.data);
    let known = aws_lc_rs::default_provider().signature_verification_algorithms;
    // The identifier of an algorithm begins with the tag and the length of its OID.
    let is_its = |id: &[u8]| id.get(2..).is_some_and(|id| id.starts_with(algorithm));
    let fitting = known.all.iter().filter(|known| is_its(known.signature_alg_id().as_ref()));
    one.issuer() == issuer.subject()
        && fitting.into_iter().any(|it| it.verify_signature(key, message, signature).is_ok())
}

fn leads_to<'a>(
    chain: &[CertificateDer<'_>],
    roots: impl Iterator<Item = &'a CertificateDer<'a>>,
    at: OffsetDateTime,
) -> Result<(), Distrust> {
    let mut store = RootCertStore::empty();
    // One that webpki cannot use leads nowhere.
    store.add_parsable_certificates(roots.map(|root| root.clone().into_owned()));
    verdict(chain, "localhost", Some((&store, at)))
        .and_then(|verdict| verdict.chain)
        .unwrap_or(Err(Distrust::UnknownIssuer))
}

/// Whether strict clients take the leaf for the server's.
pub(super) fn strict_name(chain: &[Vec<u8>], server_name: &str) -> Result<(), Distrust> {
    let served: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let nameless = || Err(Distrust::WrongName { names: Vec::new() });
    verdict(&served, server_name, None).map_or_else(nameless, |verdict| verdict.name)
}

/// None where the name is none that TLS knows.
fn verdict(
    chain: &[CertificateDer<'_>],
    server_name: &str,
    trust: Option<(&RootCertStore, OffsetDateTime)>,
) -> Option<Verdict> {
    let name = parse_server_name(server_name).ok()?;
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    Some(judge(chain, &name, trust, &algorithms))
}
