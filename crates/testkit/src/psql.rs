//! PostgreSQL's own client, as users run it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use crate::program::{Outcome, program, run};
use crate::{ControlPlane, Instance, MASTER_PASSWORD, MASTER_USERNAME};

/// How to connect. Settings are those of libpq's connection strings.
#[derive(Debug, Clone)]
pub struct Psql {
    settings: BTreeMap<String, String>,
}

impl Psql {
    /// As the master user, verifying all that can be verified.
    #[track_caller]
    pub fn to(plane: &ControlPlane, instance: &Instance) -> Self {
        let address = instance.address.expect("the endpoint's name is in the hosts file");
        let settings = [
            ("host", instance.endpoint.clone()),
            // What a resolver that reads the hosts file would find.
            ("hostaddr", address.to_string()),
            ("port", instance.port.to_string()),
            ("user", MASTER_USERNAME.to_owned()),
            ("password", MASTER_PASSWORD.to_owned()),
            ("dbname", "postgres".to_owned()),
            ("sslmode", "verify-full".to_owned()),
            ("sslrootcert", plane.bundle().display().to_string()),
            ("connect_timeout", "20".to_owned()),
        ];
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { settings: settings.collect() }
    }

    /// The same with another value of a setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The command, without statements. The password goes through the environment.
    pub fn command(&self) -> Command {
        let mut command = program("PGKEEP_PSQL", "psql");
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_libpq(name)) {
            command.env_remove(name);
        }
        let quote = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let public = self.settings.iter().filter(|(name, _)| *name != "password");
        let string: Vec<_> =
            public.map(|(name, value)| format!("{name}='{}'", quote(value))).collect();
        command.env("PGPASSWORD", &self.settings["password"]);
        command.args(["--no-psqlrc", "--no-password"]).arg(string.join(" "));
        command
    }

    /// Runs a statement: rows a line each, columns with `|` between.
    #[track_caller]
    pub fn run(&self, sql: &str) -> Outcome {
        let mut command = self.command();
        command.args(["--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--command", sql]);
        run(&mut command, "")
    }

    /// The rows of a statement that must succeed.
    #[track_caller]
    pub fn query(&self, sql: &str) -> String {
        self.run(sql).success()
    }

    /// What psql says of the connection when it begins, which it shows to a terminal only; `script`
    /// is one. Without Readline it writes no history into the home directory.
    #[track_caller]
    pub fn banner(&self) -> String {
        let command = self.command();
        let words = command.get_args().map(|word| word.display().to_string());
        let quote = |word: String| format!(" '{}'", word.replace('\'', "'\\''"));
        let line: String = words.map(quote).collect();
        let mut terminal = Command::new("script");
        let psql = command.get_program().display();
        let line = format!("{psql} --no-readline{line}");
        terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => terminal.env(name, value),
                None => terminal.env_remove(name),
            };
        }
        run(terminal.env("PAGER", "cat"), "\\q\n").success()
    }

    /// What libpq says of a connection that must fail.
    #[track_caller]
    pub fn refusal(&self) -> String {
        self.run("SELECT 1").failure()
    }
}

/// A session of psql that stays open.
#[derive(Debug)]
pub struct Session {
    psql: Child,
    statements: ChildStdin,
    rows: BufReader<ChildStdout>,
}

impl Session {
    /// Starts psql, which connects.
    #[track_caller]
    pub fn open(psql: &Psql) -> Self {
        Self::of(psql.command())
    }

    /// Starts psql by a command that can be anything else than [`Psql::command`] says, too.
    #[track_caller]
    pub fn of(mut command: Command) -> Self {
        command.args(["--no-align", "--tuples-only", "--quiet"]);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut psql = pipes.spawn().expect("psql runs");
        let statements = psql.stdin.take().expect("a pipe");
        let rows = BufReader::new(psql.stdout.take().expect("a pipe"));
        Self { psql, statements, rows }
    }

    /// The one row of a statement.
    #[track_caller]
    pub fn ask(&mut self, statement: &str) -> String {
        self.try_ask(statement).expect("the session is open")
    }

    /// The same of a session that may end meanwhile.
    pub fn try_ask(&mut self, statement: &str) -> Option<String> {
        writeln!(self.statements, "{statement}").ok()?;
        let mut row = String::new();
        self.rows.read_line(&mut row).expect("UTF-8");
        Some(row.strip_suffix('\n')?.to_owned())
    }

    /// Ends it.
    #[track_caller]
    pub fn close(self) {
        assert!(self.end().success());
    }

    /// Ends it, whatever became of it.
    pub fn end(mut self) -> ExitStatus {
        drop(self.statements);
        self.psql.wait().expect("its status")
    }
}

fn is_libpq(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with("PG") && !name.to_string_lossy().starts_with("PGKEEP")
}
