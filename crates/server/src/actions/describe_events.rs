//! `DescribeEvents`.

use pgkeep_model::{EVENT_RETENTION_DAYS, Event, EventCategory, EventSource};
use pgkeep_query::shapes;
use pgkeep_query::shapes::{DescribeEventsMessage, EventsMessage};
use pgkeep_store::EventFilter;
use pgkeep_workflow::Control;
use time::{Duration, OffsetDateTime};

use crate::error::ApiError;
use crate::filter;
use crate::page::Page;

/// The service's default of `Duration`, in minutes.
const DEFAULT_DURATION_MIN: i32 = 60;

pub(super) fn answer(
    control: &Control,
    input: &DescribeEventsMessage,
) -> Result<EventsMessage, ApiError> {
    filter::check(input.filters.as_deref(), &[])?;
    let page = Page::new(input.max_records, input.marker.as_deref())?;
    let source = source(input.source_type.as_deref())?;
    if input.source_identifier.is_some() && source.is_none() {
        return Err(ApiError::combination(
            "SourceType must be provided when SourceIdentifier is specified.",
        ));
    }
    let (from, to) = times(input, control.clock().now())?;
    let categories = categories(input.event_categories.as_deref().unwrap_or_default())?;
    let source_identifier = input.source_identifier.as_ref().map(|it| it.to_ascii_lowercase());
    let read = |after: &str, limit| {
        let wanted = EventFilter {
            source,
            source_identifier: source_identifier.clone(),
            categories: categories.clone(),
            from,
            to,
            after: place(after),
            limit,
        };
        Ok(control.store().read(|state| state.events(&wanted))?)
    };
    let key = |(id, event): &(i64, Event)| format!("{}.{id}", event.at.unix_timestamp_nanos());
    let (events, marker) = page.fill(read, key, |_| true)?;
    let events = events
        .into_iter()
        .map(|(_, event)| shapes::Event {
            date: Some(event.at),
            event_categories: vec![event.category.as_str().to_owned()],
            message: Some(event.message),
            source_arn: Some(event.source_arn),
            source_identifier: Some(event.source_identifier),
            source_type: Some(event.source.as_str().to_owned()),
        })
        .collect();
    Ok(EventsMessage { events, marker })
}

/// The time and row id of the event that a marker names.
fn place(marker: &str) -> Option<(OffsetDateTime, i64)> {
    let (at, id) = marker.split_once('.')?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(at.parse().ok()?).ok()?;
    Some((at, id.parse().ok()?))
}

fn source(text: Option<&str>) -> Result<Option<EventSource>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match EventSource::ALL.into_iter().find(|source| source.as_str() == text) {
        Some(source) => Ok(Some(source)),
        None => Err(ApiError::value(format!(
            "Invalid SourceType {text}. Use db-instance or db-parameter-group."
        ))),
    }
}

fn categories(names: &[String]) -> Result<Vec<EventCategory>, ApiError> {
    let known = |name: &String| {
        let found = EventCategory::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| ApiError::value(format!("Unknown event category: {name}")))
    };
    names.iter().map(known).collect()
}

/// From when to when: a start and an end, or a duration before the present.
fn times(
    input: &DescribeEventsMessage,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, OffsetDateTime), ApiError> {
    let most = EVENT_RETENTION_DAYS * 24 * 60;
    let minutes = i64::from(input.duration.unwrap_or(DEFAULT_DURATION_MIN));
    if !(1..=most).contains(&minutes) {
        return Err(ApiError::value(format!("Duration must be between 1 and {most} minutes.")));
    }
    let to = input.end_time.unwrap_or(now);
    let from = input.start_time.unwrap_or_else(|| to - Duration::minutes(minutes));
    if from > to {
        return Err(ApiError::combination("StartTime must be before EndTime."));
    }
    Ok((from, to))
}
