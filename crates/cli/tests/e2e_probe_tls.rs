//! `pgkeep probe` at servers that no instance is like: a client certificate for a password, a newer
//! OpenSSL with ML-KEM, sessions that are taken up again, and certificates of two kinds of key.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    reason = "a panic fails the test that called, and helpers are shared"
)]

#[path = "../../probe/tests/common/mod.rs"]
mod common;
mod probing;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pgkeep_testkit::{program, run};
use serde_json::json;

use common::pki::{Leaf, Root, SERVER_NAME};
use common::server::Server;
use probing::scanners::{assert_sslyze_agrees, sslyze};
use probing::{Report, assert_valid, texts};

#[test]
fn a_client_certificate_opens_a_session() {
    let (root, clients) = (Root::new("servers"), Root::new("clients"));
    let leaf = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("client certificate", &leaf, "host all all all trust", "");
    let (ip, port) = (server.addr.ip().to_string(), server.addr.port().to_string());
    let create = format!("CREATE ROLE \"{SERVER_NAME}\" LOGIN");
    let mut psql = program("PGKEEP_PSQL", "psql");
    psql.args(["--no-psqlrc", "-h", &ip, "-p", &port, "-U", "admin", "-d", "postgres", "-c"]);
    run(psql.arg(create), "").success();
    let roots = server.write("clients.pem", &clients.pem());
    let settings = format!("ssl_ca_file = '{}'", roots.display());
    server.reconfigure(&leaf, "hostssl all all all cert", &settings);

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(folder.path(), name, text);
    let own = clients.issue_leaf(&["client.example.test"], 2035);
    let other = Root::new("strangers").issue_leaf(&["client.example.test"], 2035);
    let bundle = file("root.pem", &root.pem());
    let target = |leaf: &Leaf, name: &str| {
        let chain = file(&format!("{name}.pem"), &leaf.chain_pem);
        let key = file(&format!("{name}.key"), &leaf.key_pem);
        format!(
            "host={SERVER_NAME} hostaddr={ip} port={port} dbname=postgres sslcert={chain} \
             sslkey={key}"
        )
    };
    let ask = |target: &str| Report::of(&[target, "--bundle", &bundle, "--user", SERVER_NAME]);

    let report = ask(&target(&own, "own"));
    let psql = |leaf: &str| {
        let mut psql = program("PGKEEP_PSQL", "psql");
        let string = format!("{leaf} user={SERVER_NAME} sslmode=verify-full sslrootcert={bundle}");
        run(psql.args(["--no-psqlrc", "-Atwc", "SHOW server_version", &string]), "")
    };
    let version = psql(&target(&own, "own")).success();
    assert_eq!(report.fact("server_version"), &*version);
    assert_eq!(*report.fact("session_ssl"), true);
    assert!(report.fact("authentication").as_str().unwrap().contains("valid client certificate"));
    assert!(!report.findings().contains(&"auth.refused"), "{report:?}");
    assert_eq!(report.outcome("psql", "verify-full", "given"), "verified");
    assert_eq!(report.outcome("psql", "disable", "given"), "refused");

    // Of another authority, and none.
    let stranger = ask(&target(&other, "other"));
    psql(&target(&other, "other")).failure();
    let without = ask(&format!("host={SERVER_NAME} hostaddr={ip} port={port} dbname=postgres"));
    for refused in [&stranger, &without] {
        assert_eq!(*refused.fact("server_version"), json!(null));
        assert!(refused.findings().contains(&"auth.refused"), "{refused:?}");
        assert_eq!(refused.outcome("psql", "verify-full", "given"), "refused");
    }
    assert_valid([&report, &stranger, &without]);
}

#[test]
fn a_newer_openssl_is_seen_as_it_is() {
    let root = Root::new("root");
    let (rsa, ecdsa) = (root.issue_rsa_leaf(&[SERVER_NAME]), root.issue_leaf(&[SERVER_NAME], 2035));
    let folder = tempfile::tempdir().unwrap();
    let bundle = write(folder.path(), "root.pem", &root.pem());
    let pair = |name: &str, leaf: &Leaf| {
        write(folder.path(), name, &format!("{}{}", leaf.chain_pem, leaf.key_pem))
    };
    let (rsa_file, ecdsa_file) = (pair("rsa.pem", &rsa), pair("ecdsa.pem", &ecdsa));

    let mut reports = Vec::new();
    for (sessions, files) in [("tickets", &[&*rsa_file, &*ecdsa_file][..]), ("ids", &[&*rsa_file])]
    {
        let server = TlsServer::start(sessions, files);
        let target = format!("host={SERVER_NAME} hostaddr=127.0.0.1 port={}", server.addr.port());
        let report = Report::of(&[&target, "--bundle", &bundle]);
        assert!(report.connections() < 100, "{report:?}");
        assert_eq!(*report.fact("resumption"), true, "{report:?}");
        // A newer client's choice is the first in the server's order.
        assert_eq!(texts(report.fact("groups"))[0], server.group());
        assert_eq!(server.group(), "X25519MLKEM768");
        assert!(!report.findings().contains(&"group.no_post_quantum"), "{report:?}");
        assert_eq!(report.0["chain"]["other_chains"], files.len() - 1);
        assert_eq!(report.outcome("psql", "verify-full", "given"), "verified");
        assert_sslyze_agrees(&sslyze(server.addr, SERVER_NAME, Path::new(&bundle)), &report);
        reports.push(report);
    }
    assert_valid(&reports);
}

/// A TLS server with the OpenSSL of Python's cryptography; it ends with its input.
struct TlsServer {
    python: Child,
    addr: SocketAddr,
}

impl TlsServer {
    fn start(sessions: &str, files: &[&str]) -> Self {
        let mut python = script("tls_server.py");
        python.arg(sessions).args(files).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = python.spawn().expect("PGKEEP_OPENSSL_PYTHON, or python3, is a program");
        let mut line = String::new();
        BufReader::new(python.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (port, version) = line.trim().split_once(' ').expect("a port and a version");
        assert!(version >= "3.5", "OpenSSL {version}");
        Self { addr: SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())), python }
    }

    /// The group that a client with the same OpenSSL agrees on.
    fn group(&self) -> String {
        run(script("tls_client.py").arg(self.addr.port().to_string()), "").success()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.python.stdin.take());
        let _ = self.python.wait();
    }
}

fn script(name: &str) -> Command {
    let mut python = program("PGKEEP_OPENSSL_PYTHON", "python3");
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"));
    python.arg(folder.join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path.display().to_string()
}
