//! Windows as text. Days and times are two digits and three letters, no less: what is shown is
//! what was given, in lowercase.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{BackupWindow, DAY, MIN_LENGTH, MaintenanceWindow, Window};
use crate::validate::InvalidParameter;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl FromStr for BackupWindow {
    type Err = InvalidParameter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = text
            .split_once('-')
            .ok_or_else(|| InvalidParameter::BackupWindow { text: text.to_owned() })?;
        let read = |time: &str| {
            parse_time(time)
                .ok_or_else(|| InvalidParameter::BackupWindowTime { time: time.to_owned() })
        };
        let window = Self::between(read(start)?, read(end)?);
        if window.length < MIN_LENGTH {
            return Err(InvalidParameter::BackupWindowTooShort);
        }
        Ok(window)
    }
}

impl FromStr for MaintenanceWindow {
    type Err = InvalidParameter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = text
            .split_once('-')
            .ok_or_else(|| InvalidParameter::MaintenanceWindow { text: text.to_owned() })?;
        let read = |time: &str| {
            parse_day_time(time)
                .ok_or_else(|| InvalidParameter::MaintenanceWindowTime { time: time.to_owned() })
        };
        let window = Self::between(read(start)?, read(end)?);
        if window.length < MIN_LENGTH {
            return Err(InvalidParameter::MaintenanceWindowTooShort);
        }
        if window.length >= DAY {
            return Err(InvalidParameter::MaintenanceWindowTooLong);
        }
        Ok(window)
    }
}

impl fmt::Display for BackupWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |position: u32| format!("{:02}:{:02}", position / 60, position % 60);
        write!(f, "{}-{}", clock(self.start), clock(self.end()))
    }
}

impl fmt::Display for MaintenanceWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |position: u32| {
            let day = DAYS.into_iter().nth((position / DAY) as usize).unwrap_or_default();
            format!("{day}:{:02}:{:02}", position % DAY / 60, position % 60)
        };
        write!(f, "{}-{}", clock(self.start), clock(self.end()))
    }
}

impl<const PERIOD: u32> Serialize for Window<PERIOD>
where
    Self: fmt::Display,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const PERIOD: u32> Deserialize<'de> for Window<PERIOD>
where
    Self: FromStr<Err = InvalidParameter>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `ddd:hh24:mi` as minutes from Monday's midnight; the day in any case.
fn parse_day_time(text: &str) -> Option<u32> {
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(day))?;
    Some(u32::try_from(day).ok()? * DAY + parse_time(time)?)
}

/// `hh24:mi` as minutes from midnight.
fn parse_time(text: &str) -> Option<u32> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let [h1, h2, b':', m1, m2] = *text.as_bytes() else {
        return None;
    };
    let (hour, minute) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::WEEK;
    use super::*;

    #[test]
    fn read_and_written() {
        for text in ["03:00-03:30", "23:45-00:15", "00:00-23:59", "00:30-00:00"] {
            assert_eq!(text.parse::<BackupWindow>().unwrap().to_string(), text);
        }
        for text in ["sun:23:45-mon:00:15", "mon:00:00-mon:00:30", "sat:12:00-sun:11:59"] {
            assert_eq!(text.parse::<MaintenanceWindow>().unwrap().to_string(), text);
            let json = serde_json::to_string(&text.parse::<MaintenanceWindow>().unwrap()).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert!(serde_json::from_str::<MaintenanceWindow>(&json).is_ok());
        }
        let capital = "Mon:01:00-MON:02:00".parse::<MaintenanceWindow>().unwrap();
        assert_eq!(capital.to_string(), "mon:01:00-mon:02:00");
    }

    #[test]
    fn backup_windows_refused() {
        let text = |text: &str| text.parse::<BackupWindow>().unwrap_err().to_string();
        assert_eq!(
            text("25:00-26:00"),
            "Invalid backup window time '25:00' specified. Should be specified as a time hh24:mi \
             (24H Clock UTC). Example: 03:15"
        );
        assert!(text("0700-0730").starts_with("Invalid backup window time '0700' specified."));
        assert!(text("sun:03:00-sun:04:00").contains("window time 'sun:03:00' specified"));
        for short in ["02:00-02:10", "02:00-02:29", "02:00-02:00", "23:50-00:19"] {
            assert_eq!(text(short), "Backup window must be at least 30 minutes.");
        }
        for format in ["", "02:00", "02:00 02:30"] {
            assert!(text(format).starts_with("Invalid backup window format: "), "{format}");
        }
        for time in
            ["2:00-03:00", "02:60-03:00", "+2:00-03:00", "02:00-03:00-04:00", "02:00 -03:00"]
        {
            assert!(text(time).starts_with("Invalid backup window time "), "{time}");
        }
    }

    #[test]
    fn maintenance_windows_refused() {
        let text = |text: &str| text.parse::<MaintenanceWindow>().unwrap_err().to_string();
        assert_eq!(
            text("xxx:00:00-xxx:01:00"),
            "Invalid maintenance window time 'xxx:00:00' specified. Should be specified as a time \
             ddd:hh24:mi (24H Clock UTC). Example: Mon:00:15"
        );
        assert!(text("07:30-08:00").contains("window time '07:30' specified"));
        assert_eq!(
            text("sun"),
            "Invalid maintenance window format: sun. Should be specified as a range \
             ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). Example: Sun:23:45-Mon:00:15"
        );
        for short in ["mon:02:00-mon:02:29", "mon:02:00-mon:02:00", "sun:23:50-mon:00:19"] {
            assert_eq!(text(short), "The maintenance window must be at least 30 minutes.");
        }
        for long in ["mon:02:00-tue:02:00", "mon:02:00-mon:01:30"] {
            assert_eq!(text(long), "Maintenance window must be less than 24 hours.");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC{0,30}|[a-z]{3}:[0-9:]{5}-[a-z]{3}:[0-9:]{5}") {
            let _ = (text.parse::<BackupWindow>(), text.parse::<MaintenanceWindow>());
        }

        #[test]
        fn every_window_is_read_as_written(start in 0..WEEK, length in 30..DAY) {
            let weekly = MaintenanceWindow { start, length };
            prop_assert_eq!(weekly.to_string().parse(), Ok(weekly));
            let daily = BackupWindow { start: start % DAY, length };
            prop_assert_eq!(daily.to_string().parse(), Ok(daily));
        }
    }
}
