//! Every command of the reference page (*Using SSL with a PostgreSQL DB instance*), typed as the
//! master user on 10, 13, 16 and 18, beside what the page shows for it. The result is
//! `docs/reference-page.md`; a difference without an explanation fails the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;
mod reference_page;

use std::fs;
use std::thread;
use std::time::Duration;

use groups::{create_group, set};
use pgkeep_testkit::{ControlPlane, Instance, Psql, hold_page, run, wait_until};
use reference_page::{MAJORS, Seen, render};

/// A client that offers the one suite which the page's own client got.
const PAGES_CLIENT: &str = "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\n\
                            system_default = old\n[old]\nMaxProtocol = TLSv1.2\n\
                            CipherString = DHE-RSA-AES256-SHA\n";

#[test]
fn the_commands_of_the_page() {
    let plane = ControlPlane::start();
    let seen = thread::scope(|scope| {
        let one = |major| {
            scope.spawn({
                let plane = &plane;
                move || look(plane, major)
            })
        };
        MAJORS.map(one).map(|thread| thread.join().unwrap())
    });
    plane.assert_clean();
    hold_page("reference-page.md", &render(&seen));
}

/// Types everything, on one major version.
fn look(plane: &ControlPlane, major: u16) -> Seen {
    let (name, group) = (format!("db{major}"), format!("ssl{major}"));
    // The page's way: a custom group with rds.force_ssl, chosen when the DB instance is created.
    create_group(plane, &group, &format!("postgres{major}")).unwrap();
    set(plane, &group, &[("rds.force_ssl", "1", "immediate")]).unwrap();
    plane.create(&name, &major.to_string(), &[("DBParameterGroupName", &group)]);
    let instance = plane.wait_available(&name);
    let master = Psql::to(plane, &instance);
    let root = plane.data_directory().join("bundles/rds-ca-rsa2048-g1.pem");
    let master = master.with("sslrootcert", &root.display().to_string());

    // Where the kernel gives pgkeep's user no view of its own, servers show the folder's real path.
    let folder = plane.data_directory().join("instances").join(&instance.resource_id);
    let mut doctor = plane.command("doctor");
    let doctor = run(doctor.arg("--hosts-file").arg(plane.hosts_file()), "").stdout;
    let has_view = doctor.contains("view: servers see");
    let rows = |sql: &str| -> Vec<Vec<String>> {
        let mut text = master.query(sql);
        if !has_view {
            text = text.replace(&folder.display().to_string(), "/rdsdbdata");
        }
        text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
    };
    // It is opened once the instance is available.
    wait_until("rdsadmin's own session is there", Duration::from_mins(1), || {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE usename = 'rdsadmin' AND client_addr IS NOT NULL";
        let count = master.query(sql);
        if count == "1" { Ok(()) } else { Err(count) }
    });
    let seen = Seen {
        banner: banner(&master),
        refusal: refusal(&master, &instance),
        extension: master.query("CREATE EXTENSION sslinfo"),
        is_used: master.query("SELECT ssl_is_used()"),
        settings: rows(
            "SELECT name as \"Parameter name\", setting as value, short_desc \
             FROM pg_settings WHERE name LIKE '%ssl%'",
        ),
        sessions: rows(
            "SELECT datname as \"Database name\", usename as \"User name\", ssl, client_addr, \
             application_name, backend_type FROM pg_stat_ssl JOIN pg_stat_activity \
             ON pg_stat_ssl.pid = pg_stat_activity.pid ORDER BY ssl",
        ),
        cipher: master.query("SELECT ssl_cipher()"),
        pages_cipher: pages_cipher(plane, &master, &name),
    };
    plane.delete(&name);
    plane.wait_deleted(&name);
    seen
}

/// What a terminal shows, from `SSL connection` to the end of the cipher.
fn banner(master: &Psql) -> String {
    let shown = master.banner();
    let line = shown.lines().find(|line| line.contains("SSL connection")).unwrap().to_owned();
    // What else the line says depends on the release of psql.
    line.trim().split(", ").take(2).collect::<Vec<_>>().join(", ") + ", …)"
}

fn refusal(master: &Psql, instance: &Instance) -> String {
    let other = master.clone().with("user", "testuser").with("dbname", "testDB");
    let words = other.with("sslmode", "disable").refusal();
    let address = instance.address.unwrap().to_string();
    let (_, fatal) = words.trim().split_once("FATAL:").unwrap();
    let host = fatal.split('"').nth(1).unwrap();
    assert!(host.starts_with("127."), "{address}: {words}");
    format!("FATAL: {}", fatal.trim().replace(host, "w.x.y.z"))
}

fn pages_cipher(plane: &ControlPlane, master: &Psql, name: &str) -> String {
    let configuration = plane.desk().join(format!("{name}.cnf"));
    fs::write(&configuration, PAGES_CLIENT).unwrap();
    let mut command = master.command();
    command.env("OPENSSL_CONF", configuration).args(["--no-align", "--tuples-only"]);
    run(command.args(["--command", "SELECT ssl_cipher()"]), "").success()
}
