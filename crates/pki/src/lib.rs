//! The certificate authorities of a region: the only code that reads a CA key.
//!
//! PostgreSQL's clients trust roots; the server sends a leaf and the subordinate that signed it.
//! The invariants: a certificate never starts before or ends after its issuer, every serial is
//! random and every certificate has an explicit profile, a folder of keys appears whole or not at
//! all, and an authority found damaged is refused rather than made anew, because clients hold its
//! root.
//!
//! Deliberately absent: the clock (a parameter), when to renew a leaf (`workflow`), and the
//! check of a chain as served (`probe`, which must not share code with what it judges).

mod authorities;
mod authority;
mod bundle;
mod check;
mod crl;
mod error;
mod folder;
mod generation;
mod info;
mod key;
mod keys;
#[cfg(test)]
mod kills;
mod own;
mod pair;
mod parallel;
mod plan;
mod profile;
pub mod rehearsal;
mod renamed;
mod revocations;
mod trust;

pub use authorities::{Authorities, Leaf};
pub use authority::AuthorityInfo;
pub use error::PkiError;
pub use info::CertificateInfo;
pub use key::LeafKey;
pub use keys::{Passphrase, change_passphrase};
pub use own::{OwnCertificate, import_authority, request_authority};
pub use pair::PairPem;
pub use revocations::Revocation;
pub use trust::trusted_until;

type Result<T, E = PkiError> = std::result::Result<T, E>;
