//! What the service does inside the database, over the Unix socket that only pgkeep can reach.

use std::time::Duration;

use pgkeep_model::PasswordVerifier;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, NoTls, Socket};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::PostgresError;
use crate::bootstrap::CLUSTER;
use crate::layout::InstanceFiles;
use crate::postmaster::Postmaster;

/// The service's own role, a superuser, and its database.
pub(crate) const RDSADMIN: &str = "rdsadmin";

/// Before a server is asked first whether it has read its files again, which takes it about as long
/// on an idle machine; each further pause doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// How long a server may take to read its files again.
const RELOAD_LIMIT_S: u64 = 10;

/// How long it may take to say what it took of them.
const CHECK_LIMIT_S: u64 = 10;

/// Keeps the statements of a session out of the log, and the parameter group from getting in its
/// way; so that a client that holds a lock on a role cannot hold up pgkeep, waits have an end.
pub(crate) const QUIET: &str = "-c log_statement=none -c log_min_error_statement=panic \
    -c log_min_duration_statement=-1 -c statement_timeout=0 -c lock_timeout=10s \
    -c default_transaction_read_only=off -c search_path=pg_catalog";

/// The master user and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The role.
    pub master_username: String,
    /// Its password, as the server stores it.
    pub master_password: PasswordVerifier,
    /// A database to be made for it, beside `postgres`.
    pub db_name: Option<String>,
}

/// A session of `rdsadmin`.
pub struct Admin {
    pub(crate) client: Client,
}

impl Admin {
    /// Connects to a server that accepts connections.
    pub async fn connect(files: &InstanceFiles, port: u16) -> Result<Self, PostgresError> {
        let (admin, connection) = Self::open(login(port), files).await?;
        tokio::spawn(connection);
        Ok(admin)
    }

    /// Whether it goes on: it ends with its server.
    pub fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Asks a server a question that takes a moment, in a session of its own. One that hangs is
    /// left when the limit is reached, and nothing waits for it then.
    pub async fn ask<T, A>(
        files: &InstanceFiles,
        port: u16,
        limit: Duration,
        question: impl FnOnce(Self) -> A,
    ) -> Result<T, PostgresError>
    where
        A: Future<Output = Result<T, PostgresError>>,
    {
        let answer = Self::ask_in(login(port), files, question);
        let late = |_| PostgresError::TimedOut { what: "answer", seconds: limit.as_secs() };
        tokio::time::timeout(limit, answer).await.map_err(late)?
    }

    /// The same in a session of this login, without a limit.
    pub(crate) async fn ask_in<T, A>(
        login: Config,
        files: &InstanceFiles,
        question: impl FnOnce(Self) -> A,
    ) -> Result<T, PostgresError>
    where
        A: Future<Output = Result<T, PostgresError>>,
    {
        let (admin, connection) = Self::open(login, files).await?;
        // The question takes the session, so that the connection comes to its end.
        let (answer, _) = tokio::join!(question(admin), connection);
        answer
    }

    async fn open(
        mut login: Config,
        files: &InstanceFiles,
    ) -> Result<(Self, Connection<Socket, NoTlsStream>), PostgresError> {
        login.host_path(files.socket());
        // What logs in is large, and what waits for an answer need not be.
        let connected = Box::pin(async move { login.connect(NoTls).await }).await;
        let (client, connection) =
            connected.map_err(|source| PostgresError::Sql { what: "let rdsadmin in", source })?;
        Ok((Self { client }, connection))
    }

    /// Makes the server read its files again, and returns when new sessions know that it did. It
    /// does not say whether it liked what it read.
    pub async fn reload(&self, postmaster: &Postmaster) -> Result<(), PostgresError> {
        let read = async {
            let before = self.load_time().await?;
            postmaster.reload()?;
            // The postmaster passes the signal on while it reads its files itself, and takes no
            // new session before it has read them all.
            let mut pause = FIRST_PAUSE;
            tokio::time::sleep(pause).await;
            while self.load_time().await? == before {
                pause = (pause * 2).min(LONGEST_PAUSE);
                tokio::time::sleep(pause).await;
            }
            Ok(())
        };
        tokio::select! {
            read = read => read,
            () = postmaster.ended() => Err(PostgresError::NotRunning),
            () = tokio::time::sleep(Duration::from_secs(RELOAD_LIMIT_S)) => {
                Err(PostgresError::TimedOut { what: "reload", seconds: RELOAD_LIMIT_S })
            }
        }
    }

