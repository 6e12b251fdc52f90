//! `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf`, rendered whole from values.
//!
//! What is written is a pure function of [`Settings`]: an operator's edit is overwritten, and a
//! setting that is not here is PostgreSQL's own default. The superuser's `ALTER SYSTEM` is out of
//! reach for clients, since no client is superuser.

mod hba;
mod settings;

use sha2::{Digest, Sha256};

use crate::PostgresError;
use crate::layout::{InstanceFiles, ensure_file};

pub use hba::AuthenticationMethod;
pub use settings::Settings;
#[cfg(fuzzing)]
pub(crate) use settings::quote;

use hba::{render_pg_hba, render_pg_ident};
use settings::render_postgresql_conf;

/// The three files, and what tells when they have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// `postgresql.conf`.
    pub postgresql_conf: String,
    /// `pg_hba.conf`.
    pub pg_hba_conf: String,
    /// `pg_ident.conf`.
    pub pg_ident_conf: String,
    /// Digest of the settings that only a start reads.
    pub start_digest: String,
}

/// Renders everything.
pub fn render(settings: &Settings) -> Rendered {
    let (postgresql_conf, start_lines) = render_postgresql_conf(settings);
    Rendered {
        postgresql_conf,
        pg_hba_conf: render_pg_hba(
            settings.address.ip(),
            settings.force_ssl,
            settings.authentication,
        ),
        pg_ident_conf: render_pg_ident(&settings.os_user),
        start_digest: digest([start_lines.as_str()]),
    }
}

impl Rendered {
    /// Digest of all that a reload reads.
    pub fn reload_digest(&self) -> String {
        digest([&*self.postgresql_conf, &self.pg_hba_conf, &self.pg_ident_conf])
    }
}

/// Makes the three files in the instance's folder hold exactly this.
pub fn write_configuration(
    files: &InstanceFiles,
    rendered: &Rendered,
) -> Result<(), PostgresError> {
    ensure_file(&files.pg_hba_conf(), &rendered.pg_hba_conf)?;
    ensure_file(&files.pg_ident_conf(), &rendered.pg_ident_conf)?;
    ensure_file(&files.postgresql_conf(), &rendered.postgresql_conf)
}

/// SHA-256 over texts, each ended so that their borders count; lowercase hexadecimal.
pub fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.len().to_be_bytes());
        hasher.update(text);
    }
    hex::encode(hasher.finalize())
}
