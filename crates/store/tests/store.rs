//! The state file as its users see it: what is kept, what is refused, who is due.

#![allow(clippy::unwrap_used, reason = "a panic fails the test that called")]

use std::collections::BTreeMap;

use pgkeep_model::{
    Applied, CertificateRecord, Client, ClientWatch, DbInstance, DbiResourceId, Desired,
    EngineSource, Event, EventCategory, EventSource, InstanceStatus, Kept, PasswordVerifier,
    Pending, ReadTo, Sightings, Tally,
};
use pgkeep_store::{EventFilter, Installation, SIGHTINGS_KEPT, Store, StoreError};
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 12:00 UTC);

fn instance(name: &str, number: u8) -> DbInstance {
    DbInstance {
        resource_id: DbiResourceId::from_random([number; 17]),
        created_at: NOW,
        generation: 1,
        status: InstanceStatus::Creating,
        desired: Desired {
            identifier: name.parse().unwrap(),
            endpoint: format!("{name}.example"),
            address: [127, 77, 0, number].into(),
            port: 5432,
            engine_source: EngineSource::System,
            engine_version: "15.18".parse().unwrap(),
            class: "db.t3.micro".to_owned(),
            ca_identifier: "rds-ca-rsa2048-g1".to_owned(),
            replaced_serial: None,
            parameter_group: "default.postgres15".to_owned(),
            master_username: "master".to_owned(),
            master_password: PasswordVerifier::new("verifier-text".to_owned()),
            db_name: None,
            running: true,
            deleted: false,
            reboots: 0,
            deletion_protection: false,
            maintenance_window: String::new(),
            backup_window: String::new(),
            kept: Kept { iops: Some(3000), ..Kept::default() },
            tags: BTreeMap::from([("key".to_owned(), "value".to_owned())]),
        },
        pending: Pending::default(),
        applied: Applied::default(),
    }
}

fn insert(store: &Store, instance: &DbInstance) -> Result<(), StoreError> {
    store.durably(|state| state.insert_instance(instance, NOW + Duration::minutes(20)))
}

#[test]
fn an_instance_is_read_back_as_it_was_written_also_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let written = instance("one", 1);
    insert(&Store::open(&path).unwrap(), &written).unwrap();
    let store = Store::open(&path).unwrap();
    let found = store.read(|state| state.instance(&written.desired.identifier)).unwrap();
    assert_eq!(found.as_ref(), Some(&written));
    let reader = Store::open_read_only(&path).unwrap();
    assert_eq!(reader.instances().unwrap(), [written]);
}

#[test]
fn every_instance_is_read_as_it_is_now() {
    let store = Store::in_memory().unwrap();
    let all = || store.instances().unwrap();
    assert_eq!(all(), []);
    let (one, mut two, three) = (instance("b", 1), instance("c", 2), instance("a", 3));
    insert(&store, &one).unwrap();
    insert(&store, &two).unwrap();
    assert_eq!(all(), [one.clone(), two.clone()]);
    insert(&store, &three).unwrap();
    assert_eq!(all(), [three.clone(), one.clone(), two.clone()]);
    let change = |row: &mut DbInstance| row.status = InstanceStatus::Available;
    change(&mut two);
    store.quickly(|state| state.update_instance(&two.resource_id, change)).unwrap();
    assert_eq!(all(), [three.clone(), one.clone(), two.clone()]);
    store.quickly(|state| state.remove_instance(&one.resource_id)).unwrap();
    assert_eq!(all(), [three.clone(), two]);
    store.quickly(|state| state.remove_instance(&three.resource_id)).unwrap();
    assert_eq!(all().len(), 1);
}

