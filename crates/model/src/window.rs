//! The daily backup window and the weekly maintenance window, in UTC.
//!
//! A window is a start and a length on a circle of minutes, the day or the week, so that one that
//! runs over midnight, or from Sunday into Monday, is no special case. The moment is always a
//! parameter.

mod text;

use time::OffsetDateTime;

use crate::validate::InvalidParameter;

/// Minutes of a day.
const DAY: u32 = 24 * 60;
/// Minutes of a week.
const WEEK: u32 = 7 * DAY;
/// The least length of a window, in minutes.
const MIN_LENGTH: u32 = 30;

/// A range of minutes that comes again every `PERIOD` minutes; position 0 is midnight, of Monday
/// where the period is a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window<const PERIOD: u32> {
    start: u32,
    length: u32,
}

/// `PreferredBackupWindow`: `hh24:mi-hh24:mi`, at least 30 minutes a day.
pub type BackupWindow = Window<DAY>;

/// `PreferredMaintenanceWindow`: `ddd:hh24:mi-ddd:hh24:mi`, 30 minutes to 24 hours a week.
pub type MaintenanceWindow = Window<WEEK>;

impl<const PERIOD: u32> Window<PERIOD> {
    /// Whether `now` is inside; the last minute's end is outside.
    pub fn contains(self, now: OffsetDateTime) -> bool {
        distance::<PERIOD>(self.start, position::<PERIOD>(now)) < self.length
    }

    /// The first moment not before `now` at which the window opens, in UTC; `now` itself where
    /// the calendar ends before that.
    pub fn next_start(self, now: OffsetDateTime) -> OffsetDateTime {
        let second = now.unix_timestamp() + i64::from(now.nanosecond() > 0);
        let minute = second.div_euclid(60) + i64::from(second.rem_euclid(60) > 0);
        let wait = distance::<PERIOD>(minute_position::<PERIOD>(minute), self.start);
        OffsetDateTime::from_unix_timestamp((minute + i64::from(wait)) * 60).unwrap_or(now)
    }

    /// The window between two positions, forwards from `start`.
    fn between(start: u32, end: u32) -> Self {
        Self { start, length: distance::<PERIOD>(start, end) }
    }

    fn end(self) -> u32 {
        (self.start + self.length) % PERIOD
    }
}

impl MaintenanceWindow {
    /// Whether the two are ever open at the same time; one may start as the other ends.
    pub fn overlaps(self, backup: BackupWindow) -> bool {
        let start = self.start % DAY;
        distance::<DAY>(start, backup.start) < self.length
            || distance::<DAY>(backup.start, start) < backup.length
    }
}

/// The windows of an instance, from those asked for: the rest is chosen by `seed`, clear of what
/// was asked for and always alike for one seed.
///
/// RDS takes half an hour by chance from an eight-hour block of the region's night, on any day;
/// here the block is 03:00–11:00 for every region, unless the other window fills it.
/// Fails if both are given and overlap, or if one leaves no half hour clear for the other.
pub fn decide_windows(
    backup: Option<BackupWindow>,
    maintenance: Option<MaintenanceWindow>,
    seed: u64,
) -> Result<(BackupWindow, MaintenanceWindow), InvalidParameter> {
    let clear = |pair: &(BackupWindow, MaintenanceWindow)| !pair.1.overlaps(pair.0);
    let day = u32::try_from(seed / 16 % 7).unwrap_or_default() * DAY;
    let pair = match (backup, maintenance) {
        (Some(backup), Some(maintenance)) => Some((backup, maintenance)).filter(clear),
        (None, Some(maintenance)) => slots(seed).map(|slot| (slot, maintenance)).find(clear),
        (backup, None) => {
            // Two defaults come from different digits of the seed: neighbours only by chance.
            let backup = backup.or_else(|| slots(seed).next());
            let weekly =
                |slot: BackupWindow| Window { start: day + slot.start, length: MIN_LENGTH };
            backup
                .and_then(|backup| slots(seed / 112).map(|slot| (backup, weekly(slot))).find(clear))
        }
    };
    pair.ok_or(InvalidParameter::WindowsOverlap)
}

/// Every half hour of the day, from the block's slot that `seed` chooses onwards.
fn slots(seed: u64) -> impl Iterator<Item = BackupWindow> {
    const BLOCK_START: u32 = 3 * 60;
    let first = u32::try_from(seed % 16).unwrap_or_default();
    // The block's slots come first, then the rest of the day.
    let order = (0..16).map(move |n| (first + n) % 16).chain(16..48);
    order.map(|slot| Window { start: (BLOCK_START + slot * 30) % DAY, length: 30 })
}

/// Minutes forwards from one position to another.
fn distance<const PERIOD: u32>(from: u32, to: u32) -> u32 {
    (to + PERIOD - from % PERIOD) % PERIOD
}

fn position<const PERIOD: u32>(now: OffsetDateTime) -> u32 {
    minute_position::<PERIOD>(now.unix_timestamp().div_euclid(60))
}

