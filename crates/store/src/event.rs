//! The table of events.

use pgkeep_model::{EVENT_RETENTION_DAYS, Event, EventCategory, EventSource};
use rusqlite::named_params;
use rusqlite::types::Type;
use time::{Duration, OffsetDateTime};

use crate::db_instance::{from_millis, to_millis};
use crate::{StoreError, Transaction};

/// Which events to read.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Only of this kind of thing.
    pub source: Option<EventSource>,
    /// Only of this thing.
    pub source_identifier: Option<String>,
    /// From this moment on.
    pub from: OffsetDateTime,
    /// Up to this moment.
    pub to: OffsetDateTime,
    /// Only with a larger row id than this.
    pub after: i64,
    /// At most so many.
    pub limit: usize,
}

impl Transaction<'_> {
    /// Adds events, and forgets those past their retention.
    pub fn append_events(&self, events: &[Event]) -> Result<(), StoreError> {
        let mut insert = self.inner.prepare_cached(
            "INSERT INTO event (source, source_identifier, source_arn, category, message, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for event in events {
            insert.execute((
                event.source.as_str(),
                &event.source_identifier,
                &event.source_arn,
                event.category.as_str(),
                &event.message,
                to_millis(event.at),
            ))?;
            let oldest = event.at - Duration::days(EVENT_RETENTION_DAYS);
            self.inner.execute("DELETE FROM event WHERE at < ?1", [to_millis(oldest)])?;
        }
        Ok(())
    }

    /// Events in the order in which they were added, each with its row id.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<(i64, Event)>, StoreError> {
        let mut select = self.inner.prepare_cached(
            "SELECT id, source, source_identifier, source_arn, category, message, at FROM event
             WHERE at BETWEEN :from AND :to AND id > :after
               AND (:source IS NULL OR source = :source)
               AND (:identifier IS NULL OR source_identifier = :identifier)
             ORDER BY id LIMIT :limit",
        )?;
        let rows = select.query_map(
            named_params! {
                ":from": to_millis(filter.from),
                ":to": to_millis(filter.to),
                ":after": filter.after,
                ":source": filter.source.map(EventSource::as_str),
                ":identifier": filter.source_identifier,
                ":limit": i64::try_from(filter.limit).unwrap_or(i64::MAX),
            },
            read_event,
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn read_event(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Event)> {
    let source: String = row.get(1)?;
    let category: String = row.get(4)?;
    let unknown = |column: usize, word: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, word.to_owned().into())
    };
    let event = Event {
        source: EventSource::ALL
            .into_iter()
            .find(|known| known.as_str() == source)
            .ok_or_else(|| unknown(1, &source))?,
        source_identifier: row.get(2)?,
        source_arn: row.get(3)?,
        category: EventCategory::ALL
            .into_iter()
            .find(|known| known.as_str() == category)
            .ok_or_else(|| unknown(4, &category))?,
        message: row.get(5)?,
        at: from_millis(row.get(6)?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(6, Type::Integer, error.into())
        })?,
    };
    Ok((row.get(0)?, event))
}