#[test]
fn lists_go_on_where_they_ended_and_have_what_is_asked_for() {
    let store = Store::in_memory().unwrap();
    let names = |list: Result<Vec<DbInstance>, StoreError>| {
        let names = list.unwrap().into_iter().map(|it| it.desired.identifier.to_string());
        names.collect::<Vec<_>>()
    };
    let mut all: Vec<_> =
        ["a", "b", "c", "d"].iter().zip(1..).map(|(name, number)| instance(name, number)).collect();
    let (begin, end) = (NOW, NOW + Duration::days(366));
    for instance in &mut all[..3] {
        instance.applied.certificate = Some(CertificateRecord {
            ca_identifier: "rds-ca-rsa2048-g1".to_owned(),
            endpoint: instance.desired.endpoint.clone(),
            serial: "1".to_owned(),
            fingerprint: String::new(),
            not_before: begin,
            not_after: end,
        });
    }
    all[1].pending.ca_identifier = Some("rds-ca-ecc384-g1".to_owned());
    all[2].desired.running = false;
    all[3].desired.deleted = true;
    for instance in &all {
        insert(&store, instance).unwrap();
    }
    assert_eq!(names(store.instances_after("", 2)), ["a", "b"]);
    assert_eq!(names(store.instances_after("b", 9)), ["c", "d"]);
    assert_eq!(names(store.serving_instances()), ["a", "b"]);

    let to_maintain = |at, after| names(store.instances_to_maintain(at, after, 9));
    let middle = begin + Duration::days(183);
    assert_eq!(to_maintain(middle - Duration::SECOND, ""), ["b"]);
    assert_eq!(to_maintain(middle, ""), ["a", "b", "c"]);
    assert_eq!(to_maintain(middle, "a"), ["b", "c"]);

    let group = "default.postgres15".parse().unwrap();
    let members = || store.read(|state| state.members(&group)).unwrap();
    assert_eq!(members(), all);
    assert!(store.read(|state| state.has_members(&"mine".parse().unwrap())).map(|it| !it).unwrap());
    let ids: Vec<_> = all.iter().map(|it| it.resource_id.clone()).collect();
    store.quickly(|state| ids.iter().try_for_each(|id| state.claim(id).map(drop))).unwrap();
    store.quickly(|state| state.wake_members(&group, NOW)).unwrap();
    assert_eq!(store.read(|state| state.due(NOW, 10)).unwrap().len(), 4);
    assert_eq!(store.read(|state| state.due(NOW, 3)).unwrap().len(), 3);

    let runs_on = |source, versions: &[&str; 2]| {
        let versions = versions[0].to_owned()..=versions[1].to_owned();
        store.read(|state| state.has_engine(source, &versions)).unwrap()
    };
    assert!(runs_on(EngineSource::System, &["15.", "15.~"]));
    assert!(!runs_on(EngineSource::System, &["16.", "16.~"]));
    assert!(!runs_on(EngineSource::Embedded, &["15.18", "15.18"]));
}

/// Rows that were read are kept, but never as they are not.
#[test]
fn a_change_is_seen_by_the_next_list_and_one_that_was_taken_back_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    let reader = Store::open_read_only(&path).unwrap();
    let mut one = instance("one", 1);
    insert(&store, &one).unwrap();
    let both = || [&store, &reader].map(|it| it.instances().unwrap());
    let change = |row: &mut DbInstance| row.generation += 1;
    let id = one.resource_id.clone();
    assert_eq!(both(), [[one.clone()], [one.clone()]]);
    let taken_back = store.quickly(|state| {
        state.update_instance(&id, change)?;
        Err::<(), _>(StoreError::RolledBack)
    });
    assert!(matches!(taken_back, Err(StoreError::RolledBack)));
    assert_eq!(both(), [[one.clone()], [one.clone()]]);
    store.quickly(|state| state.update_instance(&id, change)).unwrap();
    change(&mut one);
    assert_eq!(both(), [[one.clone()], [one]]);
}

#[test]
fn identifiers_and_addresses_are_taken_once() {
    let store = Store::in_memory().unwrap();
    insert(&store, &instance("one", 1)).unwrap();
    let same_name = insert(&store, &instance("one", 2));
    assert!(matches!(same_name, Err(StoreError::IdentifierTaken(name)) if name == "one"));
    let mut same_address = instance("two", 2);
    same_address.desired.address = instance("one", 1).desired.address;
    let refused = insert(&store, &same_address);
    assert!(matches!(refused, Err(StoreError::AddressTaken(at)) if at == "127.77.0.1:5432"));
    assert_eq!(store.instances().unwrap().len(), 1);
}

#[test]
fn a_refused_change_leaves_the_row_as_it_was() {
    let store = Store::in_memory().unwrap();
    let (one, two) = (instance("one", 1), instance("two", 2));
    insert(&store, &one).unwrap();
    insert(&store, &two).unwrap();
    let renamed = store.quickly(|state| {
        state.update_instance(&two.resource_id, |row| {
            row.desired.identifier = one.desired.identifier.clone();
        })
    });
    assert!(matches!(renamed, Err(StoreError::IdentifierTaken(_))));
    assert_eq!(store.instances().unwrap(), [one, two]);
}

