//! Whether a client's TLS library and a server agree on anything, as far as what was seen tells.
//!
//! Every client here asks for TLS 1.2 at least: libpq since 13 by `ssl_min_protocol_version`, the
//! others by their libraries' defaults.

use super::certificate::{KeyKind, ServedCertificate};
use super::clients::Tls;
use crate::names::Cipher;
use crate::survey::{Asked, ProtocolVersion, Survey, VersionSeen};
use crate::version::TlsVersion;

/// Of a length in the message of certificates, RFC 5246 §7.4.2.
const LENGTH_BYTES: usize = 3;
const TLS12: ProtocolVersion = ProtocolVersion::Tls(TlsVersion::Tls12);

/// Whether a handshake can be completed; the reason if not, and none where it is not known.
pub(super) fn agree(
    tls: Tls,
    survey: &Survey,
    leaf: Option<&ServedCertificate>,
) -> Option<Result<(), String>> {
    // Where the request for TLS is declined, a handshake without one is the only one made.
    if survey.versions.is_empty() && survey.takes_direct_tls() {
        return Some(of_chain(tls, survey, leaf));
    }
    let mut unknown = false;
    let mut spoken = false;
    for (version, seen) in survey.versions.iter().filter(|(version, _)| *version >= TLS12) {
        match seen {
            VersionSeen::Accepted => {}
            VersionSeen::TimedOut | VersionSeen::Failed(_) => {
                unknown = true;
                continue;
            }
            _ => continue,
        }
        spoken = true;
        let suites = survey.suites.iter().find(|suites| suites.version == *version);
        let fits = |suite: &&Cipher| has_suite(tls, **suite, survey);
        match suites {
            Some(suites) if suites.suites.iter().any(|suite| fits(&suite)) => {
                return Some(of_chain(tls, survey, leaf));
            }
            Some(suites) if suites.complete => {}
            _ => unknown = true,
        }
    }
    match (unknown, spoken) {
        (true, _) => None,
        (false, true) => Some(Err("no cipher suite in common".to_owned())),
        (false, false) => Some(Err("no version of TLS in common: from TLSv1.2 on".to_owned())),
    }
}

/// Whether the library can use the certificate at all, trusted or not.
fn of_chain(tls: Tls, survey: &Survey, leaf: Option<&ServedCertificate>) -> Result<(), String> {
    let Some(leaf) = leaf else { return Ok(()) };
    let message = survey.chains.first().map_or(0, |chain| {
        chain.iter().map(|der| der.len() + LENGTH_BYTES).sum::<usize>() + LENGTH_BYTES
    });
    let most = match tls {
        Tls::Java => 32 * 1024,
        Tls::Go | Tls::Rustls => 64 * 1024 - 1,
        // `SSL_MAX_CERT_LIST_DEFAULT`.
        Tls::OpenSsl | Tls::Python | Tls::Node | Tls::DotNet => 100 * 1024,
    };
    if message > most {
        return Err(format!("SSL error: excessive message size, more than {} KiB", most / 1024));
    }
    let is_usable = match tls {
        Tls::OpenSsl | Tls::Python | Tls::Node | Tls::DotNet => true,
        Tls::Java => leaf.key != KeyKind::Other,
        Tls::Go => !matches!(leaf.key, KeyKind::RsaPss | KeyKind::Ed448 | KeyKind::Dsa),
        Tls::Rustls => match leaf.key {
            KeyKind::Rsa => leaf.key_bits >= 2048,
            KeyKind::Ec | KeyKind::Ed25519 => true,
            _ => false,
        },
    };
    if is_usable { Ok(()) } else { Err(format!("it cannot use a key of {}", leaf.key_name())) }
}

fn has_suite(tls: Tls, suite: Cipher, survey: &Survey) -> bool {
    let name = suite.iana;
    let has = |part: &str| name.contains(part);
    if suite.is_tls13() {
        return !has("_CCM_") && has_group(tls, survey);
    }
    let ephemeral = name.starts_with("TLS_ECDHE_");
    let finite = name.starts_with("TLS_DHE_RSA_");
    let is_sealed = has("_GCM_") || has("_CHACHA20_");
    let is_broken = ["_NULL_", "_anon_", "_RC4_", "_3DES_", "_IDEA_", "_SEED_", "_CAMELLIA_"];
    let is_broken = is_broken.iter().any(|part| has(part));
    let plain = !is_broken && !has("_ARIA_") && !has("_CCM") && !has("_DSS_");
    let fits = match tls {
        Tls::OpenSsl | Tls::DotNet | Tls::Java => plain,
        Tls::Python => plain && (ephemeral || finite) && !name.ends_with("_SHA"),
        Tls::Node => !is_broken && !has("_DSS_"),
        Tls::Rustls => plain && ephemeral && is_sealed,
        Tls::Go => plain && !finite && (is_sealed || !name.ends_with("_SHA384")),
    };
    let is_level_2 = matches!(tls, Tls::OpenSsl | Tls::Python | Tls::Node);
    let has_prime = match survey.dh_bits {
        Asked::Answer(bits) => !is_level_2 || bits >= 2048,
        Asked::No | Asked::Failed(_) => true,
    };
    fits && (!finite || has_prime) && (!ephemeral || has_group(tls, survey))
}

fn has_group(tls: Tls, survey: &Survey) -> bool {
    let Asked::Answer(groups) = &survey.groups else { return true };
    let common: &[&str] = match tls {
        Tls::Rustls => &["x25519", "secp256r1", "secp384r1", "X25519MLKEM768"],
        _ => &["x25519", "secp256r1", "secp384r1", "secp521r1"],
    };
    let is_common = |name: &str| common.iter().any(|common| common.eq_ignore_ascii_case(name));
    groups.is_empty() || groups.iter().any(|group| is_common(group.name))
}
