//! What can go wrong with authorities and certificates. No text here ever holds key material.

use std::io;
use std::path::{Path, PathBuf};

use pgkeep_model::KeyAlgorithm;
use time::OffsetDateTime;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of an authority is not what it should be; nothing was changed.
    #[error("{} {problem}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The end of the sentence that starts with the file's name.
        problem: String,
    },
    /// The provider made no key.
    #[error("cannot generate a key of kind {}", algorithm.name())]
    GenerateKey {
        /// The kind of key.
        algorithm: KeyAlgorithm,
        /// The provider's answer.
        source: rcgen::Error,
    },
    /// A text is not a private key of the kind wanted. Says no more, as the text is a secret.
    #[error("this is no {} private key in PKCS#8 PEM", .0.name())]
    NotAKey(KeyAlgorithm),
    /// A text is not a certificate.
    #[error("this is no certificate in PEM")]
    NotACertificate,
    /// A server cannot present a pair, or clients would not trust it.
    #[error("{0}")]
    Pair(String),
    /// A key is encrypted, and nobody gave the passphrase.
    #[error("{0} is encrypted, and no passphrase was given")]
    NoPassphrase(String),
    /// The passphrase is another, or the file is damaged: the two cannot be told apart.
    #[error("{0} cannot be decrypted: the passphrase is wrong, or the file is damaged")]
    WrongPassphrase(String),
    /// A key was not encrypted.
    #[error("cannot encrypt a key")]
    Encrypt(#[source] pkcs8::Error),
    /// An authority of the user's own was not taken; nothing was changed.
    #[error("the authority {identifier} is not taken: {problem}")]
    Import {
        /// Its identifier.
        identifier: String,
        /// What is wrong, as a sentence.
        problem: String,
    },
    /// The certificate was not made.
    #[error("cannot issue a certificate for {subject}")]
    Issue {
        /// Whom it was for.
        subject: String,
        /// The encoder's answer.
        source: rcgen::Error,
    },
    /// Certificates could not be encoded.
    #[error("cannot encode a certificate, a revocation list or the bundle")]
    Bundle(#[source] der::Error),
    /// No authority has this identifier.
    #[error("there is no authority {0:?}")]
    UnknownAuthority(String),
    /// A serial number that is none.
    #[error("{0:?} is not a serial number in hexadecimal")]
    Serial(String),
    /// The leaf's key is not of the authority's family.
    #[error("authority {authority} signs {} keys, not {}", expected.name(), found.name())]
    KeyFamily {
        /// The authority's identifier.
        authority: String,
        /// The authority's kind of key.
        expected: KeyAlgorithm,
        /// The kind of the key given.
        found: KeyAlgorithm,
    },
    /// A name that is no DNS name, or one that no certificate may vouch for (a wildcard).
    #[error("{0:?} is not a DNS name to issue a certificate for")]
    Endpoint(String),
    /// The name does not fit a common name of 64 characters (RFC 5280 appendix A.1,
    /// ub-common-name): the region is too long.
    #[error("{0:?} is longer than the 64 characters of a common name")]
    NameTooLong(String),
    /// The issuer is not valid at this moment, so nothing it signs would be.
    #[error("{issuer} is not valid at {now}")]
    OutsideValidity {
        /// The issuer.
        issuer: String,
        /// The moment asked for.
        now: OffsetDateTime,
    },
}

impl PkiError {
    /// Makes the system's answer to `action` on `path` an error; for `map_err`.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// Makes the encoder's answer an error on the certificate of `subject`; for `map_err`.
    pub(crate) fn issue(subject: impl Into<String>) -> impl FnOnce(rcgen::Error) -> Self {
        let subject = subject.into();
        move |source| Self::Issue { subject, source }
    }

    /// Says that the file is not what it should be.
    pub(crate) fn unfit(path: &Path, problem: impl Into<String>) -> Self {
        Self::Unfit { path: path.to_owned(), problem: problem.into() }
    }
}