#[test]
fn a_claim_counts_before_the_work_and_is_given_once() {
    let store = Store::in_memory().unwrap();
    let one = instance("one", 1);
    let id = &one.resource_id;
    insert(&store, &one).unwrap();
    assert_eq!(store.read(|state| state.due(NOW, 10)).unwrap(), std::slice::from_ref(id));
    let claim = store.quickly(|state| state.claim(id)).unwrap().unwrap();
    assert_eq!((claim.attempt, claim.deadline_at), (1, Some(NOW + Duration::minutes(20))));
    assert_eq!(store.quickly(|state| state.claim(id)).unwrap(), None);

    let later = NOW + Duration::seconds(3);
    store.quickly(|state| state.retry(id, later, "no")).unwrap();
    assert!(store.read(|state| state.due(NOW, 10)).unwrap().is_empty());
    assert_eq!(store.read(|state| state.next_due_after(NOW)).unwrap(), Some(later));
    assert_eq!(store.read(|state| state.last_error(id)).unwrap().as_deref(), Some("no"));
    assert_eq!(store.quickly(|state| state.claim(id)).unwrap().unwrap().attempt, 2);

    // A wish that came while it was worked on is not lost when it comes to rest.
    store.quickly(|state| state.make_due(id, NOW, None)).unwrap();
    store.quickly(|state| state.release(id, None)).unwrap();
    assert_eq!(store.read(|state| state.due(NOW, 10)).unwrap(), std::slice::from_ref(id));
    assert_eq!(store.quickly(|state| state.claim(id)).unwrap().unwrap().attempt, 1);
    store.quickly(|state| state.release(id, None)).unwrap();
    assert_eq!(store.read(|state| state.next_due_after(OffsetDateTime::UNIX_EPOCH)).unwrap(), None);
    assert_eq!(store.read(|state| state.last_error(id)).unwrap(), None);
}

#[test]
fn the_installation_is_chosen_once() {
    let store = Store::in_memory().unwrap();
    let first = Installation {
        region: "us-east-1".parse().unwrap(),
        account_id: "123456789012".parse().unwrap(),
        domain: "rds.localhost".parse().unwrap(),
    };
    let other = Installation { region: "eu-west-1".parse().unwrap(), ..first.clone() };
    store.durably(|state| state.ensure_installation(&first)).unwrap();
    store.durably(|state| state.ensure_installation(&first)).unwrap();
    let refused = store.durably(|state| state.ensure_installation(&other));
    assert!(matches!(refused, Err(StoreError::InstallationDiffers { setting: "--region", .. })));
    #[expect(clippy::redundant_closure_for_method_calls, reason = "lifetimes forbid the path")]
    let kept = store.read(|state| state.installation()).unwrap();
    assert_eq!(kept, Some(first));
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    drop(Store::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 1000).unwrap();
    drop(raw);
    assert!(matches!(Store::open(&path), Err(StoreError::Newer { found: 1000, .. })));
}

#[test]
fn events_are_found_by_source_and_time_and_forgotten_in_the_end() {
    let store = Store::in_memory().unwrap();
    let event = |name: &str, at| Event {
        source: EventSource::DbInstance,
        source_identifier: name.to_owned(),
        source_arn: format!("arn:aws:rds:us-east-1:123456789012:db:{name}"),
        category: EventCategory::Creation,
        message: "DB instance created.".to_owned(),
        at,
    };
    let old = event("one", NOW - Duration::days(15));
    let (one, two) = (event("one", NOW), event("two", NOW));
    store.quickly(|state| state.append_events(std::slice::from_ref(&old))).unwrap();
    let all = EventFilter {
        source: None,
        source_identifier: None,
        categories: Vec::new(),
        from: OffsetDateTime::UNIX_EPOCH,
        to: NOW,
        after: None,
        limit: 10,
    };
    let found = |filter: &EventFilter| {
        let events = store.read(|state| state.events(filter)).unwrap();
        events.into_iter().map(|(_, event)| event).collect::<Vec<_>>()
    };
    assert_eq!(found(&all), [old]);
    store.quickly(|state| state.append_events(&[one.clone(), two.clone()])).unwrap();
    assert_eq!(found(&all), [one.clone(), two]);
    let only_one = EventFilter { source_identifier: Some("one".to_owned()), ..all.clone() };
    assert_eq!(found(&only_one), [one]);
    let groups = EventFilter { source: Some(EventSource::DbParameterGroup), ..all.clone() };
    assert!(found(&groups).is_empty());
    let failures = EventFilter { categories: vec![EventCategory::Failure], ..all.clone() };
    assert!(found(&failures).is_empty());
    // Pages of one, of events of the same moment and of another, join to the whole.
    let later = event("three", NOW + Duration::SECOND);
    store.quickly(|state| state.append_events(std::slice::from_ref(&later))).unwrap();
    let mut page = EventFilter { to: later.at, limit: 1, ..all };
    let mut seen = Vec::new();
    while let [(id, event)] = &*store.read(|state| state.events(&page)).unwrap() {
        page.after = Some((event.at, *id));
        seen.push(event.source_identifier.clone());
    }
    assert_eq!(seen, ["one", "two", "three"]);
}

