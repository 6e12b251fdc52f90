//! How SQLite finds what each operation asks for: by an index, so that an operation takes no longer
//! for rows that it does not answer.

use std::sync::Arc;

use pgkeep_model::{EngineSource, EventCategory, EventSource};
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use time::OffsetDateTime;

use super::*;

/// Each step of SQLite's plans for the statements of an operation.
fn plan(operation: impl FnOnce(&Store)) -> Vec<String> {
    let store = Store::in_memory().unwrap();
    let statements = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&statements);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            noted.lock().unwrap().extend(statement.expanded_sql());
        }
    };
    let traced = store.lock().connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
    traced.unwrap();
    operation(&store);
    let statements = std::mem::take(&mut *statements.lock().unwrap());
    let held = store.lock();
    let mut steps = Vec::new();
    for sql in statements.iter().filter(|it| !it.starts_with("BEGIN") && !it.starts_with("PRAGMA"))
    {
        let mut explain = held.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = explain.query_map([], |row| row.get::<_, String>(3)).unwrap();
        steps.extend(rows.map(|step| format!("{} for {sql}", step.unwrap())));
    }
    steps
}

/// Holds that an operation asks for something, and reads nothing but that, in order.
#[track_caller]
fn assert_found(operation: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>) {
    assert_all_found(|store| {
        // What an empty state refuses was looked for before.
        let _ = store.quickly(operation);
    });
}

#[track_caller]
fn assert_all_found(operation: impl FnOnce(&Store)) {
    let steps = plan(operation);
    assert!(steps.iter().any(|step| step.starts_with("SEARCH")), "{steps:#?}");
    let reads_all = |step: &&String| {
        let of_list = step.starts_with("SCAN json_each") || step.starts_with("SCAN CONSTANT");
        (step.starts_with("SCAN") && !of_list) || step.starts_with("USE TEMP")
    };
    let wrong: Vec<_> = steps.iter().filter(reads_all).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_instance_is_found_by_what_names_it() {
    let name = "one".parse().unwrap();
    let id = DbiResourceId::from_random([1; 17]);
    let now = OffsetDateTime::UNIX_EPOCH;
    assert_found(|state| state.instance(&name).map(drop));
    assert_found(|state| state.instance_by_resource_id(&id).map(drop));
    assert_found(|state| state.make_due(&id, now, None));
    assert_found(|state| state.wake_at(&id, now));
    assert_found(|state| state.claim(&id).map(drop));
    assert_found(|state| state.release(&id, Some(now)));
    assert_found(|state| state.retry(&id, now, "error"));
    assert_found(|state| state.last_error(&id).map(drop));
    assert_found(|state| state.remove_instance(&id));
    assert_found(|state| state.client_watch(&id).map(drop));
}

#[test]
fn what_is_due_is_found_among_what_is_not() {
    let now = OffsetDateTime::UNIX_EPOCH;
    assert_found(|state| state.due(now, 10).map(drop));
    assert_found(|state| state.next_due_after(now).map(drop));
}

#[test]
fn lists_are_read_from_where_they_go_on() {
    let now = OffsetDateTime::UNIX_EPOCH;
    assert_all_found(|store| drop(store.instances_after("one", 20).unwrap()));
    let page = plan(|store| drop(store.instances_to_maintain(now, "one", 20).unwrap()));
    let searched = "SEARCH db_instance USING INDEX db_instance_maintenance";
    assert!(page.iter().any(|step| step.starts_with(searched)), "{page:#?}");
    let serving = plan(|store| drop(store.serving_instances().unwrap()));
    assert!(serving[0].contains("USING INDEX db_instance_serving"), "{serving:#?}");
}

#[test]
fn instances_are_found_by_what_they_use() {
    let versions = "16.".to_owned()..="16.~".to_owned();
    assert_found(|state| state.has_engine(EngineSource::System, &versions).map(drop));
    let name = "mine".parse().unwrap();
    assert_found(|state| state.members(&name).map(drop));
    assert_found(|state| state.has_members(&name).map(drop));
    assert_found(|state| state.wake_members(&name, OffsetDateTime::UNIX_EPOCH));
    assert_found(|state| state.parameter_group(&name).map(drop));
}

#[test]
fn events_are_read_in_the_order_of_an_index() {
    let all = EventFilter {
        source: None,
        source_identifier: None,
        categories: Vec::new(),
        from: OffsetDateTime::UNIX_EPOCH,
        to: OffsetDateTime::UNIX_EPOCH,
        after: Some((OffsetDateTime::UNIX_EPOCH, 1)),
        limit: 20,
    };
    let of_kind = EventFilter { source: Some(EventSource::DbInstance), ..all.clone() };
    let of_one = EventFilter { source_identifier: Some("one".to_owned()), ..of_kind.clone() };
    let of_category = EventFilter { categories: vec![EventCategory::Failure], ..of_one.clone() };
    for filter in [&all, &of_kind, &of_one, &of_category] {
        assert_found(|state| state.events(filter).map(drop));
    }
}
