//! PostgreSQL by hand: what pgkeep's own start is compared with.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::{Endpoint, PASSWORD, trust};
use super::until;
use crate::os_user::OsUser;
use crate::workspace::run;

const HOST: &str = "bench.localhost";
const START_LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(1);

/// An engine's programs, and what its servers need ready made.
pub(super) struct Workbench {
    user: OsUser,
    bin: PathBuf,
    folder: TempDir,
    tls: MakeRustlsConnect,
    endpoint: Endpoint,
}

/// A data directory whose server ends, and which goes, with this.
pub(super) struct Server<'a> {
    workbench: &'a Workbench,
    data: PathBuf,
    child: Option<Child>,
}

impl Workbench {
    /// Makes a certificate for the server's name, and the file with the password.
    pub(super) fn new(user: &OsUser, bin: &Path) -> Result<Self> {
        let folder = user.folder()?;
        let path = folder.path().join("certificate.pem");
        fs::write(folder.path().join("password"), PASSWORD)?;
        let mut openssl = user.command("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes"]);
        certificate(&mut openssl, &folder.path().join("key.pem"), &path)?;
        let tls = trust(&path)?;
        // Apart from the range of pgkeep's own instances. The server binds it, and says so where
        // another has it.
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = IpAddr::from(Ipv4Addr::new(127, 78, high, low | 1));
        let endpoint = Endpoint { host: HOST.to_owned(), address, user: "bench" };
        Ok(Self { user: user.clone(), bin: bin.to_owned(), folder, tls, endpoint })
    }

    /// Where its servers are, and the certificate to trust.
    pub(super) fn public(&self) -> (&Endpoint, PathBuf) {
        (&self.endpoint, self.folder.path().join("certificate.pem"))
    }

    /// Initialises a data directory, with the options of pgkeep's own and TLS.
    pub(super) fn init(&self) -> Result<Server<'_>> {
        let server = Server { workbench: self, data: self.folder.path().join("data"), child: None };
        let mut initdb = self.user.command(self.bin.join("initdb"));
        initdb.arg("--pgdata").arg(&server.data).args(["--username", self.endpoint.user]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "--data-checksums"]);
        initdb.args(["--auth=scram-sha-256", "--pwfile"]);
        initdb.arg(self.folder.path().join("password"));
        run(initdb.stdout(Stdio::null()))?;
        Ok(server)
    }
}

/// Has `openssl req -x509` make a key and a certificate for the server's name.
fn certificate(openssl: &mut Command, key: &Path, path: &Path) -> Result<()> {
    openssl.args(["-days", "2", "-subj"]).arg(format!("/CN={HOST}")).arg("-addext");
    openssl.arg(format!("subjectAltName=DNS:{HOST}"));
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]);
    run(openssl.arg(key).arg("-out").arg(path).stderr(Stdio::null()))
}

impl Server<'_> {
    /// Starts the server as its own child, and waits for the first verified query.
    pub(super) async fn start_bare(&mut self) -> Result<()> {
        let mut postgres = self.workbench.user.command(self.workbench.bin.join("postgres"));
        postgres.arg("-D").arg(&self.data).args(self.settings());
        let log = fs::File::create(self.workbench.folder.path().join("bare.log"))?;
        self.child = Some(postgres.stderr(log).spawn().context("cannot start postgres")?);
        self.first_query().await
    }

    /// Starts the server with `pg_ctl`, and waits for the first verified query.
    pub(super) async fn start_with_pg_ctl(&self) -> Result<()> {
        let mut pg_ctl = self.pg_ctl();
        pg_ctl.arg("--log").arg(self.workbench.folder.path().join("log"));
        pg_ctl.args(["--no-wait", "--options", &self.settings().join(" "), "start"]);
        run(&mut pg_ctl)?;
        self.first_query().await
    }

    /// Makes the server require TLS, or not, and waits for the first connection without it that
    /// is treated so.
    pub(super) async fn force_ssl(&self, on: bool) -> Result<()> {
        let kind = if on { "hostssl" } else { "host" };
        fs::write(self.data.join("pg_hba.conf"), format!("{kind} all all all scram-sha-256\n"))?;
        run(self.pg_ctl().arg("reload"))?;
        until(START_LIMIT, PAUSE, || async {
            let let_in = self.workbench.endpoint.lets_plaintext_in().await?;
            ensure!(let_in != on, "without TLS it is let in: {let_in}");
            Ok(())
        })
        .await
    }

    /// Has the server log each connection, or not.
    pub(super) fn log_connections(&self, on: bool) -> Result<()> {
        fs::write(self.data.join("postgresql.auto.conf"), format!("log_connections = {on}\n"))?;
        run(self.pg_ctl().arg("reload"))
    }

    /// Gives the server a new key and certificate as one would by hand, and waits until a client
    /// that trusts nothing else is let in.
    pub(super) async fn replace_certificate(&self, number: usize) -> Result<()> {
        let folder = self.workbench.folder.path();
        let file = |end: &str| folder.join(format!("{number}-{end}"));
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes"];
        let mut openssl = self.workbench.user.command("openssl");
        certificate(openssl.args(["req", "-x509"]).args(key), &file("key.pem"), &file("new.pem"))?;
        let tls = trust(&file("new.pem"))?;
        fs::rename(file("key.pem"), folder.join("key.pem"))?;
        fs::rename(file("new.pem"), folder.join("certificate.pem"))?;
        run(self.pg_ctl().arg("reload"))?;
        until(START_LIMIT, PAUSE, || self.workbench.endpoint.query(&tls)).await
    }

    async fn first_query(&self) -> Result<()> {
        let Workbench { endpoint, tls, .. } = self.workbench;
        until(START_LIMIT, PAUSE, || endpoint.query(tls)).await
    }

    fn settings(&self) -> Vec<String> {
        let folder = self.workbench.folder.path().display();
        let settings = [
            format!("listen_addresses={}", self.workbench.endpoint.address),
            "unix_socket_directories=".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={folder}/certificate.pem"),
            format!("ssl_key_file={folder}/key.pem"),
        ];
        settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
    }

    fn pg_ctl(&self) -> Command {
        let mut pg_ctl = self.workbench.user.command(self.workbench.bin.join("pg_ctl"));
        pg_ctl.arg("--pgdata").arg(&self.data).stdout(Stdio::null());
        pg_ctl
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        if self.data.join("postmaster.pid").exists() {
            let _ = run(self.pg_ctl().args(["--mode", "immediate", "stop"]));
        }
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.data);
    }
}
