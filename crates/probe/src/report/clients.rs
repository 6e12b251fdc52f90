//! The clients whose behaviour is foretold: data that was measured, and is held to the 8424 cells
//! of `docs/clients.md` by a test. What was not measured says so.

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: &'static str,
    /// What its behaviour rests on.
    pub(super) basis: &'static str,
    /// The words of `sslmode`, and what each does.
    pub(super) words: &'static [(&'static str, Way)],
    /// The word that it starts from.
    pub(super) default: &'static str,
    /// The same where it is given roots and nothing else.
    pub(super) default_with_root: &'static str,
    pub(super) tls: Tls,
    /// What it makes of a chain without a root of its own.
    pub(super) without_root: WithoutRoot,
    /// Whether it logs in with SCRAM-SHA-256-PLUS where that is offered.
    pub(super) binds_channel: bool,
    /// When it goes on without TLS, or to TLS, after a first try.
    pub(super) second: Second,
    pub(super) says: Says,
}

/// In which order a client tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    PlainThenTls(Verify),
    TlsThenPlain(Verify),
    Tls(Verify),
    /// TLS with a chain that is verified; without a root it refuses the word itself.
    TlsIfRoot(&'static str),
    /// TLS without `SSLRequest`.
    Direct(Verify),
    /// It refuses the word itself.
    Never(&'static str),
}

/// What is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    ChainIfRoot,
    Chain,
    Full,
    /// Full, by the system's roots.
    System,
}

/// The TLS library below a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// OpenSSL with its own list of suites and security level 2.
    OpenSsl,
    /// The same with the list of Python's `ssl`.
    Python,
    /// The same with Node's.
    Node,
    Rustls,
    Go,
    Java,
    DotNet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WithoutRoot {
    /// It refuses, with these words.
    Refuses(&'static str),
    /// It takes the system's roots, or those that it brings.
    System,
    /// It trusts none.
    Empty,
}

/// What has a client try the other way.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Second {
    /// A handshake that failed.
    pub(super) after_handshake: bool,
    /// A refusal by `pg_hba.conf` (28000).
    pub(super) after_refusal: bool,
    /// An error in answer to `SSLRequest`.
    pub(super) after_error: bool,
    /// No answer to it, or none that there is.
    pub(super) after_nonsense: bool,
}

/// The words of its refusals. `{host}` is the server's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Says {
    pub(super) no_tls: &'static str,
    pub(super) distrust: &'static str,
    /// None where the words are libpq's.
    pub(super) wrong_name: Option<&'static str>,
}

use Verify::{Chain, ChainIfRoot, Full, Nothing};
use Way::{Direct, Never, Plain, PlainThenTls, Tls as Only, TlsIfRoot, TlsThenPlain};

const LIBPQ: &[(&str, Way)] = &[
    ("disable", Plain),
    ("allow", PlainThenTls(ChainIfRoot)),
    ("prefer", TlsThenPlain(ChainIfRoot)),
    ("require", Only(ChainIfRoot)),
    ("verify-ca", Only(Chain)),
    ("verify-full", Only(Full)),
];
const WEAK_DIRECT: &str = "weak sslmode \"prefer\" may not be used with sslnegotiation=direct \
                           (use \"require\", \"verify-ca\", or \"verify-full\")";
const LIBPQ_17: &[(&str, Way)] = &[
    ("disable", Plain),
    ("allow", PlainThenTls(ChainIfRoot)),
    ("prefer", TlsThenPlain(ChainIfRoot)),
    ("require", Only(ChainIfRoot)),
    ("verify-ca", Only(Chain)),
    ("verify-full", Only(Full)),
    ("prefer&sslnegotiation=direct", Never(WEAK_DIRECT)),
    ("require&sslnegotiation=direct", Direct(ChainIfRoot)),
    ("verify-ca&sslnegotiation=direct", Direct(Chain)),
    ("verify-full&sslnegotiation=direct", Direct(Full)),
    ("verify-full&sslrootcert=system", Only(Verify::System)),
];
const TRUSTING: &[(&str, Way)] = &[
    ("disable", Plain),
    ("allow", PlainThenTls(Nothing)),
    ("prefer", TlsThenPlain(Nothing)),
    ("require", Only(Nothing)),
    ("verify-ca", Only(Chain)),
    ("verify-full", Only(Full)),
];
const NODE_NO_ROOT: &str = "SECURITY WARNING: Using sslmode=verify-ca requires specifying a CA \
                            with sslrootcert.";
const INVALID_MODE: &str = "invalid connection string: invalid value for option `sslmode`";

const LIBPQ_SAYS: Says = Says {
    no_tls: "server does not support SSL, but SSL was required",
    distrust: "SSL error: certificate verify failed",
    wrong_name: None,
};
const NO_ROOT_FILE: &str = "root certificate file \"~/.postgresql/root.crt\" does not exist";
const NONE: Second = Second {
    after_handshake: false,
    after_refusal: false,
    after_error: false,
    after_nonsense: false,
};
const AFTER_BOTH: Second = Second { after_handshake: true, after_refusal: true, ..NONE };
const AFTER_REFUSAL: Second = Second { after_refusal: true, ..NONE };