    async fn load_time(&self) -> Result<String, PostgresError> {
        let what = "tell when it read its files";
        let row = self.client.query_one("SELECT pg_conf_load_time()::text", &[]).await;
        Ok(row.map_err(|source| PostgresError::Sql { what, source })?.get(0))
    }

    /// Makes the master user and its database, and gives it its password; what is there stays.
    ///
    /// A message is a transaction. The password is in one with nothing that a master user can
    /// hinder, since it is by the password that he is kept out: up to 15 he may drop roles of the
    /// service, and `postgres` is his own. No `DO`: for that a server that has just started would
    /// load plpgsql, while whoever asked for it waits.
    pub async fn ensure_access(&self, access: &Access) -> Result<(), PostgresError> {
        let name = &access.master_username;
        let role = identifier(name);
        // The verifier is part of the statement, since utility statements take no parameters;
        // `QUIET` keeps the server from writing it to its log.
        let password = literal(access.master_password.reveal());
        let exists = self.finds("SELECT FROM pg_roles WHERE rolname = $1", &[name]).await?;
        let verb = if exists { "ALTER" } else { "CREATE" };
        self.run(
            "make the master user",
            &format!(
                "{verb} ROLE {role} LOGIN NOSUPERUSER INHERIT CREATEDB CREATEROLE NOREPLICATION
                   VALID UNTIL 'infinity' PASSWORD {password}"
            ),
        )
        .await?;
        let has_roles = "SELECT FROM pg_roles WHERE rolname = 'rds_superuser'";
        if !self.finds(has_roles, &[]).await? {
            self.run("make the service's roles", CLUSTER).await?;
        }
        let what = "make the master user what it is";
        self.run(what, &format!("GRANT rds_superuser TO {role}")).await?;
        // It may drop that database.
        if self.finds("SELECT FROM pg_database WHERE datname = 'postgres'", &[]).await? {
            self.run(what, &format!("ALTER DATABASE postgres OWNER TO {role}")).await?;
        }
        if let Some(database) = &access.db_name {
            self.ensure_database(database, &role).await?;
        }
        Ok(())
    }

    /// Asks the server whether it took every line of its configuration.
    pub async fn check_configuration(&self) -> Result<(), PostgresError> {
        let what = "show its settings";
        let sql = "SELECT coalesce(name, sourcefile), coalesce(error, 'not applied')
                   FROM pg_file_settings WHERE error IS NOT NULL OR NOT applied LIMIT 1";
        let limit = Duration::from_secs(CHECK_LIMIT_S);
        let wrong = tokio::time::timeout(limit, self.client.query_opt(sql, &[]))
            .await
            .map_err(|_| PostgresError::TimedOut { what, seconds: CHECK_LIMIT_S })?
            .map_err(|source| PostgresError::Sql { what, source })?;
        match wrong {
            None => Ok(()),
            Some(row) => Err(PostgresError::Setting { name: row.get(0), message: row.get(1) }),
        }
    }

    async fn ensure_database(&self, name: &str, owner: &str) -> Result<(), PostgresError> {
        if self.finds("SELECT FROM pg_database WHERE datname = $1", &[&name]).await? {
            return Ok(());
        }
        let sql = format!("CREATE DATABASE {} OWNER {owner}", identifier(name));
        self.run("make the database", &sql).await
    }

    async fn finds(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<bool, PostgresError> {
        let found = self.client.query_opt(sql, values).await;
        let what = "tell what it has";
        Ok(found.map_err(|source| PostgresError::Sql { what, source })?.is_some())
    }

    pub(crate) async fn run(&self, what: &'static str, sql: &str) -> Result<(), PostgresError> {
        // The client library logs statements, which may hold a verifier.
        let quietly = self.client.batch_execute(sql).with_subscriber(NoSubscriber::default());
        let done = quietly.await;
        done.map_err(|source| PostgresError::Sql { what, source })
    }
}

/// What every session of `rdsadmin` has in common.
pub(crate) fn login(port: u16) -> Config {
    let mut config = Config::new();
    config.port(port).user(RDSADMIN).dbname(RDSADMIN).options(QUIET).application_name("pgkeep");
    config.connect_timeout(Duration::from_secs(10));
    config
}

pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant that reads the same whatever `standard_conforming_strings` says.
pub(crate) fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}
