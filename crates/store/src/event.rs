//! The table of events.

use pgkeep_model::{EVENT_RETENTION_DAYS, Event, EventCategory, EventSource};
use rusqlite::ToSql;
use rusqlite::types::Type;
use time::{Duration, OffsetDateTime};

use crate::db_instance::{from_millis, to_millis};
use crate::parsed::to_limit;
use crate::{StoreError, Transaction};

/// Which events to read.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Only of this kind of thing.
    pub source: Option<EventSource>,
    /// Only of this thing.
    pub source_identifier: Option<String>,
    /// Only of these categories; of any if there are none.
    pub categories: Vec<EventCategory>,
    /// From this moment on.
    pub from: OffsetDateTime,
    /// Up to this moment.
    pub to: OffsetDateTime,
    /// Only what follows the event of this time and row id.
    pub after: Option<(OffsetDateTime, i64)>,
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

    /// Events by time, those of one moment in the order in which they were added; each with its row
    /// id.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<(i64, Event)>, StoreError> {
        let (after, after_id) = filter.after.unwrap_or((OffsetDateTime::UNIX_EPOCH, 0));
        let (from, to, after) = (to_millis(filter.from), to_millis(filter.to), to_millis(after));
        let from = from.max(after);
        let source = filter.source.map(EventSource::as_str);
        let names: Vec<_> = filter.categories.iter().map(|it| it.as_str()).collect();
        let (names, limit) = (serde_json::to_string(&names)?, to_limit(filter.limit));
        let mut params: Vec<(&str, &dyn ToSql)> = vec![
            (":from", &from),
            (":to", &to),
            (":after", &after),
            (":id", &after_id),
            (":limit", &limit),
        ];
        // A condition that is not there leaves the choice of an index to those that are.
        let mut sql = "SELECT id, source, source_identifier, source_arn, category, message, at
                       FROM event WHERE at BETWEEN :from AND :to AND (at > :after OR id > :id)"
            .to_owned();
        if let Some(source) = &source {
            sql.push_str(" AND source = :source");
            params.push((":source", source));
        }
        if let Some(identifier) = &filter.source_identifier {
            sql.push_str(" AND source_identifier = :identifier");
            params.push((":identifier", identifier));
        }
        if !filter.categories.is_empty() {
            sql.push_str(" AND category IN (SELECT value FROM json_each(:categories))");
            params.push((":categories", &names));
        }
        sql.push_str(" ORDER BY at, id LIMIT :limit");
        let mut select = self.inner.prepare_cached(&sql)?;
        let rows = select.query_map(&*params, read_event)?;
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
