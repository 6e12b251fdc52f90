//! Who connected to a DB instance, how often, and with or without TLS.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What tells one client of an instance from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Client {
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// `application_name`; empty where there is none, or none is known.
    pub application: String,
    /// The address without its port; a host name under `log_hostname`.
    pub address: String,
}

/// How often a client was seen, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Connections that it began; none where only an open session gave the client away.
    pub connections: u64,
    /// When it was first seen.
    pub first_seen: OffsetDateTime,
    /// When it was last seen.
    pub last_seen: OffsetDateTime,
}

impl Tally {
    /// One that was seen once, at a time.
    pub fn at(connections: u64, at: OffsetDateTime) -> Self {
        Self { connections, first_seen: at, last_seen: at }
    }

    /// Counts both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            first_seen: self.first_seen.min(other.first_seen),
            last_seen: self.last_seen.max(other.last_seen),
        }
    }
}

/// Clients, each with TLS (`true`) and without apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings(BTreeMap<(Client, bool), Tally>);

impl Sightings {
    /// Counts a client.
    pub fn add(&mut self, client: Client, tls: bool, tally: Tally) {
        let sum = self.0.entry((client, tls)).or_insert(Tally { connections: 0, ..tally });
        *sum = sum.and(tally);
    }

    /// Counts all of the others.
    pub fn extend(&mut self, others: Self) {
        for ((client, tls), tally) in others.0 {
            self.add(client, tls, tally);
        }
    }

    /// Whether nobody was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every client, whether with TLS, and its count; in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Client, bool, Tally)> {
        self.0.iter().map(|((client, tls), tally)| (client, *tls, *tally))
    }
}

/// How far a server's log was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTo {
    /// The log file, by its name in the API.
    pub file: String,
    /// The byte that comes next.
    pub offset: u64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// A stretch of time whose connections the log may not have, or no longer had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its begin.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Its end; none while it lasts.
    #[serde(with = "time::serde::rfc3339::option")]
    pub to: Option<OffsetDateTime>,
}

/// What is known of how an instance's clients were watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientWatch {
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// How far the log was read; none before the first time.
    #[serde(default)]
    pub read_to: Option<ReadTo>,
    /// When the open sessions were last looked at.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub sampled_at: Option<OffsetDateTime>,
    /// From the begin of the first gap to the end of the last.
    #[serde(default)]
    pub gap: Option<Gap>,
    /// How many of the clients that were seen the longest ago are no longer kept.
    #[serde(default)]
    pub forgotten: u64,
}

impl ClientWatch {
    /// One that begins.
    pub fn new(since: OffsetDateTime) -> Self {
        Self { since, read_to: None, sampled_at: None, gap: None, forgotten: 0 }
    }

    /// Notes whether the log names connections now; that was last certain at `looked_at`, or else
    /// when something was last read.
    pub fn note_logging(
        &mut self,
        logged: bool,
        looked_at: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) {
        let lasts = self.gap.is_some_and(|gap| gap.to.is_none());
        if logged && lasts {
            self.gap = self.gap.map(|gap| Gap { to: Some(now), ..gap });
        } else if !logged && !lasts {
            let from = looked_at.unwrap_or_else(|| self.read_at());
            self.gap = Some(Gap { from: self.gap.map_or(from, |gap| gap.from), to: None });
            // What began before this moment may be in the log, and counted.
            self.sampled_at = None;
        }
    }

    fn read_at(&self) -> OffsetDateTime {
        self.read_to.as_ref().map_or(self.since, |it| it.at)
    }

    /// Notes how far the log was read, and whether lines of it were gone before that.
    pub fn note_reading(&mut self, read_to: Option<ReadTo>, lost: bool, now: OffsetDateTime) {
        if lost {
            let from = self.read_at();
            let lasts = self.gap.is_some_and(|gap| gap.to.is_none());
            let from = self.gap.map_or(from, |gap| gap.from.min(from));
            self.gap = Some(Gap { from, to: (!lasts).then_some(now) });
        }
        if read_to.is_some() {
            self.read_to = read_to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: OffsetDateTime = time::macros::datetime!(2026-11-24 12:00 UTC);
    const LATER: OffsetDateTime = time::macros::datetime!(2026-11-24 13:00 UTC);

    #[test]
    fn counts_add_up_with_and_without_tls_apart() {
        let text = || "x".to_owned();
        let client =
            Client { user: text(), database: text(), application: text(), address: text() };
        let mut all = Sightings::default();
        all.add(client.clone(), true, Tally::at(1, LATER));
        all.add(client.clone(), true, Tally::at(2, NOON));
        all.add(client.clone(), false, Tally::at(0, NOON));
        let mut twice = all.clone();
        twice.extend(all);
        let seen: Vec<_> = twice.iter().collect();
        let with = Tally { connections: 6, first_seen: NOON, last_seen: LATER };
        assert_eq!(seen, [(&client, false, Tally::at(0, NOON)), (&client, true, with)]);
    }

    #[test]
    fn a_gap_reaches_from_the_first_to_the_last() {
        let mut watch = ClientWatch::new(NOON);
        watch.note_logging(true, None, NOON);
        assert_eq!(watch.gap, None);
        watch.sampled_at = Some(NOON);
        watch.note_logging(false, Some(NOON), LATER);
        assert_eq!(watch.sampled_at, None);
        watch.note_reading(None, true, LATER);
        assert_eq!(watch.gap, Some(Gap { from: NOON, to: None }));
        watch.note_logging(false, Some(LATER), LATER);
        watch.note_logging(true, Some(LATER), LATER);
        watch.note_logging(true, None, LATER + time::Duration::HOUR);
        assert_eq!(watch.gap, Some(Gap { from: NOON, to: Some(LATER) }));

        let mut watch = ClientWatch::new(NOON);
        let read_to = ReadTo { file: "error/x".to_owned(), offset: 1, at: LATER };
        watch.note_reading(Some(read_to.clone()), false, LATER);
        watch.note_reading(None, true, LATER);
        assert_eq!(watch.gap, Some(Gap { from: LATER, to: Some(LATER) }));
        assert_eq!(watch.read_to, Some(read_to));
    }
}
