//! Whether a certificate is for a host, by libpq's rules and by those of strict clients.
//!
//! Source: `fe-secure-common.c` and `fe-secure-openssl.c` of PostgreSQL 15 to 18. Strict clients
//! (webpki, Go) never look at the common name; libpq does where `subjectAltName` has no name of
//! the host's own kind. Before 15 libpq knew no `iPAddress`.

use std::net::Ipv6Addr;

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The names of a certificate, as bytes: a name may hold anything, a NUL among it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresentedNames {
    /// The first common name of the subject.
    pub common_name: Option<Vec<u8>>,
    /// What `subjectAltName` has, in its order; kinds other than these two are left out.
    pub alternative: Vec<AlternativeName>,
}

/// A name of `subjectAltName`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlternativeName {
    /// `dNSName`.
    Dns(Vec<u8>),
    /// `iPAddress`: 4 or 16 bytes, if it is well-formed.
    Ip(Vec<u8>),
}

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LibpqRelease {
    /// 14 and older, which leave `iPAddress` out.
    UpTo14,
    /// 15 and later.
    From15,
}

impl PresentedNames {
    /// The names of a certificate in DER; none of one that cannot be read.
    pub fn from_der(der: &[u8]) -> Self {
        let Ok((_, parsed)) = X509Certificate::from_der(der) else { return Self::default() };
        let common_name = parsed.subject().iter_common_name().next();
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let alternative = names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(AlternativeName::Dns(name.as_bytes().to_vec())),
            GeneralName::IPAddress(octets) => Some(AlternativeName::Ip(octets.to_vec())),
            _ => None,
        });
        Self {
            common_name: common_name.map(|name| name.attr_value().data.to_vec()),
            alternative: alternative.collect(),
        }
    }

    /// Whether there is a name of the kind that strict clients look for: an address, or a DNS name.
    pub(super) fn has_alternative_for(&self, host: &str) -> bool {
        self.alternative.iter().any(|name| is_of_kind(name, is_address(host)))
    }

    /// Whether there is a DNS name, whatever it is.
    pub(super) fn has_dns_name(&self) -> bool {
        self.alternative.iter().any(|name| is_of_kind(name, false))
    }
}

/// Whether libpq with `sslmode=verify-full` takes a certificate for `host`.
///
/// # Errors
/// The words with which libpq refuses.
pub fn libpq_host_name(
    names: &PresentedNames,
    host: &str,
    release: LibpqRelease,
) -> Result<(), String> {
    if host.is_empty() {
        return Err("host name must be specified for a verified SSL connection".to_owned());
    }
    let address = is_address(host) && release == LibpqRelease::From15;
    let mut look_at_common_name = true;
    let mut examined = Vec::new();
    for name in &names.alternative {
        if is_of_kind(name, address) {
            look_at_common_name = false;
        }
        let matched = match name {
            AlternativeName::Dns(name) => {
                examined.push(String::from_utf8_lossy(name).into_owned());
                matches_name(name, host)?
            }
            AlternativeName::Ip(_) if release == LibpqRelease::UpTo14 => continue,
            AlternativeName::Ip(octets) => {
                examined.push(render_address(octets));
                matches_address(octets, host)?
            }
        };
        if matched {
            return Ok(());
        }
    }
    if let Some(name) = names.common_name.as_ref().filter(|_| look_at_common_name) {
        examined.push(String::from_utf8_lossy(name).into_owned());
        if matches_name(name, host)? {
            return Ok(());
        }
    }
    let Some(first) = examined.first() else {
        return Err("could not get server's host name from server certificate".to_owned());
    };
    let others = match examined.len() - 1 {
        0 => String::new(),
        1 => " (and 1 other name)".to_owned(),
        others => format!(" (and {others} other names)"),
    };
    Err(format!("server certificate for \"{first}\"{others} does not match host name \"{host}\""))
}

fn is_of_kind(name: &AlternativeName, address: bool) -> bool {
    matches!(name, AlternativeName::Ip(_)) == address
}

fn matches_name(name: &[u8], host: &str) -> Result<bool, String> {
    if name.contains(&0) {
        return Err("SSL certificate's name contains embedded null".to_owned());
    }
    let host = host.as_bytes();
    Ok(name.eq_ignore_ascii_case(host) || matches_wildcard(name, host))
}

/// `wildcard_certificate_match`: the wildcard is the whole leftmost label, and stands for one.
fn matches_wildcard(pattern: &[u8], host: &[u8]) -> bool {
    let Some(rest) = pattern.strip_prefix(b"*").filter(|rest| rest.starts_with(b".")) else {
        return false;
    };
    let Some(before) = host.len().checked_sub(pattern.len()).filter(|_| pattern.len() >= 3) else {
        return false;
    };
    let first_dot = host.iter().position(|byte| *byte == b'.');
    host[before + 1..].eq_ignore_ascii_case(rest) && first_dot.is_some_and(|dot| dot >= before)
}

fn matches_address(octets: &[u8], host: &str) -> Result<bool, String> {
    match octets.len() {
        4 => Ok(parse_inet_aton(host).is_some_and(|address| address == octets)),
        16 => Ok(host.parse::<Ipv6Addr>().is_ok_and(|address| address.octets() == octets)),
        length => Err(format!("certificate contains IP address with invalid length {length}")),
    }
}

/// Whether libpq takes a host for an address.
pub(super) fn is_address(host: &str) -> bool {
    parse_inet_aton(host).is_some() || host.parse::<Ipv6Addr>().is_ok()
}

