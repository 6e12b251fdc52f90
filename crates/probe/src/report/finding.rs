//! What a report warns of. Ids are stable: policies, dashboards and scripts name them.

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Clients are locked out, or somebody on the way can read or pose as the server.
    Critical,
    /// Weaker than it should be, or soon broken.
    Warning,
    /// Good to know.
    Notice,
}

impl Severity {
    /// Every one, the gravest first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Notice];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Something to know or to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The id of its kind, which does not change: `chain.expired`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen here.
    pub seen: String,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub to_do: &'static str,
}

/// A kind of finding.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its id.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub to_do: &'static str,
}

impl Kind {
    pub(super) fn seen(self, seen: impl Into<String>) -> Finding {
        let Self { id, severity, means, to_do } = self;
        Finding { id, severity, seen: seen.into(), means, to_do }
    }
}

macro_rules! kinds {
    ($($name:ident: $id:literal, $severity:ident, $means:literal, $to_do:literal;)+) => {
        $(pub(super) const $name: Kind =
            Kind { id: $id, severity: Severity::$severity, means: $means, to_do: $to_do };)+
        /// Every kind of finding.
        pub const KINDS: &[Kind] = &[$($name),+];
    };
}

kinds! {
    UNREACHABLE: "endpoint.unreachable", Critical,
        "no connection: nothing listens there, or the network does not lead there",
        "check host, port, firewall and whether the server runs";
    TLS_DECLINED: "tls.declined", Critical,
        "the server has no TLS: whoever is on the way reads everything, passwords included",
        "set ssl = on with a certificate and key, and reload; or use the endpoint that has TLS";
    TLS_STRIPPED: "tls.stripped", Critical,
        "the request for TLS is declined, but TLS without a request works: something on the way \
         takes TLS off, and reads and changes what clients send",
        "find what lies in between; until then sslmode=verify-full, which does not go on";
    TLS_NO_ANSWER: "tls.no_answer", Critical,
        "what listens there does not answer a request for TLS as PostgreSQL does",
        "check that host and port are those of PostgreSQL, and what stands in between";
    TLS_NO_VERSION: "tls.no_version", Critical,
        "the server says that it has TLS, but no handshake gets an answer",
        "look at the server's log, its certificate, ssl_ciphers and ssl_min_protocol_version";
    PLAINTEXT_ACCEPTED: "plaintext.accepted", Critical,
        "a session without TLS is let in: who strips TLS on the way, or a client that does not \
         insist on it, sends everything in the clear",
        "refuse it: hostssl instead of host in pg_hba.conf, on RDS rds.force_ssl=1; and clients \
         with sslmode=verify-full";
    VERSION_OLD: "version.old", Warning,
        "SSL 3.0, TLS 1.0 and TLS 1.1 are deprecated (RFC 7568, RFC 8996)",
        "set ssl_min_protocol_version to TLSv1.2";
    VERSION_NOT_FOR_CLIENTS: "version.below_clients", Critical,
        "the newest version is below TLSv1.2, which libpq 14 and later and most drivers ask for",
        "update the server's OpenSSL, or raise ssl_max_protocol_version";
    VERSION_NO_13: "version.no_tls13", Notice,
        "TLS 1.3 is not spoken, so the certificate is sent in the clear and a handshake takes \
         longer",
        "leave ssl_max_protocol_version empty; PostgreSQL 12 and OpenSSL 1.1.1 or later have it";
    SUITE_NULL: "suite.null", Critical,
        "these suites do not encrypt at all",
        "take eNULL out of ssl_ciphers";
    SUITE_ANONYMOUS: "suite.anonymous", Critical,
        "these suites prove no identity: anybody on the way can be the server",
        "add !aNULL to ssl_ciphers";
    SUITE_EXPORT: "suite.export", Critical,
        "these suites were made weak enough to be broken",
        "add !EXPORT to ssl_ciphers";
    SUITE_RC4: "suite.rc4", Warning,
        "RC4 leaks what it encrypts (RFC 7465)",
        "add !RC4 to ssl_ciphers";
    SUITE_3DES: "suite.3des", Warning,
        "blocks of 64 bits repeat in long sessions (SWEET32)",
        "add !3DES to ssl_ciphers";
    SUITE_OUTDATED: "suite.outdated", Notice,
        "SEED, IDEA, Camellia and ARIA are hardly used and hardly looked at",
        "name the wanted suites in ssl_ciphers, such as ECDHE+AESGCM:ECDHE+CHACHA20";
    SUITE_CBC_SHA1: "suite.cbc_sha1", Notice,
        "CBC with SHA-1 was attacked again and again (Lucky 13), and rests on a broken hash",
        "name the wanted suites in ssl_ciphers, such as ECDHE+AESGCM:ECDHE+CHACHA20";
    SUITE_STATIC_RSA: "suite.static_rsa", Notice,
        "without forward secrecy: who gets the server's key reads what was recorded before",
        "add !kRSA to ssl_ciphers";
    SUITE_CLIENT_ORDER: "suite.client_order", Notice,
        "the client's order of suites decides, so an old client chooses a weak one",
        "set ssl_prefer_server_ciphers = on";
    DH_SMALL: "group.dh_small", Warning,
        "a prime this small can be broken; clients of OpenSSL's security level 2 refuse it",
        "give ssl_dh_params_file 2048 bits or more, or leave DHE out of ssl_ciphers";
    NO_POST_QUANTUM: "group.no_post_quantum", Notice,
        "a session recorded today could be read by a quantum computer of the future",
        "OpenSSL 3.5 with X25519MLKEM768 in ssl_groups (PostgreSQL 18)";
    SIGNATURE_SHA1: "signature.sha1", Warning,
        "the server signs handshakes with SHA-1 for a client that asks for it",
        "raise OpenSSL's security level to 2 (@SECLEVEL=2 in ssl_ciphers)";
    COMPRESSION: "tls.compression", Warning,
        "compression tells of the contents by their length (CRIME)",
        "update PostgreSQL: 14 and later never compress";
    NO_SECURE_RENEGOTIATION: "tls.no_secure_renegotiation", Warning,
        "without RFC 5746 somebody on the way can put words before a client's",
        "update the server's OpenSSL";
    CHAIN_NONE: "chain.none", Critical,
        "the server shows no certificate, so nobody can verify it",
        "set ssl_cert_file and ssl_key_file, and add !aNULL to ssl_ciphers";
    CHAIN_UNREADABLE: "chain.unreadable", Critical,
        "a certificate is damaged",
        "replace ssl_cert_file";
    CHAIN_EXPIRED: "chain.expired", Critical,
        "clients that verify refuse it",
        "renew the certificate and reload the server";
    CHAIN_NOT_YET_VALID: "chain.not_yet_valid", Critical,
        "clients that verify refuse it",
        "check the clocks of the server, of its authority and of this machine";
    CHAIN_EXPIRES_SOON: "chain.expires_soon", Warning,
        "clients that verify will refuse it then",
        "renew the certificate and reload the server";
    CHAIN_UNTRUSTED: "chain.untrusted", Critical,
        "verify-ca and verify-full refuse the server, with these roots",
        "give clients the root of the authority that issued it";
    CHAIN_INCOMPLETE: "chain.incomplete", Critical,
        "an issuer is neither sent nor among the roots: an intermediate is missing, or the roots \
         are those of another authority",
        "put the intermediates after the certificate into ssl_cert_file and reload";
    CHAIN_STRICT_ONLY: "chain.partial", Warning,
        "the roots hold only an intermediate: Go, Java and rustls trust it, libpq does not",
        "give clients the root itself";
    CHAIN_SELF_SIGNED: "chain.self_signed", Warning,
        "the certificate is its own root: every renewal must reach every client",
        "have an authority issue it";
    CHAIN_NEEDLESS_ROOT: "chain.needless_root", Notice,
        "a root that is sent is not trusted for that; it only makes the handshake longer",
        "take it out of ssl_cert_file";
    CHAIN_ORDER: "chain.order", Warning,
        "TLS 1.2 asks for each certificate to be followed by its issuer (RFC 5246 7.4.2)",
        "sort ssl_cert_file: the server's own, then each issuer";
    CHAIN_STRANGER: "chain.stranger", Notice,
        "a certificate that is sent belongs to no path",
        "take it out of ssl_cert_file";
    CHAIN_LONG: "chain.long", Warning,
        "some clients give up on long chains, rustls on more than 6 issuers, and each handshake \
         carries it",
        "have a shorter path issued";
    CHAIN_BIG: "chain.big", Critical,
        "clients give up on certificates this big: Java at 32 KiB, Go and rustls at 64 KiB, libpq \
         and others with OpenSSL at 100 KiB",
        "take needless certificates out of ssl_cert_file, or have smaller ones issued";
    CHAIN_UNSEEN: "chain.unseen", Warning,
        "no certificate came to be seen, so nothing is known of it",
        "look at the server's log, and at the failed questions";
    CHAIN_WEAK_KEY: "chain.weak_key", Critical,
        "such a key can be broken; verifying clients with OpenSSL's security level 2 refuse it",
        "issue a new one with RSA 2048 bits, or P-256, or more";
    CHAIN_WEAK_SIGNATURE: "chain.weak_signature", Critical,
        "MD5 and SHA-1 can be forged; verifying clients refuse it",
        "have it issued anew with SHA-256";
    CHAIN_KEY_KIND: "chain.key_kind", Warning,
        "many drivers cannot use a certificate with this kind of key, and SCRAM's channel binding \
         is not defined for all of them",
        "issue one with an RSA or P-256 key";
    CHAIN_SIGNATURE_KIND: "chain.signature_kind", Warning,
        "it cannot be checked here, and not by every client: rustls refuses it",
        "have it issued anew with SHA-256 and ECDSA or RSA";
    CHAIN_KEY_WRONG: "chain.key_wrong", Critical,
        "the server does not hold the certificate's key: no client gets past its signature",
        "set ssl_key_file to the key of ssl_cert_file, and look at what stands in between";
    CHAIN_KEY_UNPROVED: "chain.key_unproved", Notice,
        "the server's signature was not checked, so it is not known whether it holds the key",
        "set ssl_ciphers and the key so that a client of today can agree with the server";
    NAME_WRONG: "name.wrong", Critical,
        "verify-full refuses the server under this name",
        "connect to a name of the certificate, or issue one for this name";
    NAME_COMMON_NAME_ONLY: "name.common_name_only", Warning,
        "the name is only the subject's common name: libpq, Python, Node and Java still take it, \
         Go and rustls refuse it",
        "issue a certificate with subjectAltName";
    NAME_LIBPQ_ONLY: "name.libpq_only", Warning,
        "libpq takes the name, strict clients do not",
        "issue a certificate with the name itself in subjectAltName";
    NAME_STRICT_ONLY: "name.strict_only", Warning,
        "strict clients take the name, libpq does not",
        "issue a certificate with the name itself as its first";
    NAME_ADDRESS: "name.address_before_15", Notice,
        "libpq 14 and older do not know addresses in subjectAltName",
        "connect to a DNS name of the certificate";
    AUTH_NONE: "auth.none", Critical,
        "this role gets in without showing anything",
        "ask for scram-sha-256 in pg_hba.conf";
    AUTH_CLEARTEXT: "auth.cleartext", Warning,
        "the server sees the password itself: whoever poses as it gets it, unless clients verify",
        "use scram-sha-256, or sslmode=verify-full everywhere";
    AUTH_MD5: "auth.md5", Warning,
        "an md5 password can be tried out offline, and its hash suffices to log in; without \
         channel binding",
        "set password_encryption = scram-sha-256 and every password anew";
    AUTH_PASSWORD_AT_RISK: "auth.password_at_risk", Critical,
        "a role would show its password, or what it can be guessed from, without TLS",
        "hostssl instead of host in pg_hba.conf, on RDS rds.force_ssl=1";
    AUTH_NO_PLUS: "auth.no_channel_binding", Notice,
        "SCRAM-SHA-256-PLUS is not offered inside TLS: nothing ties the login to the certificate; \
         so it is behind a proxy that ends TLS",
        "connect to the server itself, and use channel_binding=require where it must be";
    AUTH_BINDING_UNDEFINED: "auth.binding_undefined", Critical,
        "libpq cannot log in inside TLS: it binds the login to the certificate, which is not \
         defined for this kind of signature",
        "have the certificate signed with ECDSA or RSA, or use channel_binding=disable";
    AUTH_REFUSED: "auth.refused", Warning,
        "this role and database are refused inside TLS, so sessions beyond were not looked at",
        "give --user and --dbname of a role that may log in from here";
    SESSION_PROXY: "session.proxy", Critical,
        "TLS ends before the server: what lies in between reads everything",
        "connect to the server itself";
    SESSION_DIFFERS: "session.differs", Critical,
        "the server's own view of the session is another one: something in between ends TLS and \
         opens it again",
        "connect to the server itself";
    SESSION_BINDING: "session.channel_binding", Critical,
        "the certificate that clients see is not the one that the server has, or it cannot be \
         bound to: something in between ends TLS",
        "connect to the server itself";
    SURVEY_CUT_SHORT: "survey.cut_short", Notice,
        "the most connections allowed were made before all was asked",
        "ask again without --fast";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::KINDS;

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<_> = KINDS.iter().map(|kind| kind.id).collect();
        assert_eq!(ids.len(), KINDS.len());
    }
}
