//! Whether a served chain leads to given roots, as OpenSSL sees it and as strict clients do.
//!
//! Both answers are [`judge`]'s. What OpenSSL does otherwise is done by what it is given: a root
//! must be self-signed and not have ended, further certificates of the file help to build the
//! path, a self-signed certificate that is in the file itself is trusted, and by its security
//! level 2 (Debian's default, and OpenSSL's own from 3.2 on) a weak key or signature is not.

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use super::certificate::{ServedCertificate, Validity};
use crate::handshake::parse_server_name;
use crate::verdict::{Distrust, Verdict, judge};

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
    leaf: Option<&ServedCertificate>,
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
    let itself = leaf.filter(|leaf| {
        leaf.is_self_issued && roots.iter().any(|root| Some(root) == served.first())
    });
    let trusted = |found: Result<(), Distrust>| match itself.map(|leaf| leaf.is_valid) {
        Some(Validity::Valid) => Ok(()),
        Some(Validity::Ended) => Err(Distrust::Expired),
        Some(Validity::NotYet) => Err(Distrust::NotYetValid),
        None => found,
    };
    let openssl = trusted(leads_to(&together, anchors.into_iter(), at));
    let strict = leads_to(&served, roots.iter(), at);
    let weak = |bits| {
        let is_weak = leaf.is_some_and(|leaf| leaf.is_weak_below(bits) || leaf.is_signature_weak());
        let why = rustls::Error::General("a weak key or signature".to_owned());
        if is_weak { Err(Distrust::Other(why)) } else { Ok(()) }
    };
    Paths {
        openssl: openssl.clone().and(weak(2048)),
        level_1: openssl.and(weak(1024)),
        anchored: trusted(strict.clone()),
        strict,
    }
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
