//! What to write in a driver for `verify-full`: one template each, filled in for an instance.
//!
//! The test `e2e_clients` runs each as `pgkeep snippets` prints it. Paths go into URLs, and so in
//! the percent-encoding of RFC 3986, which also keeps quotes out of every language's strings.
//! Identifiers need none: the service lets names of users and databases have letters, digits and
//! underscores only.

use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum;

/// A driver that has a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Driver {
    /// psql, for a shell
    Psql,
    /// psycopg 3, for Python
    Psycopg,
    /// asyncpg, for Python
    Asyncpg,
    /// node-postgres, the npm package pg
    NodePostgres,
    /// pgjdbc, for Java
    Pgjdbc,
    /// pgx, for Go
    Pgx,
    /// tokio-postgres with rustls, for Rust
    TokioPostgres,
    /// sqlx with rustls, for Rust
    Sqlx,
}

/// Where a client connects to.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) user: &'a str,
    pub(crate) dbname: &'a str,
    pub(crate) bundle: &'a Path,
}

impl Driver {
    /// The snippet, ready to be copied; never with a password.
    pub(crate) fn snippet(self, target: &Target<'_>) -> String {
        let bundle = target.bundle.to_string_lossy();
        self.template()
            .replace("{host}", target.host)
            .replace("{port}", &target.port.to_string())
            .replace("{user}", target.user)
            .replace("{dbname}", target.dbname)
            .replace("{bundle}", &percent_encode(&bundle))
            .replace("{bundle_path}", &crate::commands::env::quote(&bundle))
    }

    fn template(self) -> &'static str {
        match self {
            Self::Psql => include_str!("../snippets/psql.sh"),
            Self::Psycopg => include_str!("../snippets/psycopg.py"),
            Self::Asyncpg => include_str!("../snippets/asyncpg.py"),
            Self::NodePostgres => include_str!("../snippets/node-postgres.cjs"),
            Self::Pgjdbc => include_str!("../snippets/pgjdbc.java"),
            Self::Pgx => include_str!("../snippets/pgx.go"),
            Self::TokioPostgres => include_str!("../snippets/tokio-postgres.rs"),
            Self::Sqlx => include_str!("../snippets/sqlx.rs"),
        }
    }
}

/// All bytes but the unreserved ones and the slash, RFC 3986 §2.1.
fn percent_encode(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled_and_no_path_ends_a_string() {
        let bundle = Path::new("/a b/it's \"&?#%.pem");
        let (host, user, dbname) = ("db.example.com", "app", "orders");
        let target = Target { host, port: 5433, user, dbname, bundle };
        for driver in Driver::value_variants() {
            let snippet = driver.snippet(&target);
            assert!(
                snippet.contains("app@db.example.com:5433/orders") || *driver == Driver::Pgjdbc
            );
            for place in ["{host}", "{port}", "{user}", "{dbname}", "{bundle}", "{bundle_path}"] {
                assert!(!snippet.contains(place), "{driver:?} {place}");
            }
            let encoded = "sslrootcert=/a%20b/it%27s%20%22%26%3F%23%25.pem";
            let is_quoted = snippet.contains(r#"PGSSLROOTCERT='/a b/it'\''s "&?#%.pem'"#);
            assert!(snippet.contains(encoded) || is_quoted, "{snippet}");
        }
    }
}
