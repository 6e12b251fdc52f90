//! Numbers with units: `16MB` for a parameter that counts pages of 8 kB.
//!
//! Source: "Parameter Names and Values" of PostgreSQL's manual. PostgreSQL rounds what is not a
//! whole number of the parameter's unit; here it is refused, so that what is read back is what was
//! meant.

/// A unit by name, as so many of the smallest of its kind: bytes, or microseconds.
struct Unit {
    name: &'static str,
    size: i128,
    is_time: bool,
}

const fn bytes(name: &'static str, size: i128) -> Unit {
    Unit { name, size, is_time: false }
}

const fn time(name: &'static str, size: i128) -> Unit {
    Unit { name, size, is_time: true }
}

const UNITS: [Unit; 12] = [
    bytes("B", 1),
    bytes("kB", 1 << 10),
    bytes("8kB", 8 << 10),
    bytes("MB", 1 << 20),
    bytes("GB", 1 << 30),
    bytes("TB", 1 << 40),
    time("us", 1),
    time("ms", 1000),
    time("s", 1_000_000),
    time("min", 60_000_000),
    time("h", 3_600_000_000),
    time("d", 86_400_000_000),
];

/// How many of the unit `to` make `from`, as a fraction; none where they are of different kinds.
/// The empty unit of a value is the parameter's own.
pub(super) fn ratio(from: &str, to: Option<&str>) -> Option<(i128, i128)> {
    if from.is_empty() {
        return Some((1, 1));
    }
    let find = |name: &str| UNITS.iter().find(|unit| unit.name == name);
    // `8kB` is a parameter's unit, not one that a value can have.
    let (from, to) = (find(from).filter(|unit| unit.name != "8kB")?, find(to?)?);
    (from.is_time == to.is_time).then_some((from.size, to.size))
}

/// A number and its unit: `16MB`, `16 MB`, `-1`, `0.5`.
pub(super) fn split(text: &str) -> (&str, &str) {
    let text = text.trim_matches(' ');
    // The `e` of an exponent is followed by a digit or a sign, which no unit is.
    let is_unit = |index: &usize| {
        text.get(*index..).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    let start = text.char_indices().map(|(index, _)| index).find(is_unit).unwrap_or(text.len());
    let (number, unit) = text.split_at(start);
    (number.trim_end_matches(' '), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_kind_convert() {
        assert_eq!(ratio("MB", Some("8kB")), Some((1 << 20, 8 << 10)));
        assert_eq!(ratio("", None), Some((1, 1)));
        for (from, to) in [("MB", None), ("s", Some("kB")), ("8kB", Some("kB")), ("mb", Some("kB"))]
        {
            assert_eq!(ratio(from, to), None, "{from} {to:?}");
        }
    }

    #[test]
    fn numbers_come_apart() {
        for (text, parts) in [
            ("16MB", ("16", "MB")),
            (" -1 ms ", ("-1", "ms")),
            ("1e5", ("1e5", "")),
            ("1e5s", ("1e5", "s")),
            ("é", ("é", "")),
            ("", ("", "")),
            ("inf", ("", "inf")),
        ] {
            assert_eq!(split(text), parts, "{text}");
        }
    }
}
