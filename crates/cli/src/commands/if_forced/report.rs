//! What is known of an instance's clients, as a verdict, a table and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pgkeep_model::{Client, DbInstance, Gap, Tally};
use serde::Serialize;
use time::OffsetDateTime;

use super::Known;
use crate::instances::render_time;
use crate::table::{self, CLIENT_HEADS, client_cells};

/// The first version whose log has application names.
const LOGS_APPLICATIONS: u16 = 12;

/// Names are stable: docs/api.md lists them.
#[derive(Serialize)]
pub(super) struct Report {
    identifier: String,
    force_ssl: bool,
    verdict: String,
    pub(super) would_be_refused: usize,
    clients_seen: usize,
    connections: u64,
    known_since: String,
    seen_since: Option<String>,
    connections_are_logged: bool,
    gap_from: Option<String>,
    gap_to: Option<String>,
    forgotten: u64,
    sessions_failure: Option<String>,
    clients: Vec<Line>,
    #[serde(skip)]
    logs_applications: bool,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    client: Client,
    would_be_refused: bool,
    connections: u64,
    connections_without_tls: u64,
    first_seen: String,
    last_seen: String,
    last_seen_without_tls: Option<String>,
    sessions: u64,
    sessions_without_tls: u64,
}

/// A client with TLS and without.
#[derive(Default)]
struct Both {
    without: Option<Tally>,
    with: Option<Tally>,
    sessions: u64,
    sessions_without: u64,
}

impl Report {
    pub(super) fn of(instance: &DbInstance, known: Known, from: Option<OffsetDateTime>) -> Self {
        let Known { watch, mut seen, sessions, is_logged, now } = known;
        let (open, sessions_failure) = match sessions {
            Ok(sessions) => (sessions, None),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        for session in &open {
            seen.add(session.client.clone(), session.tls.is_some(), Tally::at(0, now));
        }
        let mut clients: BTreeMap<&Client, Both> = BTreeMap::new();
        for (client, tls, tally) in seen.iter() {
            let both = clients.entry(client).or_default();
            *(if tls { &mut both.with } else { &mut both.without }) = Some(tally);
        }
        for session in &open {
            if let Some(both) = clients.get_mut(&session.client) {
                both.sessions += 1;
                both.sessions_without += u64::from(session.tls.is_none());
            }
        }
        let is_forced = instance.force_ssl();
        let lines = clients.into_iter().filter_map(|(client, both)| both.line(client, is_forced));
        let clients: Vec<Line> = lines.collect();
        let mut report = Self {
            identifier: instance.desired.identifier.to_string(),
            force_ssl: is_forced,
            verdict: String::new(),
            would_be_refused: clients.iter().filter(|it| it.would_be_refused).count(),
            clients_seen: clients.len(),
            connections: clients.iter().map(|it| it.connections).sum(),
            known_since: render_time(watch.since),
            seen_since: from.map(render_time),
            connections_are_logged: is_logged,
            gap_from: watch.gap.map(|gap: Gap| render_time(gap.from)),
            gap_to: watch.gap.and_then(|gap| gap.to).map(render_time),
            forgotten: watch.forgotten,
            sessions_failure,
            clients,
            logs_applications: instance.desired.engine_version.major >= LOGS_APPLICATIONS,
        };
        report.verdict = report.verdict();
        report
    }

    fn verdict(&self) -> String {
        let since = self.seen_since.as_ref().unwrap_or(&self.known_since);
        let (refused, seen) = (self.would_be_refused, self.clients_seen);
        match (self.force_ssl, refused) {
            (true, 0) => "rds.force_ssl is 1 already, and nobody is connected without TLS".into(),
            (true, _) => format!(
                "rds.force_ssl is 1 already: {refused} of {seen} clients have sessions without TLS \
                 from before, and would not get another"
            ),
            (false, 0) => format!(
                "rds.force_ssl=1 would refuse nobody: no one connected without TLS since {since}, \
                 {} connections seen",
                self.connections
            ),
            (false, _) => format!("rds.force_ssl=1 would refuse {refused} of {seen} clients"),
        }
    }

    pub(super) fn render(&self) -> String {
        let mut text = format!("{}.\n", self.verdict);
        let mut refused = self.clients.iter().filter(|it| it.would_be_refused).peekable();
        if refused.peek().is_some() {
            let own = ["WITHOUT TLS", "LAST WITHOUT TLS", "OPEN NOW"];
            let heads = CLIENT_HEADS.into_iter().chain(own).map(str::to_owned).collect();
            let _ = write!(text, "\n{}", table::render(heads, refused.map(Line::cells)));
            text.push_str(
                "\nLet each of them connect with sslmode=verify-full and the bundle that `pgkeep \
                 bundle` prints,\nthen ask again with --since 1. One with sslmode=allow is shown \
                 here too: it takes to TLS by itself.\n",
            );
        }
        for note in self.notes() {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("Known since {}.", self.known_since)];
        if let Some(since) = &self.seen_since {
            notes.push(format!(
                "Clients seen since {since}; their connections are counted from the first on."
            ));
        }
        if let Some(from) = &self.gap_from {
            let to = self.gap_to.as_deref().unwrap_or("now");
            notes.push(format!(
                "Connections between {from} and {to} may be missing: they were not logged, or the \
                 log was gone."
            ));
        }
        if !self.connections_are_logged {
            notes.push(
                "The parameter group keeps connections out of the log (log_connections, \
                 log_min_messages): only sessions are seen, those open now and each half hour."
                    .to_owned(),
            );
        }
        if !self.logs_applications {
            notes.push(
                "This version logs no application names; those shown are of open sessions."
                    .to_owned(),
            );
        }
        if self.forgotten > 0 {
            notes.push(format!("{} clients of the past are no longer kept.", self.forgotten));
        }
        if let Some(failure) = &self.sessions_failure {
            notes.push(format!("Which sessions are open now is not known: {failure}"));
        }
        notes
    }
}

impl Both {
    fn line(self, client: &Client, is_forced: bool) -> Option<Line> {
        let tally = match (self.without, self.with) {
            (Some(without), Some(with)) => without.and(with),
            (one, other) => one.or(other)?,
        };
        let would_be_refused =
            if is_forced { self.sessions_without > 0 } else { self.without.is_some() };
        Some(Line {
            client: client.clone(),
            would_be_refused,
            connections: tally.connections,
            connections_without_tls: self.without.map_or(0, |it| it.connections),
            first_seen: render_time(tally.first_seen),
            last_seen: render_time(tally.last_seen),
            last_seen_without_tls: self.without.map(|it| render_time(it.last_seen)),
            sessions: self.sessions,
            sessions_without_tls: self.sessions_without,
        })
    }
}

impl Line {
    fn cells(&self) -> Vec<String> {
        let own = [
            format!("{} of {}", self.connections_without_tls, self.connections),
            self.last_seen_without_tls.clone().unwrap_or_default(),
            self.sessions_without_tls.to_string(),
        ];
        [client_cells(&self.client), own.to_vec()].concat()
    }
}
