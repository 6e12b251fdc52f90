//! `cargo xtask codegen parameters`: writes what each engine says of its own parameters.
//!
//! `crates/model/data/parameters/postgres<major>.tsv` is `pg_settings` of the pinned engine of that
//! major version, with tabs between the columns. Only `pg_settings` has units, ranges and the words
//! of enums together, so a running server is asked. The built-in defaults are taken, not the values
//! in force, and those that tell of the machine, the build or the minor release are left out: the
//! files change only when an engine does.
//!
//! `cargo xtask test` leaves it out: nine servers take longer than all other checks of sources, and
//! only a new pin of an engine can change what they say.
//!
//! Deliberately absent: the distribution's engines, whose builds differ from one another, and what
//! the service adds or forbids, which is `service.tsv` beside these files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use pgkeep_model::{EngineSource, MAJORS};
use pgkeep_postgres::{Engine, EngineCatalogue, EngineSettings};
use tokio_postgres::SimpleQueryMessage;

use crate::os_user::OsUser;
use crate::workspace;

const FOLDER: &str = "crates/model/data/parameters";

/// Libraries whose parameters are listed too, where the engine has them: those that a group may
/// preload, and PL/pgSQL, which every database has.
const LIBRARIES: &str = "auto_explain,pg_prewarm,pg_stat_statements,plpgsql";

/// The columns of a file, each with its expression.
const COLUMNS: [(&str, &str); 9] = [
    ("name", "lower(name)"),
    ("type", "vartype"),
    ("unit", "unit"),
    ("context", "context"),
    ("min", "CASE WHEN fixed THEN min_val END"),
    ("max", "CASE WHEN fixed THEN max_val END"),
    ("words", "array_to_string(enumvals, ',')"),
    ("default", "CASE WHEN fixed THEN boot_val END"),
    ("description", "short_desc"),
];

/// The parameters whose default or range is the build's or the minor release's own.
const NOT_FIXED: &str =
    "'krb_server_keyfile', 'server_version', 'server_version_num', 'unix_socket_directories'";

/// The options of `cargo xtask codegen parameters`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail where a file is not what an engine says that is already there
    #[arg(long)]
    check: bool,
    /// The folder of downloaded engines, which must be root's or this user's
    #[arg(
        long,
        value_name = "DIR",
        env = "PGKEEP_CACHE_DIR",
        default_value = "/var/cache/pgkeep/development"
    )]
    cache_dir: PathBuf,
}

/// Asks every engine; with `--check` only those that are there.
pub(crate) fn run(options: &Options) -> Result<()> {
    let catalogue = EngineCatalogue::new(EngineSettings {
        folder: options.cache_dir.join("engines"),
        system_root: "/usr/lib/postgresql".into(),
        registry: std::env::var("PGKEEP_ENGINE_REGISTRY").ok(),
    });
    let user = OsUser::find()?;
    let mut asked = Vec::new();
    for major in MAJORS {
        let Some(engine) = pinned(&catalogue, major, !options.check)? else { continue };
        let name = format!("{FOLDER}/postgres{major}.tsv");
        let path = workspace::root()?.join(&name);
        let text = ask(&engine, &user).with_context(|| format!("cannot ask {}", engine.id()))?;
        let is_current = fs::read_to_string(&path).is_ok_and(|old| old == text);
        if options.check {
            let advice = "run `cargo xtask codegen parameters` and commit the result";
            ensure!(is_current, "{name} is stale: {advice}");
        } else if !is_current {
            fs::write(&path, text).with_context(|| format!("cannot write {name}"))?;
        }
        asked.push(engine.id());
    }
    eprintln!("asked {} of {}: {}", asked.len(), MAJORS.count(), asked.join(" "));
    Ok(())
}

/// The pinned engine of a major version; none where it is neither there nor to be fetched.
fn pinned(catalogue: &EngineCatalogue, major: u16, fetch: bool) -> Result<Option<Engine>> {
    let engines = catalogue.scan();
    let is_meant = |it: &Engine| it.source == EngineSource::Embedded && it.version.major == major;
    if let Some(engine) = engines.offered.into_iter().find(is_meant) {
        return Ok(Some(engine));
    }
    if !fetch {
        return Ok(None);
    }
    let version = engines.available.into_iter().find(|version| version.major == major);
    let version = version.with_context(|| format!("no engine of {major} is pinned"))?;
    Ok(Some(catalogue.ensure(EngineSource::Embedded, version, &mut |_| ())?))
}

/// The table of an engine, from a server that is gone afterwards with all its files.
fn ask(engine: &Engine, user: &OsUser) -> Result<String> {
    let folder = user.folder()?;
    let server = Server { engine, user, folder: folder.path() };
    let mut initdb = server.program("initdb");
    initdb.args(["--no-sync", "--username=rdsadmin", "--encoding=UTF8", "--locale=C"]);
    workspace::output(initdb.arg("--auth=trust"))?;
    let mut start = server.program("pg_ctl");
    // The server keeps what it is given as output, so a pipe would never end.
    start.args(["start", "--wait"]).stdout(Stdio::null());
    start.arg("--log").arg(folder.path().join("log"));
    let settings = [
        "-c listen_addresses= -c unix_socket_permissions=0700".to_owned(),
        format!("-c unix_socket_directories={}", folder.path().display()),
        format!("-c shared_preload_libraries={LIBRARIES}"),
    ];
    workspace::run(start.arg("--options").arg(settings.join(" ")))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(server.table())
}

/// A data directory whose server ends with this.
struct Server<'a> {
    engine: &'a Engine,
    user: &'a OsUser,
    folder: &'a Path,
}

impl Server<'_> {
    async fn table(&self) -> Result<String> {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.folder).user("rdsadmin").dbname("postgres");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let mut table = COLUMNS.map(|(name, _)| name).join("\t") + "\n";
        for message in client.simple_query(&query()).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let fields: Vec<&str> =
                    (0..row.len()).map(|index| row.get(index).unwrap_or_default()).collect();
                table += &(fields.join("\t") + "\n");
            }
        }
        drop(client);
        connection.await??;
        Ok(table)
    }

    /// A program of the engine, on the data directory.
    fn program(&self, name: &str) -> Command {
        let mut command = self.user.command(self.engine.program(name));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some(folder) = &self.engine.lib_dir {
            command.env("LD_LIBRARY_PATH", folder);
        }
        command.arg("--pgdata").arg(self.folder.join("data"));
        command
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        if self.folder.join("data/postmaster.pid").exists() {
            let mut stop = self.program("pg_ctl");
            stop.args(["stop", "--wait", "--mode=immediate"]).stdout(Stdio::null());
            if let Err(error) = workspace::run(&mut stop) {
                eprintln!("{error:#}");
            }
        }
    }
}

fn query() -> String {
    let columns = COLUMNS.map(|(_, expression)| expression).join(", ");
    format!(
        "SELECT {columns} FROM \
         (SELECT *, name NOT IN ({NOT_FIXED}) AS fixed FROM pg_settings) AS settings \
         ORDER BY lower(name) COLLATE \"C\""
    )
}
