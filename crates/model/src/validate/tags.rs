//! Tags: at most 50 a resource, with the characters and lengths of the service's `Tag` shape.

use std::collections::HashSet;

use super::InvalidParameter;

/// The most tags of one resource.
pub const MAX_TAGS: usize = 50;

/// The prefixes kept for the service, in any case.
const RESERVED_PREFIXES: [&str; 2] = ["aws:", "rds:"];

/// One tag: a key of 1–128 characters outside the reserved prefixes, a value of 0–256.
pub fn tag(key: &str, value: &str) -> Result<(), InvalidParameter> {
    if key.is_empty() || key.chars().count() > 128 {
        return Err(InvalidParameter::TagKeyLength);
    }
    if value.chars().count() > 256 {
        return Err(InvalidParameter::TagValueLength);
    }
    let reserved = |prefix: &&str| {
        key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if let Some(prefix) = RESERVED_PREFIXES.into_iter().find(reserved) {
        return Err(InvalidParameter::TagKeyPrefix { prefix });
    }
    for (part, text) in [("keys", key), ("values", value)] {
        if !text.chars().all(is_tag_character) {
            return Err(InvalidParameter::TagCharacters { part });
        }
    }
    Ok(())
}

/// All tags a resource would have: each one right, no key twice, not more than [`MAX_TAGS`].
pub fn tags<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), InvalidParameter> {
    let mut keys = HashSet::new();
    for (key, value) in all {
        tag(key, value)?;
        if !keys.insert(key) {
            return Err(InvalidParameter::TagDuplicate { key: key.to_owned() });
        }
    }
    if keys.len() > MAX_TAGS { Err(InvalidParameter::TooManyTags) } else { Ok(()) }
}

/// Letters, numbers, separators of Unicode and `_.:/=+-@`; the backslash in the refusal's text is
/// an escape that the service shows.
fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_tag() {
        for (key, value) in [("Name", "a"), ("k", ""), ("Größe", "10 km/h"), ("laws:x", "aws:y")]
        {
            assert_eq!(tag(key, value), Ok(()), "{key}");
        }
        assert_eq!(tag(&"ä".repeat(128), &"ß".repeat(256)), Ok(()));
        assert_eq!(tag("", ""), Err(InvalidParameter::TagKeyLength));
        assert_eq!(tag(&"k".repeat(129), ""), Err(InvalidParameter::TagKeyLength));
        assert_eq!(tag("k", &"v".repeat(257)), Err(InvalidParameter::TagValueLength));
        assert_eq!(tag("AWS:x", ""), Err(InvalidParameter::TagKeyPrefix { prefix: "aws:" }));
        assert_eq!(tag("rds:x", ""), Err(InvalidParameter::TagKeyPrefix { prefix: "rds:" }));
        assert_eq!(tag("a,b", ""), Err(InvalidParameter::TagCharacters { part: "keys" }));
        assert_eq!(
            tag("off", "off(M-F,18)").unwrap_err().to_string(),
            "Tag values may only contain unicode letters, digits, whitespace, or one of these \
             symbols: _ . : / = + \\ - @"
        );
    }

    #[test]
    fn many_tags() {
        let keys: Vec<String> = (0..=MAX_TAGS).map(|n| format!("k{n}")).collect();
        let pairs = |count: usize| keys.iter().take(count).map(|key| (key.as_str(), ""));
        assert_eq!(tags(pairs(50)), Ok(()));
        assert_eq!(tags(pairs(51)), Err(InvalidParameter::TooManyTags));
        let twice = tags([("k", "1"), ("k", "2")]);
        assert_eq!(twice, Err(InvalidParameter::TagDuplicate { key: "k".to_owned() }));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(key in "\\PC{0,140}", value in "\\PC{0,270}") {
            let _ = tag(&key, &value);
        }
    }
}
