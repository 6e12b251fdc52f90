//! What real clients make of each word of `sslmode`: which root they have, whose name they use,
//! which authority signed, which major version answers, and whether it forces TLS. Every cell is
//! a session that a real client tried. The results are `docs/clients.md`, `docs/clients/cells.tsv`
//! and `docs/clients/words.tsv`, which must be what this test sees.
//!
//! Each client is a driver in its own language, under `tests/drivers`, that reads cells and
//! answers them in one process. It runs in a mount namespace in which `/etc/hosts` is the file
//! that this control plane keeps, so that it looks names up as it always does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod conformance;
mod groups;

use std::fs;

use pgkeep_testkit::{ControlPlane, Options, hold_page, page_path};

use conformance::cells::{Column, Row};
use conformance::record::Record;
use conformance::{cells, clients, page, servers, snippets};

const CELLS: &str = "clients/cells.tsv";
const WORDS: &str = "clients/words.tsv";

#[test]
fn the_page_is_what_clients_do() {
    // Without the distribution's engines: the answers must be the same on every machine.
    let absent = ("PGKEEP_SYSTEM_ENGINES".to_owned(), "/absent".to_owned());
    let options = Options { environment: vec![absent], ..Options::default() };
    let plane = ControlPlane::start_with(options);
    let servers = servers::start(&plane, &Column::all());
    let mut seen = clients::ask_all(&servers, |client| Row::all(client.name, client.words));
    let snippets = snippets::assert_all_verify(&plane, &servers);
    servers::delete(&plane, &servers);
    plane.assert_clean();

    let update = std::env::var_os("PGKEEP_UPDATE").is_some();
    let read = |name: &str| fs::read_to_string(page_path(name)).unwrap_or_default();
    if !update {
        seen.keep_words_of_other_ground(&Record::parse(&read(CELLS), &read(WORDS)));
    }
    assert_eq!(seen.len(), cells::count(), "every cell has its answer");
    hold_page(CELLS, &seen.render_cells());
    hold_page(WORDS, &seen.render_words());
    hold_page("clients.md", &page::render(&seen, &snippets));
}
