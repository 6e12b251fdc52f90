//! Open sessions, those alike counted together.

use std::collections::BTreeMap;

use pgkeep_model::Client;
use pgkeep_postgres::{Session, SessionTls};
use serde::Serialize;

use crate::table::{self, Row, name};

/// Sessions that are alike. Names are stable: docs/api.md lists them.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    user: String,
    database: String,
    application: String,
    address: String,
    tls: bool,
    tls_version: Option<String>,
    cipher: Option<String>,
    pub(super) count: u64,
}

impl Line {
    /// Those without TLS come first.
    pub(super) fn group(sessions: Vec<Session>) -> Vec<Self> {
        let mut counts: BTreeMap<(Option<SessionTls>, Client), u64> = BTreeMap::new();
        for session in sessions {
            *counts.entry((session.tls, session.client)).or_default() += 1;
        }
        let line = |((tls, client), count): ((Option<SessionTls>, Client), u64)| Self {
            user: client.user,
            database: client.database,
            application: client.application,
            address: client.address,
            tls: tls.is_some(),
            tls_version: tls.as_ref().map(|tls| tls.version.clone()),
            cipher: tls.map(|tls| tls.cipher),
            count,
        };
        counts.into_iter().map(line).collect()
    }

    pub(super) fn is_plaintext(&self) -> bool {
        !self.tls
    }
}

impl Row for Line {
    const HEADS: &'static [&'static str] =
        &["USER", "DATABASE", "APPLICATION", "ADDRESS", "TLS", "CIPHER", "SESSIONS"];

    fn cells(&self) -> Vec<String> {
        vec![
            name(&self.user),
            name(&self.database),
            name(&self.application),
            name(&self.address),
            self.tls_version.clone().unwrap_or_else(|| "WITHOUT".to_owned()),
            self.cipher.clone().unwrap_or_else(|| "-".to_owned()),
            self.count.to_string(),
        ]
    }
}

/// The lines as a table.
pub(super) fn render(lines: &[Line]) -> String {
    let heads = Line::HEADS.iter().map(ToString::to_string).collect();
    table::render(heads, lines.iter().map(Row::cells))
}
