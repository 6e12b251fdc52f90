//! pgbench with verified connections and `SELECT 1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use super::session::{Endpoint, PASSWORD};
use crate::os_user::OsUser;

/// The program, and what it runs.
pub(super) struct Pgbench {
    user: OsUser,
    program: PathBuf,
    /// With the script; and without a client certificate, which another user's home may hold.
    folder: TempDir,
}

impl Pgbench {
    pub(super) fn new(user: &OsUser, bin: &Path) -> Result<Self> {
        let folder = user.folder()?;
        fs::write(folder.path().join("one.sql"), "SELECT 1;\n")?;
        Ok(Self { user: user.clone(), program: bin.join("pgbench"), folder })
    }

    /// It, for an endpoint whose certificate must lead to one of these roots.
    pub(super) fn to(&self, endpoint: &Endpoint, roots: &Path) -> Command {
        let mut pgbench = self.user.command(&self.program);
        pgbench.args(["--no-vacuum", "--file"]).arg(self.folder.path().join("one.sql"));
        pgbench.env("PGHOST", &endpoint.host).env("PGHOSTADDR", endpoint.address.to_string());
        pgbench.env("PGUSER", endpoint.user).env("PGPASSWORD", PASSWORD);
        pgbench.env("PGDATABASE", "postgres").env("HOME", self.folder.path());
        pgbench.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", roots);
        pgbench
    }
}
