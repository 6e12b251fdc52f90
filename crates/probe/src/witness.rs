//! A client's side of TLS that lets every server in and remembers what it showed.
//!
//! That the server holds its key is checked and noted, but a signature that cannot be checked, as
//! with an RSA key of 1024 bits, ends nothing: what comes after is still worth seeing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, NamedGroup, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The smallest key that rustls' library checks.
const MIN_RSA_BITS: usize = 2048;

/// The schemes of keys that are for RSA-PSS alone, which rustls does not know.
const PSS_KEYS: [(u16, SignatureScheme); 3] = [
    (0x0809, SignatureScheme::RSA_PSS_SHA256),
    (0x080a, SignatureScheme::RSA_PSS_SHA384),
    (0x080b, SignatureScheme::RSA_PSS_SHA512),
];

/// What a server showed.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shown {
    /// The certificates, the leaf first.
    pub(crate) chain: Vec<Vec<u8>>,
    /// The scheme of its signature, and whether that proves that it holds the leaf's key.
    pub(crate) signature: Option<(u16, Result<(), Error>)>,
}

#[derive(Debug)]
pub(crate) struct Witness {
    algorithms: WebPkiSupportedAlgorithms,
    schemes: Vec<SignatureScheme>,
    shown: Mutex<Shown>,
}

/// Every scheme that a signature of a server is understood in.
pub(crate) fn schemes(algorithms: &WebPkiSupportedAlgorithms) -> Vec<SignatureScheme> {
    let pss_keys = PSS_KEYS.iter().map(|(code, _)| SignatureScheme::from(*code));
    algorithms.supported_schemes().into_iter().chain(pss_keys).collect()
}

impl Witness {
    pub(crate) fn new(
        algorithms: WebPkiSupportedAlgorithms,
        schemes: Vec<SignatureScheme>,
    ) -> Arc<Self> {
        Arc::new(Self { algorithms, schemes, shown: Mutex::default() })
    }

    pub(crate) fn shown(&self) -> Shown {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        checked: Result<HandshakeSignatureValid, Error>,
    ) -> HandshakeSignatureValid {
        let checked = checked.map(|_| ()).or_else(|error| {
            self.check_pss_key(message, leaf, signed).ok_or(error).and_then(|result| result)
        });
        let checked = checked.map_err(|error| explain(error, leaf));
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.signature = Some((signed.scheme.into(), checked));
        HandshakeSignatureValid::assertion()
    }

    /// Checks the signature of a key that is for RSA-PSS alone; nothing where it is no such key.
    fn check_pss_key(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Option<Result<(), Error>> {
        let code = u16::from(signed.scheme);
        let (_, same) = PSS_KEYS.iter().find(|(scheme, _)| *scheme == code)?;
        let (_, algorithms) = self.algorithms.mapping.iter().find(|(scheme, _)| scheme == same)?;
        let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
        let key = &leaf.public_key().subject_public_key.data;
        let invalid = |_| Error::InvalidCertificate(rustls::CertificateError::BadSignature);
        let algorithm = algorithms.first()?;
        Some(algorithm.verify_signature(key, message, signed.signature()).map_err(invalid))
    }
}

/// A signature of a small RSA key passes for a wrong one, as it is not checked at all.
fn explain(error: Error, leaf: &CertificateDer<'_>) -> Error {
    let leaf = X509Certificate::from_der(leaf);
    match leaf.as_ref().map(|(_, leaf)| leaf.public_key().parsed()) {
        Ok(Ok(PublicKey::RSA(key))) if key.key_size() < MIN_RSA_BITS => {
            Error::General(format!("an RSA key of {} bits is not checked here", key.key_size()))
        }
        _ => error,
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(leaf).chain(intermediates);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.chain = chain.map(|der| der.to_vec()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let checked = verify_tls12_signature(message, leaf, signed, &self.algorithms);
        Ok(self.note(message, leaf, signed, checked))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let checked = verify_tls13_signature(message, leaf, signed, &self.algorithms);
        Ok(self.note(message, leaf, signed, checked))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// Keeps sessions for their resumption, and counts what the server gave.
#[derive(Debug)]
pub(crate) struct Sessions {
    kept: ClientSessionMemoryCache,
    given: AtomicU32,
}

impl Sessions {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { kept: ClientSessionMemoryCache::new(8), given: AtomicU32::new(0) })
    }

    /// Whether the server gave a session that can be taken up again.
    pub(crate) fn were_given(&self) -> bool {
        self.given.load(Ordering::Relaxed) > 0
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.kept.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(server_name)
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.kept.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(
        &self,
        server_name: ServerName<'static>,
        value: Tls13ClientSessionValue,
    ) {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.kept.insert_tls13_ticket(server_name, value);
    }

    fn take_tls13_ticket(
        &self,
        server_name: &ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(server_name)
    }
}
