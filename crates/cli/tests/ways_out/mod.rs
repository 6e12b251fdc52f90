//! What a master user tries, to get at more than its own: a statement or a session each, with the
//! SQLSTATEs by which PostgreSQL refuses it.

/// What is tried, and how PostgreSQL refuses it.
pub(crate) struct Attempt {
    pub(crate) statements: Vec<String>,
    pub(crate) sqlstates: &'static [&'static str],
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
    "DO $$ BEGIN
       BEGIN CREATE EXTENSION earthdistance CASCADE; EXCEPTION WHEN insufficient_privilege THEN END;
       ALTER ROLE CURRENT_USER SUPERUSER;
     END $$",
];

/// What says in a session's notices that code of the master user's ran with more than its rights.
pub(crate) const RAN: &str = "ran as a superuser";

/// Objects that the script of an extension finds by the names of others. Each fails at its last
/// statement, so nothing of it stays.
fn masquerades() -> Vec<Attempt> {
    let evil = format!(
        "CREATE FUNCTION b.evil() RETURNS bool LANGUAGE plpgsql AS $f$ BEGIN
           IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
             RAISE WARNING '{RAN}';
           END IF;
           RETURN true;
         END $f$"
    );
    let cube = [
        &*evil,
        "CREATE DOMAIN b.d AS text CHECK (b.evil())",
        "CREATE TYPE b.cube AS (x b.d)",
        "CREATE FUNCTION b.cube_is_point(b.cube) RETURNS bool LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION b.cube_dim(b.cube) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION b.cube_distance(b.cube, b.cube) RETURNS float8 LANGUAGE sql
           AS 'SELECT 6378168::float8'",
        "CREATE EXTENSION earthdistance VERSION '1.1' SCHEMA b",
    ];
    let own = |begin: &[&str], end: &[&str]| {
        let statements = [&["BEGIN", "CREATE SCHEMA a", "CREATE SCHEMA b"], begin, end].concat();
        Attempt {
            statements: statements.into_iter().map(str::to_owned).collect(),
            sqlstates: DENIED,
        }
    };
    let real = "CREATE EXTENSION cube SCHEMA a";
    let old = "CREATE EXTENSION citext VERSION '1.4' SCHEMA a";
    vec![
        own(&[real], &cube),
        own(&[real, "SAVEPOINT s"], &cube),
        own(&[real], &["ALTER TYPE a.cube RENAME TO cube_real"]),
        own(&[real], &["ALTER TYPE a.cube SET SCHEMA b"]),
        own(&[real], &["ALTER TYPE a.cube OWNER TO CURRENT_USER"]),
        own(&[real], &["ALTER EXTENSION cube DROP TYPE a.cube"]),
        own(&[old], &["ALTER TYPE a.citext RENAME TO citext_real"]),
        own(&[old], &["ALTER FUNCTION a.citextin(cstring) RENAME TO other"]),
    ]
}

/// Up to 12 an extension can be created from objects that are there; later that is no SQL.
fn from_what_is_there() -> Attempt {
    let statements = [
        "BEGIN",
        "CREATE SCHEMA a",
        "CREATE DOMAIN a.citext AS int8",
        "CREATE FUNCTION a.citext_smaller(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
        "CREATE FUNCTION a.sf(int8, a.citext) RETURNS int8 LANGUAGE sql AS 'SELECT 1::int8'",
        "CREATE AGGREGATE a.min(a.citext) (STYPE = int8, SFUNC = a.sf)",
        "CREATE AGGREGATE a.max(a.citext) (STYPE = int8, SFUNC = a.sf)",
        "CREATE EXTENSION citext SCHEMA a VERSION '1.3' FROM '1.2'",
    ];
    Attempt { statements: statements.map(str::to_owned).into(), sqlstates: &["42501", "0A000"] }
}

pub(crate) fn attempts(socket: &str, network: &str) -> Vec<Attempt> {
    let one = |sql: &str, sqlstates| Attempt { statements: vec![sql.to_owned()], sqlstates };
    let mut attempts: Vec<_> = DENIED_STATEMENTS.iter().map(|sql| one(sql, DENIED)).collect();
    attempts.extend(masquerades());
    attempts.push(from_what_is_there());
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
