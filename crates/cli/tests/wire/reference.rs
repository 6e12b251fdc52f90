//! The defaults as the reference page has them, copied from it and not from pgkeep.
//!
//! Source: "Using SSL with a PostgreSQL DB instance", Amazon RDS User Guide, sections *Requiring an
//! SSL connection* and *SSL cipher suites in RDS for PostgreSQL*. The page ends with 16; the
//! default parameter groups of 17 and 18 have the same list.

/// The lines of the page's table that the pinned releases fall under, and the two after it.
const CIPHERS: [(&str, &str); 9] = [
    ("18", "HIGH:!aNULL:!3DES"),
    ("17", "HIGH:!aNULL:!3DES"),
    ("16", "HIGH:!aNULL:!3DES"),
    ("15", "HIGH:!aNULL:!3DES"),
    ("14", "HIGH:!aNULL:!3DES"),
    ("13", "HIGH:!aNULL:!3DES"),
    ("12", "HIGH:!aNULL:!3DES"),
    ("11.4 and higher minor versions", "HIGH:MEDIUM:+3DES:!aNULL:!RC4"),
    ("10.9 and higher minor versions", "HIGH:MEDIUM:+3DES:!aNULL:!RC4"),
];

/// The default of `rds.force_ssl`.
///
/// > The `rds.force_ssl` parameter default value is 1 (on) for RDS for PostgreSQL version 15 and
/// > later. For all other RDS for PostgreSQL major versions 14 and older, the default value of this
/// > parameter is 0 (off).
pub(crate) fn force_ssl(major: u16) -> &'static str {
    if major >= 15 { "1" } else { "0" }
}

/// The list of a release: `11.22`.
pub(crate) fn ciphers(release: &str) -> &'static str {
    let (major, minor) = release.split_once('.').unwrap();
    let minor: u16 = minor.parse().unwrap();
    let covers = |line: &str| match line.strip_suffix(" and higher minor versions") {
        None => line == major,
        Some(first) => first
            .split_once('.')
            .is_some_and(|(of, least)| of == major && minor >= least.parse().unwrap()),
    };
    CIPHERS.iter().find(|(line, _)| covers(line)).expect("a line of the page").1
}
