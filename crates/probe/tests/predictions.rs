//! What is foretold of psql is what the real psql does, at servers that are wrong in many ways.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    clippy::disallowed_methods,
    dead_code,
    reason = "psql judges by the machine's clock, a test fails by panicking, helpers are shared"
)]

mod common;

use std::process::Command;

use common::WITHIN;
use common::pki::{Leaf, Root, SERVER_NAME};
use common::server::Server;
use pgkeep_probe::report::{self, Basis, Outcome, report};
use pgkeep_probe::survey::{Credentials, Plan, survey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

const TLS_ONLY: &str = "hostssl all all all trust";
const BOTH: &str = "host all all all trust";

/// What psql does: `ok` with TLS or not, or its words.
fn psql(server: &Server, sslmode: &str, root: Option<&str>) -> Result<bool, String> {
    let (ip, port) = (server.addr.ip(), server.addr.port());
    let root = root.unwrap_or("/absent/root.crt");
    let string = format!(
        "host={SERVER_NAME} hostaddr={ip} port={port} user=admin dbname=postgres \
         sslmode={sslmode} sslrootcert={root}"
    );
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let output = Command::new("psql")
        .args(["--no-psqlrc", "-Atw", "--command", query, &string])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    if output.status.success() {
        Ok(output.stdout.starts_with(b"t"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

async fn hold(what: &str, server: &Server, root_pem: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), root_pem).unwrap();
    let roots = [CertificateDer::from_pem_slice(root_pem.as_bytes()).unwrap()];
    let plan = Plan {
        addr: server.addr,
        server_name: SERVER_NAME,
        user: "admin",
        database: "postgres",
        credentials: Credentials::default(),
        within: WITHIN,
        rate: None,
        fast: false,
    };
    let judged_at = time::OffsetDateTime::now_utc();
    let basis = Basis { server_name: SERVER_NAME, roots: &roots, system_roots: &[], judged_at };
    let report = report(&survey(&plan).await, &basis);
    for foretold in report.predictions.iter().filter(|it| it.client == "psql") {
        let given = foretold.root == report::Root::Given;
        let root = given.then(|| file.path().to_str().unwrap());
        let seen = psql(server, foretold.sslmode, root);
        let expected = match foretold.outcome {
            Outcome::Plaintext => Some(false),
            Outcome::Refused => None,
            Outcome::Unknown => panic!("{what}: {foretold:?}"),
            Outcome::Verified | Outcome::ChainVerified | Outcome::Unverified => Some(true),
        };
        assert_eq!(seen.as_ref().ok().copied(), expected, "{what}: {foretold:?}: {seen:?}");
    }
}

#[tokio::test]
async fn psql_does_what_is_foretold() {
    let (root, other) = (Root::new("root"), Root::new("other root"));
    let good = root.issue_leaf(&[SERVER_NAME], 2035);
    let server = Server::start("predictions", &good, TLS_ONLY, "");
    let rsa = root.issue_rsa_leaf(&[SERVER_NAME]);
    let alone = |leaf: &Leaf| Leaf {
        key_pem: leaf.key_pem.clone(),
        chain_pem: leaf
            .chain_pem
            .split_inclusive("-----END CERTIFICATE-----\n")
            .next()
            .unwrap()
            .into(),
        der: leaf.der.clone(),
    };
    let old = "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = 'TLSv1.1'\n\
               ssl_ciphers = 'ALL:@SECLEVEL=0'";
    let only = |suites: &str| {
        format!("ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = '{suites}:@SECLEVEL=0'")
    };
    let (own, wrong) = (root.pem(), other.pem());
    let cases: Vec<(&str, Leaf, &str, String, &str)> = vec![
        ("in order", root.issue_leaf(&[SERVER_NAME], 2035), TLS_ONLY, String::new(), &own),
        ("plaintext", root.issue_leaf(&[SERVER_NAME], 2035), BOTH, String::new(), &own),
        ("another root", root.issue_leaf(&[SERVER_NAME], 2035), BOTH, String::new(), &wrong),
        ("expired", root.issue_leaf(&[SERVER_NAME], 2022), BOTH, String::new(), &own),
        ("wrong name", root.issue_leaf(&["x.test"], 2035), TLS_ONLY, String::new(), &own),
        ("common name", root.issue_leaf(&[], 2035), TLS_ONLY, String::new(), &own),
        ("wildcard", root.issue_leaf(&["*.example.test"], 2035), TLS_ONLY, String::new(), &own),
        ("two labels", root.issue_leaf(&["*.test"], 2035), TLS_ONLY, String::new(), &own),
        ("no intermediate", alone(&rsa), BOTH, String::new(), &own),
        ("TLS 1.1", root.issue_rsa_leaf(&[SERVER_NAME]), BOTH, old.to_owned(), &own),
        ("static RSA", root.issue_rsa_leaf(&[SERVER_NAME]), TLS_ONLY, only("AES256-SHA"), &own),
        ("anonymous", root.issue_rsa_leaf(&[SERVER_NAME]), BOTH, only("aNULL"), &own),
        ("ARIA", root.issue_rsa_leaf(&[SERVER_NAME]), TLS_ONLY, only("ARIA256-GCM-SHA384"), &own),
        ("no TLS", root.issue_leaf(&[SERVER_NAME], 2035), BOTH, "ssl = off".to_owned(), &own),
    ];
    for (what, leaf, hba, settings, root) in cases {
        server.reconfigure(&leaf, hba, &settings);
        hold(what, &server, root).await;
    }
}
