//! The master user on every major version: what the service lets it do, sslinfo first, and the ways
//! out of its instance, all of which are closed.
//!
//! PostgreSQL is the judge: each attempt names the SQLSTATE of its refusal, so that one that fails
//! for another reason (a word misspelt) does not pass for closed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;
mod ways_out;

use groups::{LIMIT, Superuser, create_group, set, wait_applied};
use pgkeep_testkit::{ControlPlane, Instance, Outcome, Psql, for_each_major, run, wait_until};
use ways_out::{RAN, attempts};

for_each_major!(the_master_user_is_no_superuser);

fn the_master_user_is_no_superuser(major: u16) {
    let plane = ControlPlane::start();
    create_group(&plane, "own", &format!("postgres{major}")).unwrap();
    let fields = [("DBName", "orders"), ("DBParameterGroupName", "own")];
    plane.create("db", &major.to_string(), &fields);
    let instance = plane.wait_available("db");

    sslinfo_agrees_with_pg_stat_ssl(&plane, &instance);
    the_service_allows_what_it_allows(&plane, &instance);
    every_way_out_is_closed(&plane, &instance, major);
    no_one_became_more_than_before(&plane, &instance);
    allowed_extensions_are_those_of_the_group(&plane, &instance);
    the_password_can_always_be_reset(&plane, &instance, major);

    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// Statements in one session, each a message of its own.
fn session(psql: &Psql, statements: &[&str]) -> Outcome {
    let mut command = psql.command();
    command.args(["--no-align", "--tuples-only", "--quiet"]);
    command.args(["--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose"]);
    for sql in statements {
        command.args(["--command", sql]);
    }
    run(&mut command, "")
}

fn sslinfo_agrees_with_pg_stat_ssl(plane: &ControlPlane, instance: &Instance) {
    let master = Psql::to(plane, instance);
    master.query("CREATE DATABASE plain");
    master.query("CREATE DATABASE bare TEMPLATE template0");
    for database in ["postgres", "orders", "plain", "bare"] {
        let master = master.clone().with("dbname", database);
        let create = "CREATE EXTENSION sslinfo";
        assert_eq!(session(&master, &[create]).success(), "", "{database}");
        let functions = "SELECT ssl_is_used(), ssl_version(), ssl_cipher(),
                                ssl_client_cert_present(), ssl_client_serial(), ssl_client_dn(),
                                ssl_issuer_dn(), ssl_client_dn_field('CN'), ssl_issuer_field('CN'),
                                (SELECT count(*) FROM ssl_extension_info())";
        let view = "SELECT ssl, version, cipher, false, null, null, null, null, null, 0
                    FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let seen = master.query(functions);
        assert_eq!(seen, master.query(view));
        assert!(seen.starts_with("t|TLSv1.3|TLS_AES_256_GCM_SHA384|f|"), "{seen}");
    }
}

/// But for languages, whose libraries need others that may not be there.
const EVERY_EXTENSION: &str = "BEGIN; DO $$ DECLARE it name; BEGIN
    FOREACH it IN ARRAY '{
      amcheck, autoinc, bloom, btree_gin, btree_gist, citext, cube, dblink, dict_int, dict_xsyn,
      fuzzystrmatch, hstore, insert_username, intagg, intarray, isn, lo, ltree, moddatetime,
      pg_buffercache, pg_freespacemap, pg_prewarm, pg_stat_statements, pg_trgm, pg_visibility,
      pgcrypto, pgrowlocks, pgstattuple, postgres_fdw, refint, seg, sslinfo, tablefunc, tcn,
      tsm_system_rows, tsm_system_time, unaccent, uuid-ossp}'::name[]
    LOOP EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I', it); END LOOP;
  END $$; ROLLBACK";

fn the_service_allows_what_it_allows(plane: &ControlPlane, instance: &Instance) {
    let master = Psql::to(plane, instance).with("dbname", "orders");
    let statements = [
        "CREATE ROLE app LOGIN PASSWORD 'app-password'",
        "GRANT pg_monitor, pg_signal_backend TO app",
        "CREATE SCHEMA AUTHORIZATION CURRENT_USER",
        "CREATE EXTENSION hstore",
        "CREATE EXTENSION cube CASCADE",
        "CREATE EXTENSION IF NOT EXISTS hstore",
        "CREATE EXTENSION pg_stat_statements",
        "CREATE EXTENSION postgres_fdw",
        "SELECT cube(1) <-> cube(2), 'a=>1'::hstore",
        "DROP EXTENSION hstore",
        "DROP EXTENSION cube",
        EVERY_EXTENSION,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
        "SELECT setting FROM pg_settings WHERE name = 'ssl_key_file'",
        "ALTER ROLE CURRENT_USER SET work_mem = '8MB'",
        "DROP ROLE app",
    ];
    session(&master, &statements).success();
}

