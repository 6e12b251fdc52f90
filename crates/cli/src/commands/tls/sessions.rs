//! Open sessions, those alike counted together.

use std::collections::BTreeMap;

use pgkeep_model::Client;
use pgkeep_postgres::{Session, SessionTls};
use serde::Serialize;

use crate::table::{self, CLIENT_HEADS, client_cells};

/// Sessions that are alike. Names are stable: docs/api.md lists them.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    client: Client,
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
            client,
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

/// The lines as a table.
pub(super) fn render(lines: &[Line]) -> String {
    let heads = CLIENT_HEADS.into_iter().chain(["TLS", "CIPHER", "SESSIONS"]);
    let cells = |line: &Line| {
        let own = [
            line.tls_version.clone().unwrap_or_else(|| "WITHOUT".to_owned()),
            line.cipher.clone().unwrap_or_else(|| "-".to_owned()),
            line.count.to_string(),
        ];
        [client_cells(&line.client), own.to_vec()].concat()
    };
    table::render(heads.map(str::to_owned).collect(), lines.iter().map(cells))
}