pub(super) const CLIENTS: [Client; 9] = [
    Client {
        name: "psql",
        basis: "measured with psql 15 of Debian 12, OpenSSL 3.0",
        words: LIBPQ,
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::OpenSsl,
        without_root: WithoutRoot::Refuses(NO_ROOT_FILE),
        binds_channel: true,
        second: AFTER_BOTH,
        says: LIBPQ_SAYS,
    },
    Client {
        name: "psycopg",
        basis: "measured with psycopg 3.3 and its libpq 18",
        words: LIBPQ_17,
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::OpenSsl,
        without_root: WithoutRoot::Refuses(NO_ROOT_FILE),
        binds_channel: true,
        second: AFTER_BOTH,
        says: LIBPQ_SAYS,
    },
    Client {
        name: "asyncpg",
        basis: "measured with asyncpg 0.32 on Python 3.11, OpenSSL 3.0",
        words: &[
            ("disable", Plain),
            ("allow", PlainThenTls(Nothing)),
            ("prefer", TlsThenPlain(Nothing)),
            ("require", Only(ChainIfRoot)),
            ("verify-ca", Only(Chain)),
            ("verify-full", Only(Full)),
        ],
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::Python,
        without_root: WithoutRoot::Refuses(NO_ROOT_FILE),
        binds_channel: false,
        second: AFTER_BOTH,
        says: Says {
            no_tls: "rejected SSL upgrade",
            distrust: "certificate verify failed",
            wrong_name: Some("certificate is not valid for '{host}'"),
        },
    },
    Client {
        name: "node-postgres",
        basis: "measured with pg 8.23 on Node 20, OpenSSL 3.0",
        words: &[
            ("disable", Plain),
            ("allow", Only(Full)),
            ("prefer", Only(Full)),
            ("require", Only(Full)),
            ("verify-ca", Only(Full)),
            ("verify-full", Only(Full)),
            ("no-verify", Only(Nothing)),
            ("prefer&uselibpqcompat=true", Only(Nothing)),
            ("require&uselibpqcompat=true", Only(ChainIfRoot)),
            ("verify-ca&uselibpqcompat=true", TlsIfRoot(NODE_NO_ROOT)),
        ],
        default: "disable",
        default_with_root: "verify-full",
        tls: Tls::Node,
        without_root: WithoutRoot::System,
        binds_channel: false,
        second: NONE,
        says: Says {
            no_tls: "The server does not support SSL connections",
            distrust: "unable to get",
            wrong_name: Some("Hostname/IP does not match certificate's altnames"),
        },
    },
    Client {
        name: "pgjdbc",
        basis: "measured with pgjdbc 42.5 on Java 17",
        words: TRUSTING,
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::Java,
        without_root: WithoutRoot::Refuses("Could not open SSL root certificate file"),
        binds_channel: false,
        second: Second { after_error: true, ..AFTER_REFUSAL },
        says: Says {
            no_tls: "The server does not support SSL.",
            distrust: "SSL error: ",
            wrong_name: Some("The hostname {host} could not be verified by hostnameverifier"),
        },
    },
    Client {
        name: "pgx",
        basis: "measured with pgx v4 of Debian 12, Go 1.19",
        words: &[
            ("disable", Plain),
            ("allow", Plain),
            ("prefer", TlsThenPlain(Nothing)),
            ("require", Only(ChainIfRoot)),
            ("verify-ca", Only(Chain)),
            ("verify-full", Only(Full)),
        ],
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::Go,
        without_root: WithoutRoot::System,
        binds_channel: false,
        second: Second {
            after_refusal: false,
            after_error: true,
            after_nonsense: true,
            ..AFTER_BOTH
        },
        says: Says {
            no_tls: "tls error (server refused TLS connection)",
            distrust: "x509: ",
            wrong_name: Some("not {host}"),
        },
    },
    Client {
        name: "tokio-postgres",
        basis: "measured with tokio-postgres 0.7 and rustls",
        words: &[
            ("disable", Plain),
            ("allow", Never(INVALID_MODE)),
            ("prefer", TlsThenPlain(Full)),
            ("require", Only(Full)),
            ("verify-ca", Never(INVALID_MODE)),
            ("verify-full", Never(INVALID_MODE)),
        ],
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::Rustls,
        without_root: WithoutRoot::Empty,
        binds_channel: true,
        second: NONE,
        says: Says {
            no_tls: "error performing TLS handshake: server does not support TLS",
            distrust: "invalid peer certificate: ",
            wrong_name: Some("certificate not valid for name \"{host}\""),
        },
    },
    Client {
        name: "sqlx",
        basis: "measured with sqlx 0.9 and rustls",
        words: &[
            ("disable", Plain),
            ("allow", Plain),
            ("prefer", TlsThenPlain(Nothing)),
            ("require", Only(Nothing)),
            ("verify-ca", Only(Chain)),
            ("verify-full", Only(Full)),
        ],
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::Rustls,
        without_root: WithoutRoot::System,
        binds_channel: false,
        second: NONE,
        says: Says {
            no_tls: "server does not support TLS",
            distrust: "invalid peer certificate: ",
            wrong_name: Some("certificate not valid for name \"{host}\""),
        },
    },
    Client {
        name: "npgsql",
        basis: "by Npgsql's documentation, not measured",
        words: TRUSTING,
        default: "prefer",
        default_with_root: "prefer",
        tls: Tls::DotNet,
        without_root: WithoutRoot::System,
        binds_channel: true,
        second: AFTER_REFUSAL,
        says: Says {
            no_tls: "SSL connection requested. No SSL enabled connection from this host is \
                     configured.",
            distrust: "The remote certificate was rejected by the provided \
                       RemoteCertificateValidationCallback",
            wrong_name: Some("RemoteCertificateNameMismatch"),
        },
    },
];

impl Tls {
    /// Whether a client with this library looks at the common name where there is no alternative
    /// name.
    pub(super) fn takes_common_name(self) -> bool {
        !matches!(self, Self::Rustls | Self::Go)
    }
}