fn every_way_out_is_closed(plane: &ControlPlane, instance: &Instance, major: u16) {
    let master = Psql::to(plane, instance).with("dbname", "orders");
    master.query("CREATE EXTENSION dblink");
    let socket = master.query("SHOW unix_socket_directories");
    let network = format!("hostaddr={} port={}", instance.address.unwrap(), instance.port);
    let attempts = attempts(&socket, &network);
    let mut open = Vec::new();
    for attempt in &attempts {
        let statements: Vec<_> = attempt.statements.iter().map(String::as_str).collect();
        let outcome = session(&master, &statements);
        let is_closed = !outcome.status.success()
            && !outcome.stderr.contains(RAN)
            && attempt.sqlstates.iter().any(|it| outcome.stderr.contains(&format!(" {it}: ")));
        if !is_closed {
            open.push(format!("{}: {outcome:?}", statements.join("; ")));
        }
    }
    // What a client can open with no statement at all.
    let logins = [
        master.clone().with("user", "rdsadmin"),
        master.clone().with("user", "rdsadmin").with("dbname", "rdsadmin"),
        master.clone().with("user", "rdsadmin").with("sslmode", "disable"),
        master.clone().with("dbname", "rdsadmin"),
        master.clone().with("replication", "true").with("dbname", ""),
        master.clone().with("replication", "database"),
    ];
    for login in logins {
        let refusal = login.refusal();
        let is_closed = [
            "pg_hba.conf",
            "password authentication failed",
            "must be superuser or replication role",
            "permission denied",
        ]
        .iter()
        .any(|words| refusal.contains(words));
        if !is_closed {
            open.push(refusal);
        }
    }
    assert!(
        open.is_empty(),
        "{} of {} on {major}:\n{}",
        open.len(),
        attempts.len(),
        open.join("\n")
    );
}

/// After all of it: one superuser that can log in, and no function that runs as it but pgkeep's.
fn no_one_became_more_than_before(plane: &ControlPlane, instance: &Instance) {
    let server = Superuser::of(plane, instance);
    let sql = "SELECT string_agg(rolname, ',') FROM pg_roles
               WHERE (rolsuper AND rolcanlogin) OR rolreplication OR rolbypassrls";
    assert_eq!(server.query(plane, instance, sql), "rdsadmin");
    // It has a password only while pgkeep logs in.
    let sql = "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'rdsadmin'";
    assert_eq!(server.query(plane, instance, sql), "t");
    let master = Psql::to(plane, instance);
    for database in ["postgres", "orders", "plain", "bare"] {
        let sql = "SELECT proname FROM pg_proc JOIN pg_roles r ON r.oid = proowner
                   WHERE prosecdef AND rolsuper ORDER BY 1";
        let seen = master.clone().with("dbname", database).query(sql);
        assert_eq!(seen, "rds_create_extension_begin\nrds_create_extension_end", "{database}");
    }
}

fn allowed_extensions_are_those_of_the_group(plane: &ControlPlane, instance: &Instance) {
    let few = [("rds.allowed_extensions", "hstore, earthdistance", "immediate")];
    set(plane, "own", &few).unwrap();
    wait_applied(plane, "db");
    let master = Psql::to(plane, instance).with("dbname", "plain");
    session(&master, &["CREATE EXTENSION hstore"]).success();
    for statements in [
        &["CREATE EXTENSION citext"][..],
        // A group allows no more than the service does.
        &["CREATE EXTENSION earthdistance CASCADE"],
        &["SET rds.allowed_extensions = '*'", "CREATE EXTENSION citext"],
    ] {
        let refusal = session(&master, statements).failure();
        assert!(refusal.contains("42501: permission denied to create extension"), "{refusal}");
    }
    let all = [("rds.allowed_extensions", "*", "immediate")];
    set(plane, "own", &all).unwrap();
    wait_applied(plane, "db");
    session(&master, &["CREATE EXTENSION citext"]).success();
}

/// Up to 15 the master user may drop roles, and `postgres` is its own.
fn the_password_can_always_be_reset(plane: &ControlPlane, instance: &Instance, major: u16) {
    let master = Psql::to(plane, instance).with("dbname", "orders");
    master.query("ALTER DATABASE postgres RENAME TO mine");
    let dropped = session(&master, &["DROP ROLE rds_superuser"]);
    assert_eq!(dropped.status.success(), major < 16, "{dropped:?}");
    plane.modify("db", &[("MasterUserPassword", "another-password")]);
    let master = master.with("password", "another-password");
    wait_until("the new password leads in", LIMIT, || {
        let outcome = session(&master, &["SELECT pg_has_role('rds_superuser', 'MEMBER')"]);
        if outcome.stdout == "t" { Ok(()) } else { Err(format!("{outcome:?}")) }
    });
    plane.wait_available("db");
    session(&master, &["CREATE EXTENSION IF NOT EXISTS sslinfo"]).success();
}
