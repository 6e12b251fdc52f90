//! What each major version really speaks: the defaults of the reference page, held against the API
//! and the running server, and every protocol version and cipher suite, enumerated on the wire for
//! both kinds of key. The result is `docs/wire.md`, which must be what this test sees.
//!
//! TLS 1.1 is shown by psql: refused by default from 12 on, a session with a group that opens it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;
mod wire;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use pgkeep_testkit::{ControlPlane, Options, hold_page, page_path};

use wire::seen::{Engine, Seen};
use wire::{SYSTEM_ENGINES, newest_system_engine, page};

const PAGE: &str = "wire.md";

/// Servers that run at a time.
const WORKERS: usize = 3;

#[test]
fn the_page_is_what_the_wire_shows() {
    // Without the distribution's engines first: the page must be the same on every machine.
    let absent = ("PGKEEP_SYSTEM_ENGINES".to_owned(), "/absent".to_owned());
    let options = Options { environment: vec![absent], ..Options::default() };
    let mut plane = ControlPlane::start_with(options);
    let seen = look_at_all(&plane, (10..=18).map(Engine::Pinned).collect());

    plane.restart_with("PGKEEP_SYSTEM_ENGINES", Some(SYSTEM_ENGINES.to_owned()));
    let engine = Engine::System(newest_system_engine());
    let system = wire::seen::look(&plane, engine);
    plane.assert_clean();

    let checked_in = fs::read_to_string(page_path(PAGE)).unwrap_or_default();
    hold_page(PAGE, &page::render(&seen, &system, &distribution(), &checked_in));
}

/// Looks at engines, a few at a time; in the order of `engines`.
fn look_at_all(plane: &ControlPlane, engines: VecDeque<Engine>) -> Vec<Seen> {
    let (waiting, done) = (Mutex::new(engines), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(engine) = { waiting.lock().unwrap().pop_front() } {
                    let seen = wire::seen::look(plane, engine);
                    done.lock().unwrap().push(seen);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|seen| seen.engine.major());
    done
}

/// The name and version of this machine's distribution: `Debian 12`.
fn distribution() -> String {
    let release = fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default();
    let value = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or("unknown").trim_matches('"').to_owned()
    };
    let name = value("NAME");
    format!("{} {}", name.split(' ').next().unwrap_or_default(), value("VERSION_ID"))
}
