//! What the service does inside the database, over the Unix socket that only pgkeep can reach.

use std::time::Duration;

use pgkeep_model::PasswordVerifier;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, NoTls, Socket};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::PostgresError;
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
const QUIET: &str = "-c log_statement=none -c log_min_error_statement=panic \
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
        let (admin, connection) = Self::open(files, port).await?;
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
        let answer = async {
            let (admin, connection) = Self::open(files, port).await?;
            // The question takes the session, so that the connection comes to its end.
            let (answer, _) = tokio::join!(question(admin), connection);
            answer
        };
        let late = |_| PostgresError::TimedOut { what: "answer", seconds: limit.as_secs() };
        tokio::time::timeout(limit, answer).await.map_err(late)?
    }

    async fn open(
        files: &InstanceFiles,
        port: u16,
    ) -> Result<(Self, Connection<Socket, NoTlsStream>), PostgresError> {
        let connected = login(port).host_path(files.socket()).connect(NoTls).await;
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
    pub async fn ensure_access(&self, access: &Access) -> Result<(), PostgresError> {
        let role = identifier(&access.master_username);
        // The verifier is part of the statement, since utility statements take no parameters;
        // `QUIET` keeps the server from writing it to its log.
        let password = literal(access.master_password.reveal());
        self.run(
            "make the master user",
            &format!(
                "DO $pgkeep$ BEGIN
                   IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN
                     CREATE ROLE {role};
                   END IF;
                 END $pgkeep$;
                 ALTER ROLE {role} LOGIN NOSUPERUSER INHERIT CREATEDB CREATEROLE NOREPLICATION
                   VALID UNTIL 'infinity' PASSWORD {password};
                 GRANT rds_superuser TO {role};
                 ALTER DATABASE postgres OWNER TO {role};",
                name = literal(&access.master_username),
            ),
        )
        .await?;
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
        let what = "make the database";
        let found = self
            .client
            .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name])
            .await
            .map_err(|source| PostgresError::Sql { what, source })?;
        if found.is_some() {
            return Ok(());
        }
        self.run(what, &format!("CREATE DATABASE {} OWNER {owner}", identifier(name))).await
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

fn identifier(name: &str) -> String {
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
