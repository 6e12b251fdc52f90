//! Writes a `ClientHello` that offers given versions of TLS and everything a server could want
//! with them, so that a refusal is one of the *version*, not of a cipher suite or a group; or with
//! only some of the suites, so that it is one of these.
//!
//! It exists because rustls begins at TLS 1.2 and OpenSSL 3 does not offer older versions by
//! default. The handshake is never completed; so there is no key share (a TLS 1.3 server then
//! answers with a `HelloRetryRequest`, which names version and suite just as well, RFC 8446
//! §4.2.8), and the random bytes are constant, for no secret is ever drawn from them.

use crate::names::{self, Cipher};
use crate::version::TlsVersion;

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV`, RFC 5746 §3.3.
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// The elliptic curves, finite-field groups and hybrids that OpenSSL 1.1.1 to 3.5 can be told to
/// use.
const GROUPS: [u16; 13] = [
    0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x11eb, 0x11ec,
    0x11ed,
];

/// ECDSA, `EdDSA`, RSA-PSS, RSA and DSA with every hash a server's key may be limited to.
const SIGNATURE_SCHEMES: [u16; 18] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401,
    0x0501, 0x0601, 0x0402, 0x0203, 0x0201, 0x0202,
];

/// The record of a `ClientHello` that offers `versions` with every suite.
pub(crate) fn render_client_hello(versions: &[TlsVersion]) -> Vec<u8> {
    render_offer(versions, &suites(versions))
}

/// The record of a `ClientHello` that offers `versions` with some suites, the preferred first.
pub(crate) fn render_offer(versions: &[TlsVersion], suites: &[Cipher]) -> Vec<u8> {
    let highest = versions.iter().max().copied().unwrap_or(TlsVersion::Tls13);
    let signal = is_any_older(versions).then_some(RENEGOTIATION_SCSV);
    let mut body = highest.min(TlsVersion::Tls12).code().to_be_bytes().to_vec();
    body.extend_from_slice(&[0x70; 32]);
    body.push(0);
    body.extend(vector16(&codes(suites.iter().map(|suite| suite.code).chain(signal))));
    body.extend_from_slice(&[1, 0]);
    body.extend(vector16(&extensions(versions)));

    let mut handshake = vec![1, 0];
    handshake.extend(vector16(&body));
    let mut record = vec![22, 3, 1];
    record.extend(vector16(&handshake));
    record
}

/// Every suite that belongs to one of `versions`.
///
/// The strongest of a family come last in the registry and first here: a server that follows the
/// client's preference then shows one that it is likely to be used with.
pub(crate) fn suites(versions: &[TlsVersion]) -> Vec<Cipher> {
    let tls13 = versions.contains(&TlsVersion::Tls13);
    let older = is_any_older(versions);
    let belongs = |cipher: &Cipher| if cipher.is_tls13() { tls13 } else { older };
    let mut suites: Vec<_> = names::ciphers().filter(belongs).collect();
    suites.reverse();
    suites
}

fn is_any_older(versions: &[TlsVersion]) -> bool {
    versions.iter().any(|version| *version < TlsVersion::Tls13)
}

fn extensions(versions: &[TlsVersion]) -> Vec<u8> {
    let mut all = extension(10, &vector16(&codes(GROUPS)));
    all.extend(extension(11, &[1, 0]));
    if versions.iter().any(|version| *version >= TlsVersion::Tls12) {
        all.extend(extension(13, &vector16(&codes(SIGNATURE_SCHEMES))));
    }
    all.extend(extension(16, &vector16(b"\x0apostgresql")));
    if versions.contains(&TlsVersion::Tls13) {
        let mut newest_first = versions.to_vec();
        newest_first.sort_unstable_by(|a, b| b.cmp(a));
        let list = codes(newest_first.into_iter().map(TlsVersion::code));
        all.extend(extension(43, &vector8(&list)));
        all.extend(extension(51, &vector16(&[])));
    }
    all
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend(vector16(body));
    bytes
}

fn codes(codes: impl IntoIterator<Item = u16>) -> Vec<u8> {
    codes.into_iter().flat_map(u16::to_be_bytes).collect()
}

/// A vector with a length of two bytes.
#[expect(clippy::cast_possible_truncation, reason = "the tables above keep a hello below 1 KiB")]
fn vector16(body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}

/// A vector with a length of one byte.
#[expect(clippy::cast_possible_truncation, reason = "at most four versions are listed")]
fn vector8(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![body.len() as u8];
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// rustls' server side reads what is written here: an implementation that is not ours.
    fn read_by_rustls(hello: &[u8]) -> Vec<u16> {
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut &*hello).unwrap();
        let accepted = acceptor.accept().map_err(|(error, _)| error).unwrap().unwrap();
        let hello = accepted.client_hello();
        assert_eq!(hello.alpn().unwrap().collect::<Vec<_>>(), [b"postgresql"]);
        hello.cipher_suites().iter().map(|suite| u16::from(*suite)).collect()
    }

    #[test]
    fn rustls_reads_the_suites_of_each_version() {
        let all = |versions: &[TlsVersion]| read_by_rustls(&render_client_hello(versions));
        let tls13 = all(&[TlsVersion::Tls13]);
        assert_eq!(tls13, [0x1305, 0x1304, 0x1303, 0x1302, 0x1301]);
        let tls12 = all(&[TlsVersion::Tls12]);
        assert!(tls12.contains(&0xc030) && tls12.contains(&RENEGOTIATION_SCSV));
        assert!(!tls12.contains(&0x1301));
        assert_eq!(all(&TlsVersion::ALL).len(), tls12.len() + tls13.len());
    }

    #[test]
    fn a_hello_stays_below_one_kibibyte() {
        assert!(render_client_hello(&TlsVersion::ALL).len() < 1024);
    }

    proptest! {
        #[test]
        fn rustls_reads_any_selection_in_its_order(
            version in prop::sample::select(&TlsVersion::ALL[2..]),
            chosen in prop::sample::subsequence(suites(&TlsVersion::ALL), 1..=112).prop_shuffle(),
        ) {
            let signal = (version < TlsVersion::Tls13).then_some(RENEGOTIATION_SCSV);
            let codes: Vec<_> = chosen.iter().map(|suite| suite.code).chain(signal).collect();
            prop_assert_eq!(read_by_rustls(&render_offer(&[version], &chosen)), codes);
        }
    }
}
