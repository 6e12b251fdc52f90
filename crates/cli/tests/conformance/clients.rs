//! The clients: what starts each one's driver, the words of `sslmode` that it has, and how the
//! driver is asked.

use std::collections::VecDeque;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use pgkeep_testkit::{MASTER_PASSWORD, MASTER_USERNAME, program, run};

use super::cells::{Row, STRIPPED, wrong_host};
use super::record::{Answer, ClientRecord, Record};
use super::servers::Servers;
use super::stripped::Stripped;

/// Drivers that run at a time.
const WORKERS: usize = 4;

/// The six words of libpq, which most clients took over.
const LIBPQ: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Those of node-postgres: `no-verify` is its own, and the words of libpq have libpq's meaning
/// only together with `uselibpqcompat`.
const NODE: &[&str] = &[
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
    "no-verify",
    "prefer&uselibpqcompat=true",
    "require&uselibpqcompat=true",
    "verify-ca&uselibpqcompat=true",
];

/// A client of the table.
pub(crate) struct Client {
    /// As `pgkeep snippets --driver` has it.
    pub(crate) name: &'static str,
    /// What stands for `sslmode`.
    pub(crate) words: &'static [&'static str],
    /// The driver in `tests/drivers` that answers cells, or the argument of `pgkeep-drivers`.
    driver: &'static str,
    /// The language of its snippet, by the name of mark-down fences.
    pub(crate) language: &'static str,
    /// What runs a program in the client's language.
    run: fn(&Servers, &Path) -> Command,
}

pub(crate) const CLIENTS: [Client; 8] = [
    Client { name: "psql", words: LIBPQ, driver: "psql.sh", language: "sh", run: bash },
    Client {
        name: "psycopg",
        words: LIBPQ,
        driver: "psycopg_cells.py",
        language: "python",
        run: python,
    },
    Client {
        name: "asyncpg",
        words: LIBPQ,
        driver: "asyncpg_cells.py",
        language: "python",
        run: python,
    },
    Client {
        name: "node-postgres",
        words: NODE,
        driver: "node_cells.cjs",
        language: "js",
        run: node,
    },
    Client { name: "pgjdbc", words: LIBPQ, driver: "JdbcCells.java", language: "java", run: java },
    Client { name: "pgx", words: LIBPQ, driver: "pgx_cells.go", language: "go", run: go },
    Client {
        name: "tokio-postgres",
        words: LIBPQ,
        driver: "tokio-postgres",
        language: "rust",
        run: rust,
    },
    Client { name: "sqlx", words: LIBPQ, driver: "sqlx", language: "rust", run: rust },
];

impl Client {
    /// The command that runs a program of the client's language, where `/etc/hosts` is that of
    /// the servers and nothing of this machine's own settings is known.
    pub(crate) fn command(&self, servers: &Servers, source: &Path) -> Command {
        within(servers, &(self.run)(servers, source))
    }

    /// Whether its driver and snippet are compiled beforehand.
    pub(crate) fn is_rust(&self) -> bool {
        self.language == "rust"
    }

    /// What a source file's name must end in for what runs it.
    pub(crate) fn extension(&self) -> &'static str {
        match self.language {
            "js" => ".cjs",
            "java" => ".java",
            "go" => ".go",
            "rust" => ".rs",
            _ => "",
        }
    }

    fn ask(&self, servers: &Servers, rows: &[Row]) -> ClientRecord {
        let columns = &servers.all;
        let cells = rows.iter().flat_map(|row| (0..columns.len()).map(move |at| (row, at)));
        let cells: Vec<_> = cells.collect();
        let lines: String = cells.iter().map(|(row, at)| line(servers, row, *at)).collect();
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drivers"));
        let mut command = if self.is_rust() {
            self.command(servers, Path::new(self.driver))
        } else {
            self.command(servers, &folder.join(self.driver))
        };
        let begun = std::time::Instant::now();
        let said = run(command.arg(MASTER_USERNAME), &lines).success();
        eprintln!("{}: {} cells in {:.1} s", self.name, cells.len(), begun.elapsed().as_secs_f32());
        let (head, said) = said.split_once('\n').expect("the client's name, then answers");
        let answers: Vec<_> = said.lines().collect();
        assert_eq!(answers.len(), cells.len(), "{}: an answer for each cell", self.name);
        let answers = answers.iter().zip(&cells);
        let answers = answers.map(|(answer, (_, at))| read(servers, *at, answer));
        let answers: Vec<_> = answers.collect();
        let answers = answers.chunks(columns.len()).map(<[Answer]>::to_vec);
        let (client, ground) = head.split_once('\t').expect("a client and what it runs on");
        ClientRecord {
            client: client.to_owned(),
            ground: ground.to_owned(),
            rows: rows.iter().cloned().zip(answers).collect(),
        }
    }
}

