//! State files of older versions, as pgkeep itself wrote them then.

#![allow(clippy::unwrap_used, reason = "a panic fails the test that called")]

use pgkeep_model::{ClientWatch, DbInstance, EngineSource, InstanceStatus};
use pgkeep_store::Store;

/// All that was asked for and applied is there, and what came later has its default.
#[test]
fn version_1_is_read_as_it_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("fixtures/version-1.sql")).unwrap();
    drop(raw);
    let store = Store::open(&path).unwrap();
    let instances = store.instances().unwrap();
    let [one, two] = <[DbInstance; 2]>::try_from(instances).unwrap();
    let (desired, applied) = (&one.desired, &one.applied);
    assert_eq!(one.status, InstanceStatus::Available);
    assert_eq!(desired.endpoint, "one.6lcep595r0fx.us-east-1.rds.localhost");
    assert_eq!((desired.port, desired.engine_source), (5432, EngineSource::Embedded));
    assert_eq!(desired.engine_version.to_string(), "16.14");
    assert_eq!(desired.tags["k"], "v");
    assert_eq!(desired.kept.storage_type.as_deref(), Some("gp3"));
    assert!(desired.running && desired.deletion_protection);
    assert!(desired.master_password.reveal().starts_with("SCRAM-SHA-256$4096:"));
    assert_eq!(one.pending.class.as_deref(), Some("db.t3.small"));
    assert!(one.pending.waits_for_window() && !one.pending.ca_at_restart);
    let certificate = applied.certificate.as_ref().unwrap();
    assert_eq!(certificate.serial, "626285a6a72b579ec2913d98eefcd6e4");
    assert!(applied.created && applied.proof_digest.is_some());
    assert_eq!((&applied.proved, &applied.refusal, &applied.warned), (&None, &None, &None));
    assert_eq!((two.status, two.desired.running), (InstanceStatus::Stopped, false));
    assert_eq!(two.desired.ca_identifier, "rds-ca-ecc384-g1");

    let (installation, watch) = store
        .read(|state| Ok((state.installation()?, state.client_watch(&two.resource_id)?)))
        .unwrap();
    assert_eq!(installation.unwrap().account_id.as_str(), "123456789012");
    let watch = watch.unwrap();
    assert_eq!(watch, ClientWatch::new(watch.since));
    // What this version writes it reads again, and so does the next start.
    let change = |row: &mut DbInstance| row.desired.port = 6543;
    store.durably(|state| state.update_instance(&one.resource_id, change)).unwrap();
    drop(store);
    let again = Store::open(&path).unwrap().instances().unwrap();
    assert_eq!((again[0].desired.port, &again[1]), (6543, &two));
}
