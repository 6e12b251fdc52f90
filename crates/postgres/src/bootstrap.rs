//! The service's own SQL: roles, its database, and what lets a master user create extensions.
//!
//! A data directory gets it in single-user mode, when it is made. One that an earlier pgkeep made
//! gets what changed since over the Unix socket, in every database, while it serves: what
//! [`bootstrap_digest`] is made of can be repeated.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use crate::PostgresError;
use crate::admin::{Admin, QUIET, identifier, login};
use crate::conf::digest;
use crate::engine::Engine;
use crate::layout::InstanceFiles;
use crate::program::{self, Priority, command};

/// The roles.
pub(crate) const CLUSTER: &str = include_str!("sql/cluster.sql");
const DATABASE: &str = include_str!("sql/database.sql");
const FIRST: &str = concat!(
    include_str!("sql/database.sql"),
    include_str!("sql/cluster.sql"),
    include_str!("sql/rdsadmin.sql")
);

/// Whoever owns a database can give its sessions another role, or a library that is not there.
const OWN: &str = " -c role=none -c session_authorization=rdsadmin -c local_preload_libraries=";

/// Tells a data directory of this pgkeep from one of another.
pub fn bootstrap_digest() -> String {
    digest([DATABASE, CLUSTER])
}

/// Runs it in single-user mode, where every release allows `CREATE DATABASE` and the templates'
/// own, and no socket is open yet. What the templates have, every database that is made later has.
pub(crate) async fn bootstrap(
    engine: &Engine,
    data: &Path,
    priority: Priority,
) -> Result<(), PostgresError> {
    for (database, sql) in [("template0", DATABASE), ("template1", DATABASE), ("postgres", FIRST)] {
        single_user(engine, data, priority, database, sql).await?;
    }
    Ok(())
}

async fn single_user(
    engine: &Engine,
    data: &Path,
    priority: Priority,
    database: &str,
    sql: &str,
) -> Result<(), PostgresError> {
    let mut postgres = command(engine, "postgres", priority);
    postgres.args(["--single", "-j", "-D"]).arg(data);
    postgres.args(["-c", "exit_on_error=on", database]);
    postgres.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let run = async {
        let mut child = postgres.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(sql.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let program = "postgres --single";
    let output = run.await.map_err(|source| PostgresError::Run { program, source })?;
    program::judge(program, &output)
}

impl Admin {
    /// Brings a running server up to date, which may be of an earlier pgkeep. The templates come
    /// first, and it ends when there is no other database, so none is made meanwhile that is not.
    pub async fn ensure_bootstrap(
        &self,
        files: &InstanceFiles,
        port: u16,
    ) -> Result<(), PostgresError> {
        self.run("bring its roles up to date", CLUSTER).await?;
        // Of a database whose removal was interrupted (-2), only the removal is left.
        let sql = "SELECT oid, datname::text, datallowconn FROM pg_database
                   WHERE datconnlimit <> -2 AND oid <> ALL ($1)
                   ORDER BY NOT datistemplate, oid LIMIT 1";
        let refused = |source| PostgresError::Sql { what: "list its databases", source };
        let mut done: Vec<u32> = Vec::new();
        while let Some(row) = self.client.query_opt(sql, &[&done]).await.map_err(refused)? {
            done.push(row.get(0));
            let name: String = row.try_get(1).map_err(refused)?;
            self.update_database(files, port, &name, row.get(2)).await?;
        }
        Ok(())
    }

    /// One that takes no connections takes them for a moment. After a kill in it, template0 is
    /// closed by the repetition.
    async fn update_database(
        &self,
        files: &InstanceFiles,
        port: u16,
        name: &str,
        is_open: bool,
    ) -> Result<(), PostgresError> {
        let mut login = login(port);
        login.dbname(name).options(format!("{QUIET}{OWN}"));
        if !is_open {
            self.allow_connections(name, true).await?;
        }
        let updated = Self::ask_in(login, files, |admin| async move {
            admin.run("bring a database up to date", DATABASE).await
        });
        let updated = updated.await;
        if !is_open || name == "template0" {
            self.allow_connections(name, false).await?;
        }
        updated
    }

    async fn allow_connections(&self, database: &str, allow: bool) -> Result<(), PostgresError> {
        let sql = format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allow}", identifier(database));
        self.run("open or close a database", &sql).await
    }
}
