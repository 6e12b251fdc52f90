//! Texts: which ones a parameter takes, and how a refused one is shown.

/// The most bytes of a name that PostgreSQL keeps (`NAMEDATALEN - 1`).
const NAME_MAX: usize = 63;
/// The most characters of a refused value that the refusal repeats.
const SHOWN_MAX: usize = 100;

/// Printable ASCII of a bounded length.
pub(super) fn is_plain(text: &str, limit: usize) -> bool {
    text.len() <= limit && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// A list that PostgreSQL's `SplitIdentifierString` reads: names with commas between, or nothing.
pub(super) fn is_identifiers(text: &str) -> bool {
    let mut rest = text.trim_matches(' ');
    if rest.is_empty() {
        return true;
    }
    loop {
        let Some(after) = after_identifier(rest) else { return false };
        let after = after.trim_start_matches(' ');
        if after.is_empty() {
            return true;
        }
        let Some(next) = after.strip_prefix(',') else { return false };
        rest = next.trim_start_matches(' ');
    }
}

/// A value of `DateStyle` with both its parts. What is left out PostgreSQL takes from the value
/// before, so the defaults are written out (`check_datestyle`).
pub(super) fn date_style(text: &str) -> Option<String> {
    const STYLES: [&str; 4] = ["ISO", "SQL", "Postgres", "German"];
    const ORDERS: [&str; 3] = ["MDY", "DMY", "YMD"];
    let (mut style, mut order) = (None, None);
    for part in text.split(',').map(|part| part.trim_matches(' ')) {
        let find = |words: &[&'static str]| {
            words.iter().find(|word| word.eq_ignore_ascii_case(part)).copied()
        };
        let (place, word) = match find(&STYLES) {
            Some(word) => (&mut style, word),
            None => (&mut order, find(&ORDERS)?),
        };
        if place.replace(word).is_some() {
            return None;
        }
    }
    let usual = if style == Some("German") { "DMY" } else { "MDY" };
    Some(format!("{}, {}", style.unwrap_or("ISO"), order.unwrap_or(usual)))
}

/// What follows the name at the front of a text.
fn after_identifier(text: &str) -> Option<&str> {
    let (name, rest) = if let Some(quoted) = text.strip_prefix('"') {
        let mut end = quoted.find('"')?;
        while quoted.get(end + 1..)?.starts_with('"') {
            end += 2 + quoted.get(end + 2..)?.find('"')?;
        }
        (quoted.get(..end)?, quoted.get(end + 1..)?)
    } else {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$".contains(byte);
        let first = text.bytes().next()?;
        let length = text.bytes().take_while(is_part).count();
        (first.is_ascii_alphabetic() || first == b'_').then(|| text.split_at(length))?
    };
    let is_well_formed = !name.is_empty() && is_plain(name, NAME_MAX);
    is_well_formed.then_some(rest)
}

/// A text as a refusal repeats it: what an XML document cannot hold escaped, and cut.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for one in text.chars().take(SHOWN_MAX) {
        if one.is_control() {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_identifiers() {
        for text in ["", " ", "a", "\"$user\", public", "a,b , _c$1", "\"a\"\"b,c\",d", "A"] {
            assert!(is_identifiers(text), "{text:?}");
        }
        for text in
            [",", "a,", "a b", "\"", "\"a", "\"\"", "\"a\"\"", "$a", "1a", "a\n", "é", "a;b"]
        {
            assert!(!is_identifiers(text), "{text:?}");
        }
        assert!(is_identifiers(&"a".repeat(63)) && !is_identifiers(&"a".repeat(64)));
    }

    #[test]
    fn date_styles_are_whole() {
        for (text, whole) in [
            ("iso", "ISO, MDY"),
            ("DMY", "ISO, DMY"),
            ("german", "German, DMY"),
            ("YMD , sql", "SQL, YMD"),
        ] {
            assert_eq!(date_style(text).as_deref(), Some(whole));
        }
        for text in ["", "ISO,", "ISO, SQL", "DMY, MDY", "ISO DMY"] {
            assert_eq!(date_style(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_one_line_and_short() {
        assert_eq!(shown("a\n'b\0"), "a\\n'b\\u{0}");
        assert_eq!(shown(&"x".repeat(101)).chars().count(), 101);
    }
}