/// The position of a minute counted from 1970-01-01T00:00Z, a Thursday: three days after Monday.
fn minute_position<const PERIOD: u32>(minute: i64) -> u32 {
    let position = (minute + 3 * i64::from(DAY)).rem_euclid(i64::from(PERIOD));
    u32::try_from(position).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;
    use time::{Duration, Weekday};

    use super::*;

    fn maintenance(text: &str) -> MaintenanceWindow {
        text.parse().unwrap()
    }

    fn backup(text: &str) -> BackupWindow {
        text.parse().unwrap()
    }

    /// 2026-11-22 is a Sunday.
    #[test]
    fn a_week_end_is_no_edge() {
        let window = maintenance("sun:23:45-mon:00:15");
        assert_eq!(datetime!(2026-11-22 0:00 UTC).weekday(), Weekday::Sunday);
        for (now, inside) in [
            (datetime!(2026-11-22 23:44:59 UTC), false),
            (datetime!(2026-11-22 23:45 UTC), true),
            (datetime!(2026-11-23 00:14:59.999 UTC), true),
            (datetime!(2026-11-23 00:15 UTC), false),
            (datetime!(2026-11-23 01:00 +1), true),
            (datetime!(1969-12-28 23:45 UTC), true),
        ] {
            assert_eq!(window.contains(now), inside, "{now}");
        }
    }

    #[test]
    fn the_next_start() {
        let (weekly, daily) = (maintenance("sun:23:45-mon:00:15"), backup("00:00-00:30"));
        for (now, next) in [
            (datetime!(2026-11-22 23:45 UTC), datetime!(2026-11-22 23:45 UTC)),
            (datetime!(2026-11-22 23:44:59.5 UTC), datetime!(2026-11-22 23:45 UTC)),
            (datetime!(2026-11-22 23:45:00.000000001 UTC), datetime!(2026-11-29 23:45 UTC)),
            (datetime!(1969-12-25 0:00 UTC), datetime!(1969-12-28 23:45 UTC)),
        ] {
            assert_eq!(weekly.next_start(now), next, "{now}");
        }
        let now = datetime!(2026-12-31 12:00 -3);
        assert_eq!(daily.next_start(now), datetime!(2027-01-01 0:00 UTC));
        let last = datetime!(9999-12-31 23:59:59 UTC);
        assert_eq!(daily.next_start(last), last);
    }

    #[test]
    fn overlaps() {
        for (weekly, daily, overlap) in [
            ("wed:18:00-wed:22:00", "20:00-20:30", true),
            ("mon:07:29-mon:07:59", "07:00-07:30", true),
            ("mon:07:30-mon:08:00", "07:00-07:30", false),
            ("mon:06:30-mon:07:00", "07:00-07:30", false),
            ("sun:23:45-mon:00:15", "00:00-00:30", true),
            ("sun:23:45-mon:00:15", "23:00-00:00", true),
            ("sun:23:45-mon:00:15", "00:15-23:45", false),
            ("mon:12:00-tue:11:59", "12:00-12:30", true),
            ("mon:12:00-mon:12:30", "06:00-05:30", true),
        ] {
            assert_eq!(maintenance(weekly).overlaps(backup(daily)), overlap, "{weekly} {daily}");
        }
    }

    #[test]
    fn what_was_asked_for_is_kept_or_refused() {
        let (daily, weekly) = (backup("07:00-07:30"), maintenance("mon:07:00-mon:07:30"));
        let refusal = decide_windows(Some(daily), Some(weekly), 0).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "The backup window and maintenance window must not overlap."
        );
        let nearly_all_day = backup("06:20-06:10");
        assert!(decide_windows(Some(nearly_all_day), None, 0).is_err());
        let block = backup("02:00-12:00");
        let (_, chosen) = decide_windows(Some(block), None, 7).unwrap();
        assert_eq!(chosen.to_string(), "mon:12:00-mon:12:30");
    }

    #[test]
    fn defaults_use_all_days_and_slots() {
        let pairs: Vec<_> =
            (0..2_000).map(|seed| decide_windows(None, None, seed).unwrap()).collect();
        let days: std::collections::HashSet<u32> = pairs.iter().map(|p| p.1.start / DAY).collect();
        let slots: std::collections::HashSet<u32> = pairs.iter().map(|p| p.0.start).collect();
        assert_eq!((days.len(), slots.len()), (7, 16));
    }

    proptest! {
        #[test]
        fn defaults_are_stable_and_clear(seed: u64) {
            let (daily, weekly) = decide_windows(None, None, seed).unwrap();
            prop_assert_eq!(decide_windows(None, None, seed).unwrap(), (daily, weekly));
            prop_assert_eq!((daily.length, weekly.length), (30, 30));
            prop_assert!(!weekly.overlaps(daily));
            prop_assert!(decide_windows(Some(daily), Some(weekly), 0).is_ok());
        }

        /// The oracle walks the minutes of a week one by one.
        #[test]
        fn overlaps_is_a_shared_minute(
            weekly in (0..WEEK, 30..DAY),
            daily in (0..DAY, 30..DAY),
        ) {
            let weekly = MaintenanceWindow { start: weekly.0, length: weekly.1 };
            let daily = BackupWindow { start: daily.0, length: daily.1 };
            let monday = datetime!(2026-11-23 0:00 UTC);
            let shared = (0..WEEK).map(|m| monday + Duration::minutes(m.into()))
                .any(|now| weekly.contains(now) && daily.contains(now));
            prop_assert_eq!(weekly.overlaps(daily), shared);
        }

        #[test]
        fn the_next_start_opens(start in 0..WEEK, at in 0_i64..4_000_000_000) {
            let window = MaintenanceWindow { start, length: 30 };
            let now = OffsetDateTime::from_unix_timestamp(at).unwrap();
            let next = window.next_start(now);
            prop_assert!(next >= now && next - now < Duration::weeks(1));
            prop_assert!(window.contains(next));
            prop_assert!(!window.contains(next - Duration::seconds(1)));
        }
    }
}
