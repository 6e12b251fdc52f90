//! A PostgreSQL server of the distribution, started for one test and gone with it.
//!
//! PostgreSQL cannot be given port 0. So a server has an address of its own in 127.88.0.0/16 with
//! one port, and takes the next address when another process is there. Its log is read line by
//! line: that it is ready, and what a probe leaves behind, are waited for, never slept for.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

use super::pki::Leaf;

/// Where initdb and postgres are, unless the environment names another folder.
const BIN: (&str, &str) = ("PGKEEP_TEST_POSTGRES_BIN", "/usr/lib/postgresql/15/bin");
const PORT: u16 = 5488;
const PATIENCE: Duration = Duration::from_secs(30);
const READY: &str = "database system is ready to accept connections";
const RELOADED: &str = "received SIGHUP, reloading configuration files";

/// The password of the roles `admin` and `elder`, of which the latter has an md5 hash.
pub const PASSWORD: &str = "right";
/// OpenSSL's configuration of a server that takes weak keys and signatures too.
const OPENSSL_CONF: &str = "openssl.cnf";
const LENIENT: &str = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n\
                       CipherString = DEFAULT:@SECLEVEL=0\n";

pub struct Server {
    pub addr: SocketAddr,
    postmaster: Child,
    log: Receiver<String>,
    dir: TempDir,
}

impl Server {
    /// Starts a server that serves `leaf` with these lines of `pg_hba.conf` and postgresql.conf.
    pub fn start(test: &str, leaf: &Leaf, hba: &str, settings: &str) -> Self {
        Self::start_with(test, leaf, hba, settings, false)
    }

    /// The same with a security level of OpenSSL that takes everything.
    pub fn start_lenient(test: &str, leaf: &Leaf, hba: &str, settings: &str) -> Self {
        Self::start_with(test, leaf, hba, settings, true)
    }

    fn start_with(test: &str, leaf: &Leaf, hba: &str, settings: &str, lenient: bool) -> Self {
        let dir = tempfile::Builder::new().prefix("pgkeep-probe-").tempdir().unwrap();
        own(dir.path());
        let data = dir.path().join("data");
        let initdb = command("initdb")
            .args(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "-U", "admin"])
            .arg("-D")
            .arg(&data)
            .output()
            .unwrap();
        assert!(initdb.status.success(), "{}", String::from_utf8_lossy(&initdb.stderr));
        write_owned(&dir.path().join(OPENSSL_CONF), LENIENT);
        for attempt in 0..20 {
            let addr = address(test, attempt);
            write_config(dir.path(), addr, hba, settings);
            write_certificate(dir.path(), leaf);
            if let Some((postmaster, log)) = launch(dir.path(), lenient) {
                return Self { addr, postmaster, log, dir };
            }
        }
        panic!("no address of 127.88.0.0/16 is free");
    }

    /// A file in the server's folder, which its settings can name: its path.
    #[allow(dead_code, reason = "not every test has one")]
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        write_owned(&path, text);
        path
    }

    /// Replaces the configuration and the certificate, and waits until they are read: the
    /// postmaster accepts no connection between the line that announces a reload and its end.
    /// What the reload itself logs is swallowed by a second one.
    pub fn reconfigure(&self, leaf: &Leaf, hba: &str, settings: &str) {
        write_config(self.dir.path(), self.addr, hba, settings);
        write_certificate(self.dir.path(), leaf);
        self.drain_log();
        self.drain_log();
    }

    /// The lines that the server wrote since the last call. A reload is the mark up to which to
    /// read: what connections wrote before it, now closed, precedes it.
    pub fn drain_log(&self) -> Vec<String> {
        self.signal("-HUP");
        let mut lines = Vec::new();
        loop {
            let line = self.log.recv_timeout(PATIENCE).expect("the server reloads");
            if line.contains(RELOADED) {
                break;
            }
            lines.push(line);
        }
        lines
    }

    /// Gives the roles `admin` and `elder` their password.
    pub fn set_passwords(&self) {
        let port = self.addr.port().to_string();
        let socket = self.dir.path().to_str().unwrap();
        let sql = format!(
            "ALTER ROLE admin PASSWORD '{PASSWORD}'; SET password_encryption = 'md5'; \
             CREATE ROLE elder LOGIN PASSWORD '{PASSWORD}'"
        );
        let output = command("psql")
            .args(["-Xqh", socket, "-p", &port, "-U", "admin", "-d", "postgres", "-c", &sql])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn signal(&self, signal: &str) {
        let pid = self.postmaster.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("-INT");
        let _ = self.postmaster.wait();
    }
}

/// Starts the postmaster and waits until it is ready; `None` where its address is taken.
fn launch(dir: &Path, lenient: bool) -> Option<(Child, Receiver<String>)> {
    let mut postgres = command("postgres");
    if lenient {
        postgres.env("OPENSSL_CONF", dir.join(OPENSSL_CONF));
    }
    let mut postmaster = postgres
        .arg("-D")
        .arg(dir.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(postmaster.stderr.take().unwrap());
    let (sender, log) = channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut lines = Vec::new();
    while let Ok(line) = log.recv_timeout(PATIENCE) {
        if line.contains(READY) {
            return Some((postmaster, log));
        }
        lines.push(line);
    }
    let _ = postmaster.kill();
    let _ = postmaster.wait();
    let taken = lines.iter().any(|line| line.contains("Address already in use"));
    assert!(taken, "the server does not start: {lines:#?}");
    None
}

fn write_config(dir: &Path, addr: SocketAddr, hba: &str, settings: &str) {
    let fixed = format!(
        "listen_addresses = '{}'\nport = {}\nunix_socket_directories = '{}'\nfsync = off\n\
         shared_buffers = '16MB'\nlc_messages = 'C'\nssl = on\n",
        addr.ip(),
        addr.port(),
        dir.display(),
    );
    let data = dir.join("data");
    write_owned(&data.join("postgresql.conf"), &(fixed + settings + "\n"));
    write_owned(&data.join("pg_hba.conf"), &format!("local all all trust\n{hba}\n"));
}

fn write_certificate(dir: &Path, leaf: &Leaf) {
    write_owned(&dir.join("data/server.crt"), &leaf.chain_pem);
    write_owned(&dir.join("data/server.key"), &leaf.key_pem);
}

fn write_owned(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    own(path);
}

/// PostgreSQL refuses to run as root: it then runs as the distribution's `postgres`.
fn server_user() -> Option<(u32, u32)> {
    let id = |args: &[&str]| {
        let output = Command::new("id").args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

fn own(path: &Path) {
    if let Some((uid, gid)) = server_user() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}

fn command(program: &str) -> Command {
    let bin = std::env::var_os(BIN.0).map_or_else(|| PathBuf::from(BIN.1), PathBuf::from);
    let mut command = Command::new(bin.join(program));
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/").env("LC_ALL", "C").env_remove("PGDATA");
    command
}

/// An address by process, test and attempt.
fn address(test: &str, attempt: u32) -> SocketAddr {
    let mut hasher = DefaultHasher::new();
    (std::process::id(), test, attempt).hash(&mut hasher);
    let [high, low, ..] = hasher.finish().to_be_bytes();
    SocketAddr::from(([127, 88, high, low.clamp(1, 254)], PORT))
}
