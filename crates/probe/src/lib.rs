//! What the TLS of a PostgreSQL endpoint really does, seen as a client sees it.
//!
//! Two users: pgkeep *proves* its own changes to instances with [`prove`], and `pgkeep probe`
//! asks any endpoint everything with [`survey::survey`]. Invariant: no password is sent and no
//! session is opened unless [`survey::Credentials`] were given, and then only inside TLS; every
//! question ends at its deadline, and what is read is bounded.
//! Knowledge of instances, of their desired state and of how they are run is deliberately absent:
//! this crate depends on no other of pgkeep's.

mod certificate;
mod choices;
mod client_hello;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handshake;
mod names;
mod offers;
mod packets;
mod plaintext;
mod proof;
mod registry;
pub mod report;
mod server_hello;
pub mod survey;
mod verdict;
mod version;
mod wire;
mod witness;

pub use certificate::{Certificate, fingerprint};
pub use error::ProbeError;
pub use handshake::{Handshake, Versions, handshake};
pub use names::{Cipher, cipher, ciphers, openssl_cipher_name};
pub use offers::{AcceptedSuites, VersionAnswer, accepted_suites, offers};
pub use packets::{AuthMethod, ServerMessage};
pub use plaintext::{PlaintextAnswer, plaintext};
pub use proof::{Endpoint, Expected, Plaintext, PlaintextPolicy, ProofError, Seen, prove};
pub use verdict::{Distrust, Trust, Verdict};
pub use version::TlsVersion;