/// `inet_aton`: one to four numbers, decimal, octal or hexadecimal, the last of which fills what
/// is left.
fn parse_inet_aton(host: &str) -> Option<[u8; 4]> {
    let parts: Option<Vec<u32>> = host.split('.').map(parse_number).collect();
    let parts = parts?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 8 * (4 - first.len());
    if u64::from(*last) >> room != 0 {
        return None;
    }
    let shifted = first.iter().zip([24, 16, 8]).map(|(part, shift)| part << shift);
    Some((shifted.sum::<u32>() | last).to_be_bytes())
}

fn parse_number(text: &str) -> Option<u32> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if lower.len() > 1 && lower.starts_with('0') => u32::from_str_radix(&lower, 8).ok(),
        None => lower.parse().ok(),
    }
}

fn render_address(octets: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| std::net::Ipv4Addr::from(octets).to_string());
    let v6 = <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).to_string());
    v4.or(v6).unwrap_or_else(|_| hex::encode(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dns:…` and `ip:…` are alternative names, `cn:…` is the common name.
    fn names(text: &str) -> PresentedNames {
        let mut names = PresentedNames::default();
        for word in text.split_whitespace() {
            match word.split_once(':').unwrap() {
                ("cn", name) => names.common_name = Some(name.into()),
                ("dns", name) => names.alternative.push(AlternativeName::Dns(name.into())),
                (_, hex) => names.alternative.push(AlternativeName::Ip(hex::decode(hex).unwrap())),
            }
        }
        names
    }

    #[rustfmt::skip]
    const TABLE: &[(&str, &str, bool, bool)] = &[
        // names, host, by 15 and later, by 14 and older
        ("dns:db.example.com", "db.example.com", true, true),
        ("dns:DB.Example.com", "db.eXample.COM", true, true),
        ("dns:db.example.com", "db.example.com.", false, false),
        ("dns:db.example.com", "example.com", false, false),
        ("dns:a.example.com dns:db.example.com", "db.example.com", true, true),
        // The common name counts only without a name of the host's kind.
        ("cn:db.example.com", "db.example.com", true, true),
        ("cn:db.example.com dns:other.example.com", "db.example.com", false, false),
        ("cn:db.example.com ip:7f000001", "db.example.com", true, true),
        ("cn:127.0.0.1 dns:db.example.com", "127.0.0.1", true, false),
        ("cn:127.0.0.1 ip:0a000001", "127.0.0.1", false, true),
        ("cn:127.0.0.1", "127.0.0.1", true, true),
        // Addresses.
        ("ip:7f000001", "127.0.0.1", true, false),
        ("ip:7f000001", "127.1", true, false),
        ("ip:7f000001", "0x7f.1", true, false),
        ("ip:7f000001", "2130706433", true, false),
        ("ip:7f000001", "0177.0.0.1", true, false),
        ("ip:7f000001", "127.0.0.2", false, false),
        ("dns:127.0.0.1", "127.0.0.1", true, true),
        ("ip:00000000000000000000000000000001", "::1", true, false),
        ("ip:00000000000000000000000000000001", "0:0::1", true, false),
        ("ip:00000000000000000000000000000001", "::2", false, false),
        ("ip:7f0000", "127.0.0.1", false, false),
        // Wildcards: the whole leftmost label, one label, of at least one character.
        ("dns:*.example.com", "db.example.com", true, true),
        ("dns:*.EXAMPLE.com", "d.example.COM", true, true),
        ("dns:*.example.com", "example.com", false, false),
        ("dns:*.example.com", ".example.com", false, false),
        ("dns:*.example.com", "a.db.example.com", false, false),
        ("dns:d*.example.com", "db.example.com", false, false),
        ("dns:*b.example.com", "db.example.com", false, false),
        ("dns:db.*.com", "db.example.com", false, false),
        ("dns:*", "localhost", false, false),
        ("dns:*.", "a.", false, false),
        ("dns:*.com", "example.com", true, true),
        ("dns:*.*.com", "db.example.com", false, false),
        ("cn:*.example.com", "db.example.com", true, true),
        ("dns:*.0.0.1", "127.0.0.1", true, true),
        // A NUL anywhere refuses, before a name that would match.
        ("dns:db.example.com\0.evil.com dns:db.example.com", "db.example.com", false, false),
        ("dns:db.example.com dns:x\0", "db.example.com", true, true),
        ("cn:db.example.com\0.evil.com", "db.example.com", false, false),
        ("", "db.example.com", false, false),
        ("dns:db.example.com", "", false, false),
    ];

    #[test]
    fn host_names_are_matched_as_by_libpq() {
        for (presented, host, from_15, up_to_14) in TABLE {
            let by = |release| libpq_host_name(&names(presented), host, release).is_ok();
            assert_eq!(by(LibpqRelease::From15), *from_15, "{presented} for {host:?} by 15");
            assert_eq!(by(LibpqRelease::UpTo14), *up_to_14, "{presented} for {host:?} by 14");
        }
    }

    #[test]
    fn refusals_have_the_words_of_libpq() {
        let words = |presented, host| {
            libpq_host_name(&names(presented), host, LibpqRelease::From15).unwrap_err()
        };
        let end = "does not match host name \"h\"";
        assert_eq!(words("dns:a", "h"), format!("server certificate for \"a\" {end}"));
        let two = format!("server certificate for \"a\" (and 1 other name) {end}");
        assert_eq!(words("dns:a ip:7f000001", "h"), two);
        let three = format!("server certificate for \"127.0.0.1\" (and 2 other names) {end}");
        assert_eq!(words("ip:7f000001 dns:a dns:b cn:h", "h"), three);
        assert_eq!(words("", "h"), "could not get server's host name from server certificate");
    }
}
