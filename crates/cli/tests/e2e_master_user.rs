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

use groups::{Superuser, create_group, set, wait_applied};
use pgkeep_testkit::{ControlPlane, Instance, Outcome, Psql, for_each_major, run};

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

fn the_service_allows_what_it_allows(plane: &ControlPlane, instance: &Instance) {
    let master = Psql::to(plane, instance).with("dbname", "orders");
    let statements = [
        "CREATE ROLE app LOGIN PASSWORD 'app-password'",
        "GRANT pg_monitor, pg_signal_backend TO app",
        "CREATE SCHEMA AUTHORIZATION CURRENT_USER",
        "CREATE EXTENSION hstore",
        "CREATE EXTENSION earthdistance CASCADE",
        "CREATE EXTENSION IF NOT EXISTS hstore",
        "CREATE EXTENSION pg_stat_statements",
        "CREATE EXTENSION postgres_fdw",
        "SELECT earth_distance(ll_to_earth(1, 2), ll_to_earth(3, 4)), 'a=>1'::hstore",
        "DROP EXTENSION hstore",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
        "SELECT setting FROM pg_settings WHERE name = 'ssl_key_file'",
        "ALTER ROLE CURRENT_USER SET work_mem = '8MB'",
        "DROP ROLE app",
    ];
    session(&master, &statements).success();
}

/// What is tried, and how PostgreSQL refuses it.
struct Attempt {
    statements: Vec<String>,
    sqlstates: &'static [&'static str],
}

/// `insufficient_privilege`.
const DENIED: &[&str] = &["42501"];
/// `prohibited_sql_statement_attempted`: a connection without a password of its own.
const NO_PASSWORD: &[&str] = &["2F003"];
/// The same, or `sqlclient_unable_to_establish_sqlconnection`: the server refused the password.
const WRONG_PASSWORD: &[&str] = &["2F003", "08001"];

/// What PostgreSQL denies for want of a privilege.
const DENIED_STATEMENTS: &[&str] = &[
    // More than the master user.
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "CREATE ROLE evil SUPERUSER",
    "ALTER ROLE CURRENT_USER REPLICATION",
    "CREATE ROLE evil REPLICATION",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "UPDATE pg_authid SET rolsuper = true",
    "SELECT rolpassword FROM pg_authid",
    // Being rdsadmin, or without it.
    "SET ROLE rdsadmin",
    "SET SESSION AUTHORIZATION rdsadmin",
    "GRANT rdsadmin TO CURRENT_USER",
    "ALTER ROLE rdsadmin PASSWORD 'mine'",
    "ALTER ROLE rdsadmin RENAME TO mine",
    "ALTER ROLE rdsadmin SET search_path = orders",
    "DROP ROLE rdsadmin",
    "REASSIGN OWNED BY rdsadmin TO CURRENT_USER",
    "ALTER DATABASE rdsadmin OWNER TO CURRENT_USER",
    "DROP DATABASE rdsadmin",
    // The machine's files and programs.
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY pg_class FROM PROGRAM 'true'",
    "COPY pg_class FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/pgkeep-escape'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(lo_create(0), '/tmp/pgkeep-escape')",
    "CREATE TABLESPACE evil LOCATION '/tmp'",
    "LOAD '/lib/x86_64-linux-gnu/libc.so.6'",
    "CREATE FUNCTION evil() RETURNS int LANGUAGE c AS 'libc', 'getpid'",
    "CREATE FUNCTION evil() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    // The server's configuration and its clients.
    "ALTER SYSTEM SET rds.force_ssl = '0'",
    "ALTER SYSTEM SET ssl = off",
    "SELECT pg_reload_conf()",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_file_settings",
    "ALTER ROLE ALL SET rds.force_ssl = '0'",
    "ALTER DATABASE orders SET rds.force_ssl = '0'",
    "ALTER ROLE CURRENT_USER SET rds.allowed_extensions = '*'",
    "SET session_replication_role = replica",
    "SET log_statement = 'none'",
    "SELECT pg_create_physical_replication_slot('evil')",
    "CREATE SUBSCRIPTION evil CONNECTION 'user=rdsadmin' PUBLICATION evil",
    // Extensions, and what lets the master user create them.
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION pageinspect",
    "CREATE EXTENSION IF NOT EXISTS xml2",
    "ALTER EVENT TRIGGER rds_create_extension_end DISABLE",
    "DROP EVENT TRIGGER rds_create_extension_end",
    "DROP FUNCTION pg_catalog.rds_create_extension_end() CASCADE",
    "DROP EXTENSION plpgsql CASCADE",
    "ALTER EXTENSION sslinfo ADD FUNCTION pg_read_file(text)",
    "CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
     CREATE EVENT TRIGGER evil ON ddl_command_start EXECUTE PROCEDURE evil()",
    "BEGIN; CREATE EXTENSION hstore; ALTER ROLE CURRENT_USER SUPERUSER",
    "DO $$ BEGIN
       BEGIN CREATE EXTENSION file_fdw; EXCEPTION WHEN insufficient_privilege THEN END;
       ALTER ROLE CURRENT_USER SUPERUSER;
     END $$",
];

fn attempts(socket: &str, network: &str) -> Vec<Attempt> {
    let one = |sql: &str, sqlstates| Attempt { statements: vec![sql.to_owned()], sqlstates };
    let mut attempts: Vec<_> = DENIED_STATEMENTS.iter().map(|sql| one(sql, DENIED)).collect();
    for role in ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"] {
        // 10 has none of them.
        let grant = format!("GRANT {role} TO CURRENT_USER");
        attempts.push(one(&grant, &["42501", "42704"]));
    }
    // An untrusted language is refused, unless its library is not even there.
    for language in ["plperlu", "plpython3u", "pltclu"] {
        let create = format!("CREATE EXTENSION {language}");
        attempts.push(one(&create, &["42501", "58P01", "0A000"]));
    }
    let socket_server = format!("host={socket}");
    // Over the network the server itself refuses a password that is wrong.
    for (server, sqlstates) in [(&*socket_server, NO_PASSWORD), (network, WRONG_PASSWORD)] {
        let target = format!("{server} user=rdsadmin dbname=rdsadmin");
        for function in ["dblink_connect", "dblink_connect_u"] {
            for more in ["", " password=guess"] {
                let connect = format!("SELECT {function}('evil', '{target}{more}')");
                attempts.push(one(&connect, sqlstates));
            }
        }
    }
    let remote = |options: &str| {
        vec![
            format!(
                "CREATE SERVER evil FOREIGN DATA WRAPPER postgres_fdw
                     OPTIONS (host '{socket}', dbname 'rdsadmin')"
            ),
            format!(
                "CREATE USER MAPPING FOR CURRENT_USER SERVER evil
                     OPTIONS (user 'rdsadmin' {options})"
            ),
            "CREATE FOREIGN TABLE evil (x int) SERVER evil".to_owned(),
            "SELECT * FROM evil".to_owned(),
        ]
    };
    for (options, sqlstates) in [
        ("", NO_PASSWORD),
        (", password 'guess'", NO_PASSWORD),
        // Up to 12 there is no such option.
        (", password 'guess', password_required 'false'", &["42501", "HV00D"]),
    ] {
        let mut statements = remote(options);
        statements.insert(0, "BEGIN".to_owned());
        attempts.push(Attempt { statements, sqlstates });
    }
    attempts
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
        // It needs cube, which is not in the list.
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
