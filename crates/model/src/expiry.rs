//! When the end of a certificate is spoken of, in events and by `pgkeep doctor`.

use time::{Duration, OffsetDateTime};

/// Days before the end of a certificate from which on it is warned of, each time once. All are
/// late: it was to be renewed at half of its life, or 30 days before the end whatever the window.
pub const EXPIRY_WARNING_DAYS: [u16; 3] = [90, 30, 7];

/// The latest warning that is due.
pub fn due_expiry_warning(not_after: OffsetDateTime, now: OffsetDateTime) -> Option<u16> {
    let is_due = |days: &u16| not_after - now <= Duration::days(i64::from(*days));
    EXPIRY_WARNING_DAYS.into_iter().filter(is_due).min()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn each_warning_has_its_time() {
        let end = datetime!(2027-01-01 0:00 UTC);
        let due = |days| due_expiry_warning(end, end - Duration::days(days));
        let expected = [(91, None), (90, Some(90)), (31, Some(90)), (30, Some(30)), (8, Some(30))];
        assert!(expected.iter().all(|(days, warning)| due(*days) == *warning));
        assert!([7, 0, -100].iter().all(|days| due(*days) == Some(7)));
    }
}
