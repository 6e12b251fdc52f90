//! A server that an earlier pgkeep made gets the roles and triggers of this one, in every database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use groups::{LIMIT, Superuser};
use pgkeep_model::DbiResourceId;
use pgkeep_store::Store;
use pgkeep_testkit::{ControlPlane, Instance, Psql, wait_until};

#[test]
fn an_earlier_server_of_10_is_brought_up_to_date() {
    an_earlier_server_is_brought_up_to_date("10");
}

#[test]
fn an_earlier_server_of_18_is_brought_up_to_date() {
    an_earlier_server_is_brought_up_to_date("18");
}

/// What another pgkeep may have left: a trigger that does something else, and lacks of others.
const EARLIER: &str = "
    DO $$ DECLARE it record; BEGIN
      FOR it IN
        SELECT o.type, o.identity FROM pg_depend d,
          LATERAL pg_identify_object(d.classid, d.objid, 0) o
        WHERE d.refclassid = 'pg_extension'::regclass AND o.identity ~ '^(pg_catalog[.])?rds_'
        ORDER BY o.type
      LOOP
        EXECUTE format('ALTER EXTENSION plpgsql DROP %s %s', it.type, it.identity);
        EXECUTE format('DROP %s %s', it.type, it.identity);
      END LOOP;
    END $$;
    CREATE FUNCTION pg_catalog.rds_create_extension_end() RETURNS event_trigger
    LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER rds_create_extension_end ON ddl_command_end
    EXECUTE PROCEDURE pg_catalog.rds_create_extension_end();
    ALTER EXTENSION plpgsql ADD FUNCTION pg_catalog.rds_create_extension_end();
    ALTER EXTENSION plpgsql ADD EVENT TRIGGER rds_create_extension_end;";

fn an_earlier_server_is_brought_up_to_date(major: &str) {
    let mut plane = ControlPlane::start();
    plane.create("db", major, &[("DBName", "orders")]);
    let instance = plane.wait_available("db");
    make_earlier(&plane, &instance);

    plane.kill();
    let id: DbiResourceId = instance.resource_id.parse().unwrap();
    let path = plane.data_directory().join("state.db");
    let state = Store::open(&path).unwrap();
    let forget = state
        .quickly(|state| state.update_instance(&id, |row| row.applied.bootstrap_digest = None));
    assert!(forget.unwrap().is_some());
    drop(state);
    plane.restart();
    wait_until("it is recorded", LIMIT, || {
        let state = Store::open_read_only(&path).unwrap();
        let row = state.read(|state| state.instance_by_resource_id(&id)).unwrap().unwrap();
        row.applied.bootstrap_digest.map(|_| ()).ok_or_else(|| row.status.to_string())
    });
    plane.wait_available("db");
    every_database_judges(&plane, &instance);
    assert!(!plane.events("db").contains("Reset master credentials"));
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

fn make_earlier(plane: &ControlPlane, instance: &Instance) {
    let master = Psql::to(plane, instance);
    master.clone().with("dbname", "orders").query("CREATE EXTENSION citext");
    master.query("CREATE DATABASE closed");
    let server = Superuser::of(plane, instance);
    server.query(plane, instance, "ALTER DATABASE template0 ALLOW_CONNECTIONS true");
    for database in ["template0", "template1", "postgres", "orders", "closed"] {
        server.query_in(plane, instance, database, EARLIER);
    }
    let left = "ALTER TYPE citext OWNER TO postgres_master";
    server.query_in(plane, instance, "orders", left);
    server.query(plane, instance, "ALTER DATABASE template0 ALLOW_CONNECTIONS false");
    // What its owner can do to hinder it.
    for sql in [
        "ALTER DATABASE closed ALLOW_CONNECTIONS false",
        "ALTER DATABASE orders SET role = 'postgres_master'",
        "ALTER DATABASE orders SET session_authorization = 'postgres_master'",
        "ALTER DATABASE orders SET search_path = 'public'",
        "ALTER DATABASE orders SET default_transaction_read_only = on",
    ] {
        master.query(sql);
    }
}

fn every_database_judges(plane: &ControlPlane, instance: &Instance) {
    let master = Psql::to(plane, instance);
    let closed = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database
                  WHERE NOT datallowconn";
    assert_eq!(master.query(closed), "closed,template0");
    master.query("ALTER DATABASE closed ALLOW_CONNECTIONS true");
    master.query("CREATE DATABASE plain");
    master.query("CREATE DATABASE bare TEMPLATE template0");
    for database in ["postgres", "orders", "closed", "plain", "bare"] {
        let options = "-c default_transaction_read_only=off";
        let master = master.clone().with("dbname", database).with("options", options);
        master.query("CREATE EXTENSION sslinfo");
        let refusal = master.run("CREATE EXTENSION earthdistance CASCADE").failure();
        let expected = "permission denied to create extension \"earthdistance\"";
        assert!(refusal.contains(expected), "{database}: {refusal}");
        if database == "orders" {
            let refusal = master.run("ALTER TYPE citext RENAME TO other").failure();
            assert!(refusal.contains("must be owner of type citext"), "{refusal}");
        }
    }
}
