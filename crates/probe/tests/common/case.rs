//! A server that is wrong in some way: what the report must say of it and what it must not, and
//! that the real psql does with every `sslmode` what is foretold.

#![allow(clippy::disallowed_methods, reason = "psql judges by the machine's clock")]

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use pgkeep_probe::report::{self, Basis, Outcome, Prediction, Report, report};
use pgkeep_probe::survey::{Credentials, Plan, survey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::WITHIN;
use super::pki::SERVER_NAME;
use super::server::PASSWORD;

/// The findings of which a machine's OpenSSL decides, not the server's configuration.
const BY_LIBRARY: [&str; 1] = ["group.no_post_quantum"];

/// How many questions in a row a survey may leave open until their time is over, and one more.
const MOST_OPEN: u32 = 5;

/// What is expected of a server.
pub struct Case<'a> {
    what: &'a str,
    /// The name under which clients reach it.
    host: &'a str,
    user: &'a str,
    /// The roots of clients, in PEM.
    roots: &'a str,
    within: Duration,
    findings: Vec<(&'a str, &'a str)>,
    verdict: &'a str,
    unknown: &'a [&'a str],
}

impl<'a> Case<'a> {
    /// A server in order.
    pub fn new(what: &'a str, roots: &'a str) -> Self {
        Self {
            what,
            host: SERVER_NAME,
            user: "admin",
            roots,
            within: WITHIN,
            findings: Vec::new(),
            verdict: "Verify-full works, plaintext is refused.",
            unknown: &[],
        }
    }

    /// The next finding, the gravest first: its id, and a part of what is seen. There must be no
    /// others.
    pub fn finds(mut self, id: &'a str, seen: &'a str) -> Self {
        self.findings.push((id, seen));
        self
    }

    /// The whole in one sentence.
    pub fn says(self, verdict: &'a str) -> Self {
        Self { verdict, ..self }
    }

    pub fn host(self, host: &'a str) -> Self {
        Self { host, ..self }
    }

    pub fn user(self, user: &'a str) -> Self {
        Self { user, ..self }
    }

    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Words of `sslmode` for which nothing is foretold, as what they need was not asked.
    pub fn unknown(self, unknown: &'a [&'a str]) -> Self {
        Self { unknown, ..self }
    }

    /// Asks the server, and holds the report against what is expected and against psql: what is
    /// not so.
    pub async fn hold(&self, addr: SocketAddr) -> Vec<String> {
        let roots: Vec<_> = CertificateDer::pem_slice_iter(self.roots.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        let plan = Plan {
            addr,
            server_name: self.host,
            user: self.user,
            database: "postgres",
            credentials: Credentials { password: Some(PASSWORD), certificate: None },
            within: self.within,
            rate: None,
            fast: false,
        };
        let judged_at = time::OffsetDateTime::now_utc();
        let basis = Basis { server_name: self.host, roots: &roots, system_roots: &[], judged_at };
        // More than the survey's own patience with a server that leaves every question open.
        let asked = tokio::time::timeout(self.within * MOST_OPEN, survey(&plan));
        let Ok(seen) = asked.await else {
            return vec![format!("{}: the survey does not come to its end", self.what)];
        };
        let report = report(&seen, &basis);
        let of_psql = self.hold_psql(addr, &report).await;
        self.hold_report(&report).into_iter().chain(of_psql).collect()
    }

    fn hold_report(&self, report: &Report) -> Option<String> {
        let found = report.findings.iter().filter(|it| !BY_LIBRARY.contains(&it.id));
        let found: Vec<_> = found.map(|it| (it.id, it.seen.as_str())).collect();
        let is_expected = |(seen, expected): (&(&str, &str), &(&str, &str))| {
            seen.0 == expected.0 && seen.1.contains(expected.1)
        };
        let is_all = found.len() == self.findings.len()
            && found.iter().zip(&self.findings).all(is_expected)
            && report.verdict == self.verdict;
        let (what, verdict, failures) = (self.what, &report.verdict, &report.facts.failures);
        (!is_all).then(|| format!("{what}: {found:#?}\n{verdict}\n{failures:#?}"))
    }

    async fn hold_psql(&self, addr: SocketAddr, report: &Report) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.roots).unwrap();
        let of_psql = report.predictions.iter().filter(|it| it.client == "psql");
        let asked: Vec<_> = of_psql
            .map(|foretold| {
                let given = foretold.root == report::Root::Given;
                let root = if given { file.path().to_str().unwrap() } else { "/absent/root.crt" };
                let string = format!(
                    "host={} hostaddr={} port={} user={} dbname=postgres connect_timeout={} \
                     sslmode={} sslrootcert={root}",
                    self.host,
                    addr.ip(),
                    addr.port(),
                    self.user,
                    self.within.as_secs(),
                    foretold.sslmode
                );
                (foretold, tokio::task::spawn_blocking(move || psql(&string)))
            })
            .collect();
        assert_eq!(asked.len(), 12, "{}: six words, with roots and without", self.what);
        let mut wrong = Vec::new();
        for (foretold, seen) in asked {
            let seen = seen.await.unwrap();
            if self.is_wrong(foretold, &seen) {
                wrong.push(format!("{}: {foretold:?}, but psql: {seen:?}", self.what));
            }
        }
        wrong
    }

    fn is_wrong(&self, foretold: &Prediction, seen: &Result<bool, String>) -> bool {
        let expected = match foretold.outcome {
            Outcome::Plaintext => Some(false),
            Outcome::Refused => None,
            Outcome::Unknown => return !self.unknown.contains(&foretold.sslmode),
            Outcome::Verified | Outcome::ChainVerified | Outcome::Unverified => Some(true),
        };
        seen.as_ref().ok().copied() != expected
    }
}

/// What psql does: connected, with TLS or not, or its words.
fn psql(string: &str) -> Result<bool, String> {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "-w", "--command", "\\conninfo", string])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("LC_ALL", "C")
        .env("PGPASSWORD", PASSWORD)
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).contains("SSL connection"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
