//! TLS settings of a group against what a server can do: its major version, its OpenSSL and the
//! kind of its key.
//!
//! PostgreSQL takes most of what is refused here and then fails every handshake, or silently keeps
//! the old context.

use crate::ca::KeyAlgorithm;
use crate::validate::InvalidParameter;

/// A cipher suite of TLS 1.2 that a group may choose.
struct Suite {
    /// Its name at IANA, and in the API.
    iana: &'static str,
    /// Its name in postgresql.conf.
    openssl: &'static str,
    is_ecdsa: bool,
}

const fn suite(iana: &'static str, openssl: &'static str, is_ecdsa: bool) -> Suite {
    Suite { iana, openssl, is_ecdsa }
}

/// Source: the allow-list of the service for 16 and later; names of `openssl ciphers -stdname`.
/// All five are of TLS 1.2 only.
const SUITES: [Suite; 5] = [
    suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", false),
    suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256", false),
    suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", false),
    suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", true),
    suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", true),
];

/// Protocol versions in ascending order, as PostgreSQL writes them.
const PROTOCOLS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const TLS_1_2: usize = 2;
const TLS_1_3: usize = 3;

/// What a server can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsFacts {
    /// Major and minor version of its OpenSSL and the patch level: `(1, 1, 1)`, `(3, 0, 17)`.
    pub openssl: (u16, u16, u16),
    /// The key that its certificate is for.
    pub key: KeyAlgorithm,
}

/// The three numbers of a version of OpenSSL: `1.1.1w`, `3.0.17`.
pub fn openssl_release(text: &str) -> Option<(u16, u16, u16)> {
    let mut numbers = text.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end)?.parse().ok()
    });
    Some((numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?))
}

/// Judges the TLS parameters of a group together. `setting` gives the normalised value that a
/// server would run with: the group's, else the default.
///
/// # Errors
/// No client could connect, or the server's OpenSSL cannot do what is asked for.
pub fn check_tls(
    setting: impl Fn(&str) -> Option<String>,
    facts: TlsFacts,
) -> Result<(), InvalidParameter> {
    let protocol = |name| setting(name).and_then(|text| position(&text));
    let least = protocol("ssl_min_protocol_version").unwrap_or(0);
    let most = protocol("ssl_max_protocol_version").unwrap_or(TLS_1_3);
    if least > most {
        return Err(InvalidParameter::ProtocolRange {
            least: PROTOCOLS[least],
            most: PROTOCOLS[most],
        });
    }
    if least == TLS_1_3 && facts.openssl < (1, 1, 1) {
        return Err(unable("ssl_min_protocol_version", PROTOCOLS[TLS_1_3], facts, "1.1.1"));
    }
    if least < TLS_1_3 {
        check_ciphers(&setting("ssl_ciphers").unwrap_or_default(), most, facts)?;
    }
    let groups = setting("ssl_groups").unwrap_or_default();
    match groups.split(':').find(|group| group.contains("MLKEM")) {
        Some(group) if facts.openssl < (3, 5, 0) => Err(unable("ssl_groups", group, facts, "3.5")),
        _ => Ok(()),
    }
}

/// A list that is not of our suites is the default, which fits every key and protocol.
fn check_ciphers(ciphers: &str, most: usize, facts: TlsFacts) -> Result<(), InvalidParameter> {
    let chosen: Vec<&Suite> = ciphers
        .split(':')
        .filter_map(|name| SUITES.iter().find(|suite| suite.openssl == name))
        .collect();
    if chosen.is_empty() {
        return Ok(());
    }
    if most < TLS_1_2 {
        return Err(InvalidParameter::CiphersProtocol { most: PROTOCOLS[most] });
    }
    let is_ecdsa = facts.key == KeyAlgorithm::EcdsaP384;
    if chosen.iter().any(|suite| suite.is_ecdsa == is_ecdsa) {
        return Ok(());
    }
    Err(InvalidParameter::CiphersKey { key: if is_ecdsa { "ECDSA" } else { "RSA" } })
}

/// Whether an empty list of a parameter would leave nothing to agree on.
pub(super) fn needs_list(parameter: &str) -> bool {
    ["ssl_ciphers", "ssl_groups"].contains(&parameter)
}

/// What postgresql.conf has for a list of a TLS parameter; none for another parameter.
pub(super) fn render_list(parameter: &str, items: &[&str]) -> Option<String> {
    let openssl = |item: &&str| {
        let suite = SUITES.iter().find(|suite| suite.iana == *item);
        suite.map_or((*item).to_owned(), |suite| suite.openssl.to_owned())
    };
    let names: Vec<String> = items.iter().map(openssl).collect();
    ["ssl_ciphers", "ssl_tls13_ciphers", "ssl_groups"].contains(&parameter).then(|| names.join(":"))
}

