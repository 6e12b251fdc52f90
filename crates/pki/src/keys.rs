//! The keys of authorities as files: plain, or encrypted under a passphrase that is stored nowhere.
//!
//! One passphrase for all keys of a folder, which `check` holds against one of them before anything
//! is read or written. Where keys were made without one, `encrypt_all` encrypts them file by file:
//! a run that was killed leaves some plain, which the next one finishes.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use pkcs8::der::pem::PemLabel as _;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::pkcs5::scrypt;
use pkcs8::{EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument};
use rcgen::KeyPair;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use crate::{PkiError, Result, folder};

/// Encrypts every key of the authorities in `dir` under another passphrase, and answers how many
/// there are. Each is there under the old one or the new one whenever the process is killed; the
/// same again goes on.
///
/// # Errors
/// A key cannot be read, or is under neither passphrase; none was changed then.
pub fn change_passphrase(dir: &Path, old: Option<&Passphrase>, new: &Passphrase) -> Result<usize> {
    let _lock = folder::lock(dir)?;
    let (old, new) = (Keys(old), Keys(Some(new)));
    let (mut left, files) = (Vec::new(), files(dir)?);
    for path in &files {
        let text = Zeroizing::new(folder::read_private(path)?);
        let is_done = is_encrypted(&text) && new.read(path).is_ok();
        if !is_done {
            left.push((path, old.open(text, || path.display().to_string())?));
        }
    }
    for (path, pem) in left {
        let plain = block(&pem).filter(|it| it.label == PrivateKeyInfo::PEM_LABEL);
        let plain =
            plain.ok_or_else(|| PkiError::unfit(path, "is no private key in PKCS#8 PEM"))?;
        let plain = Zeroizing::new(plain.contents);
        folder::write_file(path, &new.seal_der(&plain)?)?;
    }
    Ok(files.len())
}

/// What scrypt costs: N = 2^14, r = 8, p = 5, one of the choices that OWASP's password storage
/// cheat sheet calls equal. It takes 16 MiB, within the 32 MiB that the openssl command allows
/// itself.
const SCRYPT: (u8, u32, u32) = (14, 8, 5);
/// Bytes of an AES-256 key.
const KEY_BYTES: usize = 32;
/// How the names of files with a key end.
const ENDING: &str = "key.pem";

/// The passphrase of the authorities' keys. It is in no output, not even for debugging.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the one line of a text, and leaves nothing of it there; none if it is empty, or is not
    /// one line of UTF-8.
    pub fn take(text: &mut Vec<u8>) -> Option<Self> {
        let text = Zeroizing::new(std::mem::take(text));
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).ok().filter(|line| !line.is_empty())?;
        (!line.contains('\n')).then(|| Self(Zeroizing::new(line.to_owned())))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// How keys are read and written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a>(pub(crate) Option<&'a Passphrase>);

impl Keys<'_> {
    /// Checks that there is a passphrase where there are encrypted keys, and that it is theirs.
    pub(crate) fn check(self, dir: &Path) -> Result<()> {
        let mut failure = None;
        for path in files(dir)? {
            let text = Zeroizing::new(folder::read_private(&path)?);
            if !is_encrypted(&text) {
                continue;
            }
            match self.open(text, || path.display().to_string()) {
                Ok(_) => return Ok(()),
                // It may be this file alone that is damaged.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Whether there are keys, and none is encrypted.
    pub(crate) fn all_plain(dir: &Path) -> Result<bool> {
        let files = files(dir)?;
        for path in &files {
            if is_encrypted(&folder::read_private(path)?) {
                return Ok(false);
            }
        }
        Ok(!files.is_empty())
    }

    /// Encrypts every key that is not yet, if there is a passphrase.
    pub(crate) fn encrypt_all(self, dir: &Path) -> Result<()> {
        if self.0.is_none() {
            return Ok(());
        }
        for path in files(dir)? {
            let text = Zeroizing::new(folder::read_private(&path)?);
            // A damaged one of an authority that signs no more stays as it is.
            if let Some(plain) = block(&text).filter(|it| it.label == PrivateKeyInfo::PEM_LABEL) {
                folder::write_file(&path, &self.seal_der(&plain.contents)?)?;
            }
        }
        Ok(())
    }

    /// The plain PKCS#8 PEM of a key file.
    pub(crate) fn read(self, path: &Path) -> Result<Zeroizing<String>> {
        let text = Zeroizing::new(folder::read_private(path)?);
        self.open(text, || path.display().to_string())
    }

    /// The plain PKCS#8 PEM of a text; `name` is for the message.
    pub(crate) fn open(
        self,
        text: Zeroizing<String>,
        name: impl Fn() -> String,
    ) -> Result<Zeroizing<String>> {
        if !is_encrypted(&text) {
            return Ok(text);
        }
        let Some(Passphrase(passphrase)) = self.0 else {
            return Err(PkiError::NoPassphrase(name()));
        };
        let wrong = || PkiError::WrongPassphrase(name());
        let sealed = block(&text).ok_or_else(wrong)?;
        let sealed = EncryptedPrivateKeyInfo::try_from(&*sealed.contents).map_err(|_| wrong())?;
        let plain = sealed.decrypt(passphrase.as_bytes()).map_err(|_| wrong())?;
        plain.to_pem(PrivateKeyInfo::PEM_LABEL, LineEnding::LF).map_err(|_| wrong())
    }

    /// A key as the text of its file.
    pub(crate) fn seal(self, key: &KeyPair) -> Result<String> {
        match self.0 {
            None => Ok(key.serialize_pem()),
            Some(_) => self.seal_der(key.serialized_der()),
        }
    }

    fn seal_der(self, der: &[u8]) -> Result<String> {
        let passphrase = self.0.map_or(&[][..], |it| it.0.as_bytes());
        let (salt, iv): ([u8; 16], [u8; 16]) = (rand::random(), rand::random());
        let (log_n, r, p) = SCRYPT;
        let sealed = || -> pkcs8::Result<SecretDocument> {
            let costs = scrypt::Params::new(log_n, r, p, KEY_BYTES);
            let costs = costs.map_err(|_| pkcs8::Error::ParametersMalformed)?;
            let parameters = Parameters::scrypt_aes256cbc(costs, &salt, &iv)?;
            PrivateKeyInfo::try_from(der)?.encrypt_with_params(parameters, passphrase)
        };
        let label = EncryptedPrivateKeyInfo::PEM_LABEL;
        let pem = sealed().and_then(|it| Ok(it.to_pem(label, LineEnding::LF)?.to_string()));
        pem.map_err(PkiError::Encrypt)
    }
}

fn is_encrypted(text: &str) -> bool {
    block(text).is_some_and(|it| it.label == EncryptedPrivateKeyInfo::PEM_LABEL)
}

fn block(text: &str) -> Option<Pem> {
    Pem::iter_from_buffer(text.as_bytes()).next()?.ok()
}

/// Every key in the folders of authorities, in the order of their names.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in folder::names(dir)?.iter().filter(|name| !name.starts_with('.')) {
        let folder = dir.join(name);
        if folder.is_dir() {
            let keys = folder::names(&folder)?.into_iter().filter(|it| it.ends_with(ENDING));
            files.extend(keys.map(|it| folder.join(it)).filter(|it| fs::metadata(it).is_ok()));
        }
    }
    Ok(files)
}
