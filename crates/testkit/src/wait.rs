//! Waiting for a state of the world: looked at again and again, up to a limit, never assumed after
//! some time.

use std::time::{Duration, Instant};

/// How long to leave between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until `look` finds what it waits for, and gives that. What it found instead, its error,
/// is shown when the limit is over.
#[track_caller]
pub fn wait_until<T>(what: &str, limit: Duration, look: impl FnMut() -> Result<T, String>) -> T {
    match look_until(limit, look) {
        Ok(found) => found,
        Err(seen) => panic!("waited {} s until {what}; last seen: {seen}", limit.as_secs()),
    }
}

/// The same, with what was last seen as the error.
pub(crate) fn look_until<T>(
    limit: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(seen) if start.elapsed() > limit => return Err(seen),
            Err(_) => pause(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks at what cannot wake a test")]
fn pause() {
    std::thread::sleep(PAUSE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_given() {
        let mut looks = 0;
        let found = wait_until("it is there", Duration::from_mins(1), || {
            looks += 1;
            if looks == 3 { Ok("it") } else { Err(format!("{looks} looks")) }
        });
        assert_eq!((found, looks), ("it", 3));
    }

    #[test]
    #[should_panic(expected = "waited 0 s until the end; last seen: the middle")]
    fn a_limit_that_is_over_shows_what_was_last_seen() {
        wait_until("the end", Duration::ZERO, || Err::<(), _>("the middle".to_owned()));
    }
}