/// Asks every client for every cell of its rows.
pub(crate) fn ask_all(servers: &Servers, rows: impl Fn(&Client) -> Vec<Row> + Sync) -> Record {
    let waiting = Mutex::new((0..CLIENTS.len()).collect::<VecDeque<_>>());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(place) = { waiting.lock().unwrap().pop_front() } {
                    let client = &CLIENTS[place];
                    let record = client.ask(servers, &rows(client));
                    done.lock().unwrap().push((place, record));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    Record { clients: done.into_iter().map(|(_, record)| record).collect() }
}

/// A cell as drivers read it; `at` is the place of the column.
fn line(servers: &Servers, row: &Row, at: usize) -> String {
    let (column, instance) = &servers.all[at];
    let (host, port) = match &*row.host {
        STRIPPED => (Stripped::HOST.to_owned(), servers.stripped.port(at)),
        "wrong" => (wrong_host(instance), instance.port),
        _ => (instance.endpoint.clone(), instance.port),
    };
    let root = servers.root(*column, &row.root).map(|path| path.display().to_string());
    format!("{host}\t{port}\t{}\t{}\n", row.sslmode, root.as_deref().unwrap_or("-"))
}

/// An answer, with nothing in it that is of this run alone.
fn read(servers: &Servers, at: usize, answer: &str) -> Answer {
    let instance = &servers.all[at].1;
    match answer.split_once('\t') {
        Some(("ok", "t")) => Answer::Tls,
        Some(("ok", "f")) => Answer::Plain,
        Some(("no", words)) => {
            let desk = servers.home.parent().unwrap().display().to_string();
            let address = instance.address.unwrap().to_string();
            let words = words
                .replace(&wrong_host(instance), "WRONG-HOST")
                .replace(&instance.endpoint, "HOST")
                .replace(&address, "ADDRESS")
                .replace(Stripped::HOST, "STRIPPED")
                .replace(&servers.stripped.port(at).to_string(), "PORT")
                .replace(&servers.home.display().to_string(), "~")
                .replace(&desk, "");
            Answer::No(words)
        }
        _ => panic!("not an answer: {answer}"),
    }
}

/// The same command in a mount namespace with the servers' `/etc/hosts`.
fn within(servers: &Servers, command: &Command) -> Command {
    let mut within = program("PGKEEP_UNSHARE", "unshare");
    within
        // A user namespace gives others the right; in it, root would not reach the bundle, which
        // belongs to a user that it does not know.
        .args(if nix::unistd::geteuid().is_root() {
            &[][..]
        } else {
            &["--user", "--map-root-user"]
        })
        .args(["--mount", "sh", "-c"])
        .arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"")
        .arg(&servers.hosts)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", &servers.home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PGPASSWORD", MASTER_PASSWORD);
    for (name, value) in command.get_envs() {
        within.env(name, value.unwrap_or_default());
    }
    within
}

fn bash(_: &Servers, source: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg(source);
    command
}

fn python(_: &Servers, source: &Path) -> Command {
    let mut command = program("PGKEEP_PYTHON", "python3");
    command.arg(source);
    command
}

fn node(_: &Servers, source: &Path) -> Command {
    let mut command = program("PGKEEP_NODE", "node");
    command.arg(source).env("NODE_PATH", env::var_os("PGKEEP_NODE_PATH").unwrap_or_default());
    command
}

fn java(servers: &Servers, source: &Path) -> Command {
    let jar = env::var_os("PGKEEP_JDBC_JAR").unwrap_or("/usr/share/java/postgresql.jar".into());
    let mut command = program("PGKEEP_JAVA", "java");
    command
        .arg(format!("-Duser.home={}", servers.home.display()))
        .args(["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp"])
        .args([jar, source.into()]);
    command
}

fn go(_: &Servers, source: &Path) -> Command {
    let path = env::var_os("PGKEEP_GOPATH").expect("this test needs PGKEEP_GOPATH: Debian's pgx");
    let mut command = program("PGKEEP_GO", "go");
    command
        .arg("run")
        .arg(source)
        .env("GOCACHE", Path::new(&path).join("cache"))
        .env("GOPATH", path)
        .env("GO111MODULE", "off")
        .env("CGO_ENABLED", "0");
    command
}

/// The client's name, for its driver, or its snippet's file: compiled beforehand, both lie beside
/// the program that is tested.
fn rust(_: &Servers, source: &Path) -> Command {
    let built = ["PGKEEP_BIN", "CARGO_BIN_EXE_pgkeep"].into_iter().find_map(env::var_os);
    let beside =
        |name: &str| PathBuf::from(built.as_ref().expect("PGKEEP_BIN")).with_file_name(name);
    if source.extension().is_some() {
        let name = source.file_stem().unwrap().display();
        return Command::new(beside(&format!("snippet-{name}")));
    }
    let mut command = Command::new(beside("pgkeep-drivers"));
    command.arg(source);
    command
}
