//! Versions of TLS, under the names that PostgreSQL's settings and `pg_stat_ssl` use.
//!
//! SSL 3.0 is deliberately absent: no PostgreSQL since 9.5 speaks it.

use std::fmt;

/// A version of TLS, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.0, RFC 2246.
    Tls10,
    /// TLS 1.1, RFC 4346.
    Tls11,
    /// TLS 1.2, RFC 5246.
    Tls12,
    /// TLS 1.3, RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// Every version, the oldest first.
    pub const ALL: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The name in `ssl_min_protocol_version` and `pg_stat_ssl`: `TLSv1`, `TLSv1.2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// The version that PostgreSQL calls `name`, whatever its case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name().eq_ignore_ascii_case(name))
    }

    /// The version just below, where there is one.
    pub fn below(self) -> Option<Self> {
        Self::ALL.into_iter().rfind(|version| *version < self)
    }

    /// The number on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version of a number on the wire.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.code() == code)
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::TlsVersion;

    #[test]
    fn names_and_codes_lead_back() {
        for version in TlsVersion::ALL {
            assert_eq!(TlsVersion::from_name(version.name()), Some(version));
            assert_eq!(TlsVersion::from_code(version.code()), Some(version));
        }
        assert_eq!(TlsVersion::from_name("tlsv1.2"), Some(TlsVersion::Tls12));
        assert_eq!(TlsVersion::from_name(""), None);
    }

    #[test]
    fn below_the_oldest_is_nothing() {
        assert_eq!(TlsVersion::Tls10.below(), None);
        assert_eq!(TlsVersion::Tls13.below(), Some(TlsVersion::Tls12));
    }
}
