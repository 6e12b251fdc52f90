//! What PostgreSQL stores of a password.

use pgkeep_model::PasswordVerifier;

/// `password_encryption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordEncryption {
    /// `md5`, the default up to 13.
    Md5,
    /// `scram-sha-256`.
    ScramSha256,
}

/// Turns a password into what the server stores. SCRAM takes some milliseconds, by design.
pub fn verifier(password: &str, role: &str, encryption: PasswordEncryption) -> PasswordVerifier {
    use postgres_protocol::password::{md5, scram_sha_256};
    PasswordVerifier::new(match encryption {
        PasswordEncryption::Md5 => md5(password.as_bytes(), role),
        PasswordEncryption::ScramSha256 => scram_sha_256(password.as_bytes()),
    })
}