#[test]
fn verifiers_are_never_shown() {
    let shown = format!("{:?}", instance("one", 1));
    assert!(!shown.contains("verifier-text"), "{shown}");
}

#[test]
fn sightings_are_counted_bounded_and_gone_with_their_instance() {
    let store = Store::in_memory().unwrap();
    let one = instance("one", 1);
    let id = &one.resource_id;
    let client = |user: String| Client {
        user,
        database: "d".to_owned(),
        application: String::new(),
        address: "::1".to_owned(),
    };
    let of = |users: std::ops::Range<u32>, at| {
        let mut seen = Sightings::default();
        for user in users {
            seen.add(client(user.to_string()), user % 2 == 0, Tally::at(2, at));
        }
        seen
    };
    let mut watch = ClientWatch::new(NOW);
    watch.read_to = Some(ReadTo { file: "error/x".to_owned(), offset: 7, at: NOW });
    let mut record = |seen: &Sightings| {
        store.quickly(|state| state.record_sightings(id, &mut watch, seen)).unwrap();
    };
    let seen_from = |at| store.read(|state| state.sightings(id, at)).unwrap();

    // An instance that is gone stays gone.
    record(&of(0..1, NOW));
    assert!(seen_from(NOW).is_empty());
    insert(&store, &one).unwrap();
    record(&of(0..2, NOW));
    record(&of(0..1, NOW + Duration::HOUR));
    let tally = Tally { connections: 4, first_seen: NOW, last_seen: NOW + Duration::HOUR };
    let found: Vec<_> = seen_from(NOW).iter().map(|(it, tls, n)| (it.clone(), tls, n)).collect();
    let (zero, first) = (client("0".to_owned()), client("1".to_owned()));
    assert_eq!(found, [(zero, true, tally), (first, false, Tally::at(2, NOW))]);
    assert_eq!(seen_from(NOW + Duration::SECOND).iter().count(), 1);

    // Full: the one that was seen the longest ago goes, and is said to be gone.
    record(&of(2..SIGHTINGS_KEPT + 1, NOW + Duration::MINUTE));
    assert_eq!(seen_from(NOW).iter().count(), usize::try_from(SIGHTINGS_KEPT).unwrap());
    assert_eq!(seen_from(NOW).iter().filter(|(it, ..)| it.user == "1").count(), 0);
    let kept = store.read(|state| state.client_watch(id)).unwrap();
    assert_eq!(kept.as_ref().map(|it| it.forgotten), Some(1));
    assert_eq!(kept, Some(watch));

    store.durably(|state| state.remove_instance(id)).unwrap();
    assert!(seen_from(NOW).is_empty());
    assert_eq!(store.read(|state| state.client_watch(id)).unwrap(), None);
}

/// The log of an instance from before clients were watched names none of that time.
#[test]
fn an_older_file_watches_its_instances_from_now_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let one = instance("one", 1);
    insert(&Store::open(&path).unwrap(), &one).unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(
        "DROP INDEX db_instance_group; ALTER TABLE db_instance DROP COLUMN parameter_group;
         DROP INDEX db_instance_engine; ALTER TABLE db_instance DROP COLUMN engine_source;
         ALTER TABLE db_instance DROP COLUMN engine_version;
         DROP INDEX db_instance_serving; ALTER TABLE db_instance DROP COLUMN serves;
         DROP INDEX db_instance_maintenance; ALTER TABLE db_instance DROP COLUMN maintained_from;
         DROP INDEX event_of_kind; DROP INDEX event_of_source;
         ALTER TABLE installation DROP COLUMN certificate_override;
         DROP TABLE sighting; DROP TABLE client_watch; PRAGMA user_version = 2;",
    )
    .unwrap();
    drop(raw);
    let store = Store::open(&path).unwrap();
    let watch = store.read(|state| state.client_watch(&one.resource_id)).unwrap().unwrap();
    assert_eq!(watch, ClientWatch::new(watch.since));
}