/// `ssl_ciphers` as a server is to have it so that it can speak its least protocol version.
///
/// OpenSSL 3 signs with nothing that TLS 1.1 has at its default security level.
pub fn render_ciphers(ciphers: &str, least: Option<&str>, openssl: (u16, u16, u16)) -> String {
    let is_old = least.and_then(position).is_some_and(|least| least < TLS_1_2);
    if is_old && openssl >= (3, 0, 0) {
        format!("{ciphers}:@SECLEVEL=0")
    } else {
        ciphers.to_owned()
    }
}

fn position(protocol: &str) -> Option<usize> {
    PROTOCOLS.iter().position(|one| one.eq_ignore_ascii_case(protocol))
}

fn unable(
    name: &'static str,
    value: &str,
    facts: TlsFacts,
    needed: &'static str,
) -> InvalidParameter {
    let (major, minor, patch) = facts.openssl;
    let openssl = format!("{major}.{minor}.{patch}");
    InvalidParameter::OpensslTooOld { name, value: value.to_owned(), openssl, needed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{Normalised, check_value, parameter};

    const RSA: TlsFacts = TlsFacts { openssl: (3, 0, 17), key: KeyAlgorithm::Rsa2048 };
    const ECDSA: TlsFacts = TlsFacts { openssl: (3, 5, 0), key: KeyAlgorithm::EcdsaP384 };

    fn judge(values: &[(&str, &str)], facts: TlsFacts) -> Result<(), String> {
        let setting = |name: &str| {
            let value = values.iter().find(|(own, _)| *own == name)?.1;
            match check_value(parameter(18, name).unwrap(), value).unwrap() {
                Normalised::Setting(setting) => Some(setting),
                Normalised::Formula(_) => None,
            }
        };
        check_tls(setting, facts).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn protocol_ranges() {
        let range = |least, most| {
            judge(&[("ssl_min_protocol_version", least), ("ssl_max_protocol_version", most)], RSA)
        };
        assert_eq!(range("TLSv1.1", "TLSv1.1"), Ok(()));
        assert_eq!(range("tlsv1.3", ""), Ok(()));
        assert_eq!(
            range("TLSv1.3", "TLSv1.2"),
            Err("ssl_min_protocol_version TLSv1.3 is above ssl_max_protocol_version TLSv1.2: no \
                 client could connect."
                .to_owned())
        );
        let old = TlsFacts { openssl: (1, 1, 0), ..RSA };
        let only_1_3 = &[("ssl_min_protocol_version", "TLSv1.3")];
        assert!(judge(only_1_3, old).unwrap_err().contains("OpenSSL 1.1.0"));
    }

    #[test]
    fn a_list_must_fit_the_key() {
        let rsa = ("ssl_ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        let ecdsa = ("ssl_ciphers", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
        let only_1_3 = ("ssl_min_protocol_version", "TLSv1.3");
        let only_1_1 = ("ssl_max_protocol_version", "TLSv1.1");
        assert_eq!([judge(&[rsa], RSA), judge(&[ecdsa], ECDSA)], [Ok(()), Ok(())]);
        for (list, facts, key) in [(rsa, ECDSA, "ECDSA"), (ecdsa, RSA, "RSA")] {
            assert!(judge(&[list], facts).unwrap_err().contains(&format!("{key} key")));
            assert_eq!(judge(&[list, only_1_3], facts), Ok(()));
        }
        assert!(judge(&[rsa, only_1_1], RSA).unwrap_err().contains("TLSv1.1"));
        let both = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
        assert_eq!(judge(&[("ssl_ciphers", both)], ECDSA), Ok(()));
    }

    #[test]
    fn groups_need_their_openssl() {
        let groups = |value| [("ssl_groups", value)];
        assert_eq!(judge(&groups("X25519,secp384r1"), RSA), Ok(()));
        assert_eq!(judge(&groups("x25519mlkem768,X25519"), ECDSA), Ok(()));
        assert_eq!(
            judge(&groups("X25519,X25519MLKEM768"), RSA),
            Err("ssl_groups X25519MLKEM768 needs OpenSSL 3.5 or newer; this engine has OpenSSL \
                 3.0.17."
                .to_owned())
        );
    }

    #[test]
    fn openssl_releases() {
        for (text, release) in
            [("1.1.1w", Some((1, 1, 1))), ("3.5", Some((3, 5, 0))), ("3.0.17", Some((3, 0, 17)))]
        {
            assert_eq!(openssl_release(text), release);
        }
        assert_eq!([openssl_release("w"), openssl_release("3.x"), openssl_release("")], [None; 3]);
    }

    #[test]
    fn old_protocols_need_the_lowest_security_level() {
        let list = "HIGH:!aNULL";
        let render = |least, openssl| render_ciphers(list, Some(least), openssl);
        assert_eq!(render("TLSv1.1", (3, 0, 0)), "HIGH:!aNULL:@SECLEVEL=0");
        assert_eq!(render("TLSv1.1", (1, 1, 1)), list);
        assert_eq!(render("TLSv1.2", (3, 0, 0)), list);
    }
}
