//! Answers cells of the table of clients with tokio-postgres and rustls, or with sqlx.
//!
//! Nothing of it ships: it is what `crates/cli/tests/drivers` has for clients in other languages,
//! where `psql.sh` says how cells and answers look. The package's other programs are the snippets
//! of the two, the very files that pgkeep prints.

mod sqlx_cells;
mod tokio_postgres_cells;

use std::error::Error;
use std::io::{self, BufRead as _};

const QUERY: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// What both clients have to do.
trait Client {
    /// Whether the session that the URL leads to has TLS.
    async fn ask(&self, url: &str, root: Option<&str>) -> Result<bool, Box<dyn Error>>;
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match &*words.iter().map(String::as_str).collect::<Vec<_>>() {
        ["tokio-postgres", user] => {
            let version = version_of("tokio-postgres");
            let glue = version_of("tokio-postgres-rustls");
            println!("tokio-postgres {version} with tokio-postgres-rustls {glue}\t");
            answer(&tokio_postgres_cells::TokioPostgres, user)
        }
        ["sqlx", user] => {
            println!("sqlx {} with rustls\t", version_of("sqlx"));
            answer(&sqlx_cells::Sqlx, user)
        }
        _ => Err("usage: pgkeep-drivers tokio-postgres|sqlx USER".into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn answer(client: &impl Client, user: &str) -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let [host, port, sslmode, root] = *line.split('\t').collect::<Vec<_>>() else {
            return Err(format!("not a cell: {line}").into());
        };
        let query = if sslmode == "-" { String::new() } else { format!("?sslmode={sslmode}") };
        let url = format!("postgresql://{user}@{host}:{port}/postgres{query}");
        match client.ask(&url, Some(root).filter(|root| *root != "-")).await {
            Ok(ssl) => println!("ok\t{}", if ssl { "t" } else { "f" }),
            Err(error) => println!("no\t{}", words(&*error)),
        }
    }
    Ok(())
}

/// The whole chain, without what an error repeats of its source.
fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = cause.source();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The version that `Cargo.lock` has of a crate.
fn version_of(name: &str) -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let found = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
    found.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown")
}
