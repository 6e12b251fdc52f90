//! The certificate by which servers know pgkeep itself, with its key.
//!
//! It is signed with its own key, so that it is an authority for nobody: a server that trusts it
//! lets in who holds this key, and no other.

use std::fmt;
use std::path::Path;

use pgkeep_model::KeyAlgorithm;

use crate::authority::{parse_certificate, read_certificate, read_key};
use crate::bundle::render_pem;
use crate::key::generate_pair;
use crate::profile::client_params;
use crate::{PkiError, Result, folder};

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
/// Before TLS 1.3 a server takes an ECDSA key only on a curve of `ssl_ecdh_curve`, which is a
/// parameter group's to choose.
const ALGORITHM: KeyAlgorithm = KeyAlgorithm::Rsa2048;

/// A client's certificate and its key.
pub struct ClientPair {
    /// The certificate as PEM: what a server is to trust.
    pub certificate_pem: String,
    /// The key as PKCS#8 PEM: a secret.
    pub key_pem: String,
}

impl ClientPair {
    /// Loads the pair of the database user `user` from `<dir>/<user>`, and makes it where it is
    /// missing. `dir` must be this process's own.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] names the file that is damaged, open to others or does not go with the
    /// one beside it.
    pub fn ensure(dir: &Path, user: &str) -> Result<Self> {
        let place = dir.join(user);
        if !place.try_exists().map_err(PkiError::file("look for", &place))? {
            let key = generate_pair(ALGORITHM)?;
            let certificate = client_params(user).self_signed(&key);
            let certificate = certificate.map_err(PkiError::issue(user))?;
            let files = [(CERTIFICATE, certificate.pem()), (KEY, key.serialize_pem())];
            folder::write_whole(dir, user, &files)?;
        }
        let path = place.join(CERTIFICATE);
        let der = read_certificate(&path)?;
        let certificate = parse_certificate(&path, &der)?;
        let key = read_key(&place.join(KEY), ALGORITHM, &certificate, CERTIFICATE)?;
        Ok(Self { certificate_pem: render_pem(&der)?, key_pem: key.serialize_pem() })
    }
}

impl fmt::Debug for ClientPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientPair").finish_non_exhaustive()
    }
}
