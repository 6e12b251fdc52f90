//! Every major version, with the clients that people have: what `verify-full` lets in and what it
//! keeps out, plaintext by PostgreSQL's own words, the roles and settings of the service, JDBC.
//!
//! The wire is judged by libpq, pgjdbc and the server's own views, never by pgkeep.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs;
use std::path::Path;

use pgkeep_testkit::{
    ControlPlane, Instance, MASTER_PASSWORD, MASTER_USERNAME, Outcome, Psql, for_each_major,
    program, run,
};

for_each_major!(every_major_serves_as_it_should);

fn every_major_serves_as_it_should(major: u16) {
    let plane = ControlPlane::start();
    plane.create("db", &major.to_string(), &[("DBName", "orders")]);
    let instance = plane.wait_available("db");
    assert_eq!(instance.version.split('.').next(), Some(&*major.to_string()));

    verify_full_lets_the_right_server_in(&plane, &instance);
    the_banner_shows_tls(&plane, &instance);
    everything_false_is_kept_out(&plane, &instance);
    plaintext_is_judged_by_the_version(&plane, &instance, major);
    roles_are_those_of_the_service(&plane, &instance, major);
    settings_are_the_defaults_of_the_version(&plane, &instance, major);
    jdbc_verifies_too(&plane, &instance);

    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

fn verify_full_lets_the_right_server_in(plane: &ControlPlane, instance: &Instance) {
    let own = "SELECT ssl, version, cipher, bits FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let seen = Psql::to(plane, instance).query(own);
    assert_eq!(seen, "t|TLSv1.3|TLS_AES_256_GCM_SHA384|256");
    let older = Psql::to(plane, instance).with("ssl_max_protocol_version", "TLSv1.2").query(own);
    assert_eq!(older, "t|TLSv1.2|ECDHE-RSA-AES256-GCM-SHA384|256");
    // The bundle of the one authority that signed is enough, as in the page's own example.
    let own_root = plane.authority("rds-ca-rsa2048-g1");
    let path = own_root.display().to_string();
    assert_eq!(Psql::to(plane, instance).with("sslrootcert", &path).query(own), seen);
    assert_eq!(Psql::to(plane, instance).with("dbname", "orders").query(own), seen);
}

fn the_banner_shows_tls(plane: &ControlPlane, instance: &Instance) {
    let shown = Psql::to(plane, instance).banner();
    let banner = "SSL connection (protocol: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384";
    assert!(shown.contains(banner), "{shown}");
}

fn everything_false_is_kept_out(plane: &ControlPlane, instance: &Instance) {
    let right = Psql::to(plane, instance);
    let wrong_host = right.clone().with("host", "db.example.com").refusal();
    assert!(
        wrong_host.contains(&format!(
            "server certificate for \"{}\" does not match host name \"db.example.com\"",
            instance.endpoint
        )),
        "{wrong_host}"
    );
    for roots in [plane.namesake("rds-ca-rsa2048-g1"), plane.authority("rds-ca-ecc384-g1")] {
        for mode in ["verify-full", "verify-ca"] {
            let path = roots.display().to_string();
            let refusal = right.clone().with("sslrootcert", &path).with("sslmode", mode).refusal();
            assert!(refusal.contains("certificate verify failed"), "{path} {mode}: {refusal}");
        }
    }
    let absent = right.with("sslrootcert", "/absent/root.pem").refusal();
    assert!(absent.contains("root certificate file \"/absent/root.pem\" does not exist"));
}

fn plaintext_is_judged_by_the_version(plane: &ControlPlane, instance: &Instance, major: u16) {
    let plain = Psql::to(plane, instance).with("sslmode", "disable");
    if major < 15 {
        let own = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert_eq!(plain.query(own), "f");
        return;
    }
    let refusal = plain.refusal();
    let words = format!(
        "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"{MASTER_USERNAME}\", \
         database \"postgres\", no encryption"
    );
    assert!(refusal.contains(&words), "{refusal}");
}

fn roles_are_those_of_the_service(plane: &ControlPlane, instance: &Instance, major: u16) {
    let psql = Psql::to(plane, instance);
    let master = psql.query(&format!(
        "SELECT rolcanlogin, rolsuper, rolinherit, rolcreatedb, rolcreaterole, rolreplication,
                rolbypassrls, rolvaliduntil
         FROM pg_roles WHERE rolname = '{MASTER_USERNAME}'"
    ));
    assert_eq!(master, "t|f|t|t|t|f|f|infinity");
    let members = psql.query(
        "SELECT member.rolname || ' in ' || role.rolname
         FROM pg_auth_members
         JOIN pg_roles role ON role.oid = roleid JOIN pg_roles member ON member.oid = member
         WHERE member.rolname !~ '^pg_' AND member.rolname <> 'rdsadmin' ORDER BY 1",
    );
    let expected = format!(
        "{MASTER_USERNAME} in rds_superuser\n\
         rds_superuser in pg_monitor\n\
         rds_superuser in pg_signal_backend\n\
         rds_superuser in rds_password\n\
         rds_superuser in rds_replication"
    );
    assert_eq!(members, expected);
    let service = psql.query(
        "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname ~ '^rds' ORDER BY 1",
    );
    let expected = "rds_iam|f|f\nrds_password|f|f\nrds_replication|f|f\nrds_superuser|f|f\n\
                    rdsadmin|t|t";
    assert_eq!(service, expected);
    let owners = psql.query(
        "SELECT datname, pg_get_userbyid(datdba) FROM pg_database
         WHERE NOT datistemplate ORDER BY 1",
    );
    let expected =
        format!("orders|{MASTER_USERNAME}\npostgres|{MASTER_USERNAME}\nrdsadmin|rdsadmin");
    assert_eq!(owners, expected);

    let state = if major < 14 { "SSL on" } else { "SSL encryption" };
    for (user, database) in [("rdsadmin", "postgres"), (MASTER_USERNAME, "rdsadmin")] {
        let refusal = psql.clone().with("user", user).with("dbname", database).refusal();
        let words = format!(
            "FATAL:  pg_hba.conf rejects connection for host \"127.0.0.1\", user \"{user}\", \
             database \"{database}\", {state}"
        );
        assert!(refusal.contains(&words), "{refusal}");
    }
    let wrong = psql.with("password", "wrong-password").refusal();
    assert!(wrong.contains("password authentication failed for user"), "{wrong}");
}

fn settings_are_the_defaults_of_the_version(plane: &ControlPlane, instance: &Instance, major: u16) {
    let psql = Psql::to(plane, instance);
    let show = |name: &str| psql.query(&format!("SHOW {name}"));
    assert_eq!(show("server_version").split(' ').next(), Some(&*instance.version));
    assert_eq!(show("server_encoding"), "UTF8");
    assert_eq!(show("data_checksums"), "on");
    assert_eq!(show("ssl"), "on");
    // The releases of 10 and 11 that pgkeep has are behind 10.9 and 11.4, where the list changed.
    let ciphers = if major < 12 { "HIGH:MEDIUM:+3DES:!aNULL:!RC4" } else { "HIGH:!aNULL:!3DES" };
    assert_eq!(show("ssl_ciphers"), ciphers);
    assert_eq!(show("rds.force_ssl"), if major < 15 { "0" } else { "1" });
    assert_eq!(show("password_encryption"), if major < 14 { "md5" } else { "scram-sha-256" });
    if major >= 12 {
        assert_eq!(show("ssl_min_protocol_version"), "TLSv1.2");
    }
}

fn jdbc_verifies_too(plane: &ControlPlane, instance: &Instance) {
    let right = jdbc(plane, instance, &plane.bundle()).success();
    assert_eq!(right, "t TLSv1.3 TLS_AES_256_GCM_SHA384");
    let wrong = jdbc(plane, instance, &plane.namesake("rds-ca-rsa2048-g1")).failure();
    assert!(wrong.contains("PKIX path"), "{wrong}");
}

/// `ssl=true` verifies chain and host name. The name is resolved through the instance's own hosts
/// file, as every JVM program's can be.
fn jdbc(plane: &ControlPlane, instance: &Instance, roots: &Path) -> Outcome {
    let jar = std::env::var("PGKEEP_JDBC_JAR");
    let jar = jar.unwrap_or_else(|_| "/usr/share/java/postgresql.jar".to_owned());
    assert!(fs::exists(&jar).unwrap(), "this test needs pgjdbc: {jar}, or PGKEEP_JDBC_JAR");
    let url = format!(
        "jdbc:postgresql://{}:{}/postgres?ssl=true&sslrootcert={}",
        instance.endpoint,
        instance.port,
        roots.display()
    );
    let mut java = program("PGKEEP_JAVA", "java");
    java.arg(format!("-Djdk.net.hosts.file={}", plane.hosts_file().display()))
        .args(["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", &jar])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/Jdbc.java"))
        .args([&url, MASTER_USERNAME])
        .env("PGPASSWORD", MASTER_PASSWORD);
    run(&mut java, "")
}
