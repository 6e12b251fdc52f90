//! What PostgreSQL stores of a password.

use pgkeep_model::PasswordVerifier;

/// Turns a password into what the server stores for a value of `password_encryption`, `md5` or
/// else `scram-sha-256`. SCRAM takes some milliseconds, by design.
pub fn verifier(password: &str, role: &str, password_encryption: &str) -> PasswordVerifier {
    use postgres_protocol::password::{md5, scram_sha_256};
    PasswordVerifier::new(match password_encryption {
        "md5" => md5(password.as_bytes(), role),
        _ => scram_sha_256(password.as_bytes()),
    })
}
