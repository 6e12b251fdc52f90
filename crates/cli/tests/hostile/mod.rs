//! Values for parameters, right, wrong and hostile, the same for the same seed.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "any value will do"
)]

use crate::Parameter;

/// A small generator (`SplitMix64`), the same on every machine.
pub(crate) struct Dice(pub(crate) u64);

/// What breaks files, quoting, SQL, XML and numbers.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "'",
    "''",
    "\\",
    "\\'",
    "\"",
    "\n",
    "1\nport = 1",
    "on\r\nssl = off",
    "1'\nssl = off #",
    "\t",
    "\0",
    "1\0",
    "a\0b",
    "\u{1}",
    "\u{7f}",
    "é",
    "日本",
    "\u{202e}1",
    "\u{feff}on",
    "１",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "-0",
    "+1",
    "0x10",
    "010",
    "1_000",
    "1 000",
    "1,5",
    "1.5",
    "1e2",
    ".5",
    "5.",
    "--1",
    "1;",
    "1 #",
    "1 -- x",
    "'; DROP ROLE rdsadmin; --",
    "$user",
    "%p",
    "${HOME}",
    "../x",
    "/etc/passwd",
    "include '/etc/passwd'",
    "<a>&b;",
    "]]>",
    "DEFAULT",
    "default",
    "null",
    "tru",
    "o",
    "of",
    "t",
    "y",
    "ON",
    "Off",
    "yes",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "1MB",
    "1mb",
    "1 MB",
    "1GB",
    "1TB",
    "0TB",
    "1B",
    "1ms",
    "1 min",
    "1h",
    "1d",
    "1us",
    "1PB",
    "-1kB",
    "{DBInstanceClassMemory/1}",
    "{DBInstanceClassMemory/32768}",
    "LEAST({DBInstanceClassMemory/9531392},64)",
    "{x}",
    "{",
    "}",
    "SUM(1,",
    "GREATEST(1,2)",
    "{DBInstanceClassMemory/0}",
    "log(DBInstanceVCPU)",
    "TLSV1.2",
];

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(crate) fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// A value for a parameter: hostile, or near to what it takes.
    pub(crate) fn value(&mut self, one: &Parameter) -> String {
        if self.below(3) == 0 {
            return self.hostile();
        }
        match one.data_type.as_str() {
            "boolean" => self.one_of(&["0", "1", "on", "OFF", "True", "no", "yes"]).to_owned(),
            "integer" | "float" => self.number(one),
            _ if one.allowed.is_empty() => {
                let texts =
                    ["", "a", "public", "\"$user\", public", "it's", "a\\b", "x y", "#", "é"];
                self.one_of(&texts).to_owned()
            }
            kind => {
                let words: Vec<_> = one.allowed.split(',').collect();
                let word = self.one_of(&words).to_owned();
                match self.below(4) {
                    0 => word.to_uppercase(),
                    1 => word.to_lowercase(),
                    2 if kind == "list" => format!("{word}, {}", self.one_of(&words)),
                    _ => word,
                }
            }
        }
    }

    fn hostile(&mut self) -> String {
        match self.below(20) {
            0 => "9".repeat(1 + self.below(400)),
            1 => "x".repeat(1 + self.below(9000)),
            2 => (0..self.below(12)).map(|_| char::from(self.below(128) as u8)).collect(),
            _ => self.one_of(HOSTILE).to_owned(),
        }
    }

    fn number(&mut self, one: &Parameter) -> String {
        let range = one.allowed.rmatch_indices('-').map(|(at, _)| one.allowed.split_at(at));
        let range = range.map(|(least, most)| (least, &most[1..]));
        let numbers = range.filter_map(|(least, most)| {
            Some((least.parse::<f64>().ok()?, most.parse::<f64>().ok()?, least, most))
        });
        let Some((low, high, least, most)) = numbers.into_iter().next() else {
            return "1".to_owned();
        };
        let units: &[&str] = match one.unit.as_str() {
            "B" | "kB" | "8kB" | "MB" => &["B", "kB", "MB", "GB", " MB"],
            "us" | "ms" | "s" | "min" => &["us", "ms", "s", "min", "h", "d"],
            _ => &["kB", "ms"],
        };
        match self.below(8) {
            0 => least.to_owned(),
            1 => most.to_owned(),
            2 => format!("{}", low - 1.0),
            3 => format!("{}", high + 1.0),
            4 => format!("{}{}", 1 + self.below(4096), self.one_of(units)),
            5 if one.data_type == "float" => format!("{}", low + (high.min(1e6) - low) / 3.0),
            _ => format!(
                "{}",
                low.max(0.0) as i64 + self.below(high.min(1000.0) as usize + 1) as i64
            ),
        }
    }
}
