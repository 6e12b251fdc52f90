//! Snippets, run as `pgkeep snippets` prints them: each must connect with TLS, and must refuse a
//! wrong root and a wrong name put in its place.

use std::fs;

use pgkeep_testkit::{ControlPlane, Instance, Outcome, run};

use super::cells::{Column, wrong_host};
use super::clients::{CLIENTS, Client};
use super::servers::Servers;

/// A snippet as the page shows it.
#[derive(Debug)]
pub(crate) struct Snippet {
    pub(crate) client: &'static str,
    /// For the mark-down fence.
    pub(crate) language: &'static str,
    pub(crate) text: String,
}

/// Runs all of them, against the newest major version with `rds.force_ssl` on and an RSA key as the
/// wrong root has one.
pub(crate) fn assert_all_verify(plane: &ControlPlane, servers: &Servers) -> Vec<Snippet> {
    CLIENTS.iter().map(|client| assert_verifies(plane, servers, client)).collect()
}

fn assert_verifies(plane: &ControlPlane, servers: &Servers, client: &Client) -> Snippet {
    let is_it = |column: &Column| column.name() == "18-rsa2048-1";
    let (column, instance) = servers.all.iter().find(|(column, _)| is_it(column)).unwrap();
    let mut command = plane.command("snippets");
    command.args([&instance.identifier, "--driver", client.name]);
    let text = run(&mut command, "").success() + "\n";
    let bundle = plane.data_directory().join("global-bundle.pem");
    let bundle = fs::canonicalize(bundle).unwrap().display().to_string();
    assert!(text.contains(&bundle) && text.contains(&instance.endpoint), "{text}");

    let right = run_snippet(plane, servers, client, &text).success();
    assert!(right.contains("TLSv1.3"), "{}: {right}", client.name);
    let wrong_root = servers.root(*column, "wrong").unwrap().display().to_string();
    let changes = [(&*bundle, &*wrong_root), (&*instance.endpoint, &*wrong_host(instance))];
    for (right, wrong) in changes {
        let outcome = run_snippet(plane, servers, client, &text.replace(right, wrong));
        let said = outcome.stdout.clone() + &outcome.clone().failure();
        assert!(!said.contains("TLSv1"), "{}: {said}", client.name);
        let is_of_tls = ["certificate", "PKIX", "altnames", "hostname", "x509"];
        let is_it = |word: &&str| said.to_lowercase().contains(&word.to_lowercase());
        assert!(is_of_tls.iter().any(is_it), "{}: {said}", client.name);
    }
    Snippet {
        client: client.name,
        language: client.language,
        text: example(instance, &bundle, &text),
    }
}

fn run_snippet(plane: &ControlPlane, servers: &Servers, client: &Client, text: &str) -> Outcome {
    let source = plane.desk().join(format!("{}{}", client.name, client.extension()));
    fs::write(&source, text).unwrap();
    run(client.command(servers, &source).envs(exports(text)), "")
}

/// The variables that a snippet's comment sets: Rust's are compiled beforehand, so that all that
/// is of the instance lies in them.
fn exports(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("// export "));
    let pairs = lines.map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

/// With the names of an example.
fn example(instance: &Instance, bundle: &str, text: &str) -> String {
    text.replace(&instance.endpoint, "orders.cb2hvmntsejg.us-east-1.rds.localhost")
        .replace(bundle, "/var/lib/pgkeep/global-bundle.pem")
        .replace(pgkeep_testkit::MASTER_USERNAME, "app")
}
