//! The work of an instance: sessions over TLS, all verified, that write numbered rows.

use std::process::Stdio;

use pgkeep_testkit::Session;

use crate::arena::{Arena, pause};
use crate::random::Random;
use crate::wish::{Slot, Wish};

/// Between two rows, and before another session is tried.
const ROW_PAUSE_MS: u64 = 15;
const SESSION_PAUSE_MS: u64 = 150;

/// Writes rows until the round is over.
pub(crate) fn write(arena: &Arena, slot: &Slot, mut random: Random) {
    while !arena.is_over() {
        write_session(arena, slot, random.between(1, 300));
        pause(SESSION_PAUSE_MS);
    }
}

/// Writes rows in a session of its own, as long as it lasts.
fn write_session(arena: &Arena, slot: &Slot, rows: u64) -> Option<()> {
    let wish = slot.wish()?;
    let instance = arena.look(&wish.identifier).filter(|it| it.address.is_some())?;
    let mut command = wish.psql(&arena.plane(), &instance).command();
    // What fails is tried again: the rows are what counts.
    command.args(["--set", "ON_ERROR_STOP=1"]).stderr(Stdio::null());
    let mut session = Session::of(command);
    write_rows(arena, &wish, &mut session, rows);
    session.end();
    Some(())
}

fn write_rows(arena: &Arena, wish: &Wish, session: &mut Session, rows: u64) -> Option<()> {
    session.try_ask("CREATE TABLE IF NOT EXISTS kept (n bigint PRIMARY KEY); SELECT 1;")?;
    for _ in 0..rows {
        if arena.is_over() {
            break;
        }
        let number = {
            let mut rows = wish.rows();
            rows.next += 1;
            rows.next - 1
        };
        let answer = session.try_ask(&format!("INSERT INTO kept VALUES ({number}) RETURNING n;"));
        assert_eq!(answer?, number.to_string());
        wish.rows().acknowledged.insert(number);
        arena.figures.acknowledged();
        pause(ROW_PAUSE_MS);
    }
    Some(())
}
