//! Writes a `ClientHello` that offers given versions of TLS and everything a server could want
//! with them, so that a refusal is one of the *version*, not of a cipher suite or a group; or with
//! only some of the suites, so that it is one of these.
//!
//! It exists because rustls begins at TLS 1.2 and OpenSSL 3 does not offer older versions by
//! default. The handshake is never completed; so there is no key share (a TLS 1.3 server then
//! answers with a `HelloRetryRequest`, which names version and suite just as well, RFC 8446
//! §4.2.8), and the random bytes are constant, for no secret is ever drawn from them.

use crate::names::{self, Cipher};
use crate::registry;
use crate::survey::ProtocolVersion;
use crate::version::TlsVersion;

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV`, RFC 5746 §3.3.
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// What a `ClientHello` offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) versions: Vec<ProtocolVersion>,
    /// The preferred first.
    pub(crate) suites: Vec<Cipher>,
    /// The code points of the groups of the key exchange.
    pub(crate) groups: Vec<u16>,
    /// The code points of the schemes of signatures.
    pub(crate) schemes: Vec<u16>,
    /// Whether session tickets are known (TLS 1.2 and older).
    pub(crate) ticket: bool,
    /// The name for SNI.
    pub(crate) server_name: Option<String>,
}

impl Offer {
    /// Offers everything there is with some versions.
    pub(crate) fn of(versions: &[ProtocolVersion]) -> Self {
        Self {
            versions: versions.to_vec(),
            suites: suites(versions),
            groups: registry::GROUPS.iter().map(|group| group.0).collect(),
            schemes: registry::SIGNATURE_SCHEMES.iter().map(|scheme| scheme.0).collect(),
            ticket: true,
            server_name: None,
        }
    }

    /// The record of the `ClientHello`.
    pub(crate) fn render(&self) -> Vec<u8> {
        let highest = self.versions.iter().max().copied();
        let legacy_version = highest.map_or(TlsVersion::Tls12.code(), ProtocolVersion::code);
        let tls13 = self.speaks_tls13();
        let signal = is_any_older(&self.versions).then_some(RENEGOTIATION_SCSV);
        let mut body = legacy_version.min(TlsVersion::Tls12.code()).to_be_bytes().to_vec();
        body.extend_from_slice(&[0x70; 32]);
        body.push(0);
        body.extend(vector16(&codes(self.suites.iter().map(|suite| suite.code).chain(signal))));
        // DEFLATE and none. Whoever offers TLS 1.3 offers no compression (RFC 8446 §4.1.2).
        body.extend(vector8(if tls13 { &[0] } else { &[1, 0] }));
        let is_ssl3 = highest == Some(ProtocolVersion::Ssl3);
        if !is_ssl3 {
            body.extend(vector16(&self.extensions()));
        }
        let mut handshake = vec![1, 0];
        handshake.extend(vector16(&body));
        let mut record = vec![22, 3, u8::from(!is_ssl3)];
        record.extend(vector16(&handshake));
        record
    }

    fn speaks_tls13(&self) -> bool {
        self.versions.contains(&ProtocolVersion::Tls(TlsVersion::Tls13))
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(name) = &self.server_name {
            let entry = [&[0][..], &vector16(name.as_bytes())].concat();
            all.extend(extension(0, &vector16(&entry)));
        }
        all.extend(extension(10, &vector16(&codes(self.groups.iter().copied()))));
        all.extend(extension(11, &[1, 0]));
        if self.versions.iter().any(|it| *it >= ProtocolVersion::Tls(TlsVersion::Tls12)) {
            all.extend(extension(13, &vector16(&codes(self.schemes.iter().copied()))));
        }
        all.extend(extension(16, &vector16(b"\x0apostgresql")));
        if self.speaks_tls13() {
            let mut newest_first = self.versions.clone();
            newest_first.sort_unstable_by(|a, b| b.cmp(a));
            let list = codes(newest_first.into_iter().map(ProtocolVersion::code));
            all.extend(extension(43, &vector8(&list)));
            all.extend(extension(51, &vector16(&[])));
        } else if self.ticket {
            all.extend(extension(35, &[]));
        }
        all
    }
}

/// The record of a `ClientHello` that offers `versions` with every suite.
pub(crate) fn render_client_hello(versions: &[TlsVersion]) -> Vec<u8> {
    Offer::of(&protocols(versions)).render()
}

/// The record of a `ClientHello` that offers a version with some suites, the preferred first.
pub(crate) fn render_offer(version: TlsVersion, suites: &[Cipher]) -> Vec<u8> {
    Offer { suites: suites.to_vec(), ..Offer::of(&protocols(&[version])) }.render()
}

/// Every suite that belongs to one of `versions`.
///
/// The strongest of a family come last in the registry and first here: a server that follows the
/// client's preference then shows one that it is likely to be used with.
pub(crate) fn suites(versions: &[ProtocolVersion]) -> Vec<Cipher> {
    let tls13 = versions.contains(&ProtocolVersion::Tls(TlsVersion::Tls13));
    let older = is_any_older(versions);
    let belongs = |cipher: &Cipher| if cipher.is_tls13() { tls13 } else { older };
    let mut suites: Vec<_> = names::ciphers().filter(belongs).collect();
    suites.reverse();
    suites
}

fn protocols(versions: &[TlsVersion]) -> Vec<ProtocolVersion> {
    versions.iter().copied().map(ProtocolVersion::Tls).collect()
}

fn is_any_older(versions: &[ProtocolVersion]) -> bool {
    versions.iter().any(|version| *version < ProtocolVersion::Tls(TlsVersion::Tls13))
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
#[expect(clippy::cast_possible_truncation, reason = "the tables and a name keep it below 2 KiB")]
fn vector16(body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}

/// A vector with a length of one byte.
#[expect(clippy::cast_possible_truncation, reason = "at most five versions are listed")]
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
    fn the_longest_hello_is_short() {
        let mut longest = Offer::of(&protocols(&TlsVersion::ALL));
        longest.server_name = Some("n".repeat(253));
        assert!(longest.render().len() < 1024);
    }

    fn every_suite() -> Vec<Cipher> {
        suites(&protocols(&TlsVersion::ALL))
    }

    proptest! {
        #[test]
        fn rustls_reads_any_selection_in_its_order(
            version in prop::sample::select(&TlsVersion::ALL[2..]),
            chosen in prop::sample::subsequence(every_suite(), 1..=112).prop_shuffle(),
        ) {
            let signal = (version < TlsVersion::Tls13).then_some(RENEGOTIATION_SCSV);
            let codes: Vec<_> = chosen.iter().map(|suite| suite.code).chain(signal).collect();
            prop_assert_eq!(read_by_rustls(&render_offer(version, &chosen)), codes);
        }
    }
}
