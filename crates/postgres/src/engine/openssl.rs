//! Which OpenSSL a server uses, read from the library's own text.
//!
//! PostgreSQL does not say it: `ssl_library` is only `OpenSSL`. The library carries the text of
//! `OpenSSL_version(OPENSSL_VERSION)`, so the file that the loader picks is searched for it.
//!
//! Deliberately absent: whether a distribution still maintains a line that its authors have left.

use std::path::{Path, PathBuf};
use std::{fs, io};

use memchr::memmem;
use time::Date;
use time::macros::date;

/// Ends of upstream's public support, by release line.
///
/// Source: OpenSSL's release strategy and the announcements of each line's last release.
const END_OF_LIFE: [(&str, Date); 10] = [
    ("1.0.2", date!(2019 - 12 - 31)),
    ("1.1.0", date!(2019 - 09 - 11)),
    ("1.1.1", date!(2023 - 09 - 11)),
    ("3.0", date!(2026 - 09 - 07)),
    ("3.1", date!(2025 - 03 - 14)),
    ("3.2", date!(2025 - 11 - 23)),
    ("3.3", date!(2026 - 04 - 09)),
    ("3.4", date!(2026 - 10 - 22)),
    ("3.5", date!(2030 - 04 - 08)),
    ("3.6", date!(2026 - 11 - 01)),
];

/// What the text begins with.
const MARK: &[u8] = b"OpenSSL ";

/// The longest text that is looked at: `OpenSSL 1.1.1k  FIPS 25 Mar 2021` and some room.
const TEXT_MAX_BYTES: usize = 48;

/// A release of OpenSSL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpensslVersion {
    /// The version: `1.1.1w`, `3.0.17`.
    pub text: String,
    /// The release's date as the library writes it, `11 Sep 2023`, where it does.
    pub released: Option<String>,
    /// When upstream's public support of the line ends; unknown for lines newer than this table.
    pub end_of_life: Option<Date>,
    /// The file of the library, libcrypto.
    pub library: PathBuf,
}

impl OpensslVersion {
    /// Whether upstream's support had ended before `today`.
    ///
    /// Of a system engine's library this says less: the distribution may maintain it beyond.
    pub fn past_end_of_life(&self, today: Date) -> bool {
        self.end_of_life.is_some_and(|end| end < today)
    }

    /// The version of a libcrypto; none where the file is of another library.
    pub(super) fn read(library: &Path) -> io::Result<Option<Self>> {
        let found = find(&fs::read(library)?);
        Ok(found.map(|(text, released)| {
            let end_of_life = end_of_life(&text);
            Self { text, released, end_of_life, library: library.to_owned() }
        }))
    }
}

/// Finds version and date in a library's bytes; a text with a date wins over one without.
fn find(library: &[u8]) -> Option<(String, Option<String>)> {
    let mut found = None;
    for start in memmem::find_iter(library, MARK) {
        let end = library.len().min(start + TEXT_MAX_BYTES);
        match parse(&library[start + MARK.len()..end]) {
            Some(version) if version.1.is_some() => return Some(version),
            version => found = found.or(version),
        }
    }
    found
}

/// Reads `3.0.17 1 Jul 2025` and the like, up to the first byte that is no text.
fn parse(bytes: &[u8]) -> Option<(String, Option<String>)> {
    let end = bytes.iter().position(|byte| !matches!(byte, b' '..=b'~')).unwrap_or(bytes.len());
    let text = str::from_utf8(&bytes[..end]).ok()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let version = *words.first()?;
    let numbers: Vec<&str> = version.split('.').collect();
    let is_release = numbers.len() == 3
        && numbers.iter().all(|number| number.starts_with(|first: char| first.is_ascii_digit()));
    if !is_release {
        return None;
    }
    let released = words.windows(3).find(|words| is_date(words)).map(|words| words.join(" "));
    Some((version.to_owned(), released))
}

/// Whether three words are a date such as `11 Sep 2023`.
fn is_date(words: &[&str]) -> bool {
    let [day, month, year] = words else {
        return false;
    };
    day.parse::<u8>().is_ok() && month.len() == 3 && year.len() == 4 && year.parse::<u16>().is_ok()
}

/// The end of a version's line; lines are told apart by three numbers up to 1, by two from 3.
fn end_of_life(version: &str) -> Option<Date> {
    let digits = |number: &str| number.chars().take_while(char::is_ascii_digit).collect::<String>();
    let parts = if version.starts_with("1.") { 3 } else { 2 };
    let line = version.split('.').take(parts).map(digits).collect::<Vec<_>>().join(".");
    END_OF_LIFE.iter().find(|(name, _)| *name == line).map(|(_, end)| *end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (String, Option<String>) {
        let bytes = format!("\0\x7fOpenSSL PKCS#1 RSA\0{text}\0rest of 3.9.9 30 Feb 1999");
        find(bytes.as_bytes()).unwrap()
    }

    #[test]
    fn texts_of_the_wild_are_read() {
        let date = |text: &str| Some(text.to_owned());
        assert_eq!(found("OpenSSL 1.1.1s  1 Nov 2022"), ("1.1.1s".into(), date("1 Nov 2022")));
        let fips = found("OpenSSL 1.1.1k  FIPS 25 Mar 2021");
        assert_eq!(fips, ("1.1.1k".into(), date("25 Mar 2021")));
        assert_eq!(found("OpenSSL 3.0.17 1 Jul 2025"), ("3.0.17".into(), date("1 Jul 2025")));
        assert_eq!(found("OpenSSL 1.1.1\nthis is no date"), ("1.1.1".into(), None));
    }

    #[test]
    fn a_text_with_a_date_wins() {
        let version = find(b"OpenSSL 3.0.0\0OpenSSL 3.0.2 15 Mar 2022\0");
        assert_eq!(version.unwrap().0, "3.0.2");
    }

    #[test]
    fn other_libraries_have_no_version() {
        assert_eq!(find(b"LibreSSL 4.0.0\0OpenSSL 3\0OpenSSL error"), None);
        assert_eq!(find(b"OpenSSL "), None);
        assert_eq!(find(b""), None);
    }

    #[test]
    fn lines_end_as_their_authors_say() {
        assert_eq!(end_of_life("1.1.1"), Some(date!(2023 - 09 - 11)));
        assert_eq!(end_of_life("1.1.1w"), Some(date!(2023 - 09 - 11)));
        assert_eq!(end_of_life("1.1.0l"), Some(date!(2019 - 09 - 11)));
        assert_eq!(end_of_life("3.0.17"), Some(date!(2026 - 09 - 07)));
        assert_eq!(end_of_life("3.5.0-dev"), Some(date!(2030 - 04 - 08)));
        assert_eq!(end_of_life("4.0.0"), None);
    }

    #[test]
    fn support_lasts_through_its_last_day() {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("libcrypto.so.1.1");
        fs::write(&library, "OpenSSL 1.1.1w  11 Sep 2023").unwrap();
        let version = OpensslVersion::read(&library).unwrap().unwrap();
        assert!(!version.past_end_of_life(date!(2023 - 09 - 11)));
        assert!(version.past_end_of_life(date!(2023 - 09 - 12)));
    }
}
