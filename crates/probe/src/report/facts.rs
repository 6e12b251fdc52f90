//! What was seen, in the form in which a report shows it. `null` means not asked, never "no".

use serde::Serialize;

use crate::plaintext::PlaintextAnswer;
use crate::survey::{
    Asked, AuthAnswer, DirectTls, GssAnswer, ProtocolVersion, SslAnswer, SuiteOrder, Survey,
    VersionSeen,
};

/// The facts of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Facts {
    /// The lowest major version of PostgreSQL that answers so.
    pub major_version_from: Option<u16>,
    /// The highest one.
    pub major_version_to: Option<u16>,
    /// `server_version`, where a session was opened.
    pub server_version: Option<String>,
    /// The newest version of PostgreSQL's protocol that the server says it speaks.
    pub protocol: Option<String>,
    /// The answer to `SSLRequest`.
    pub ssl_request: String,
    /// What becomes of a `ClientHello` that comes first.
    pub direct_tls: Option<String>,
    /// The answer to `GSSENCRequest`.
    pub gss_request: Option<String>,
    /// What becomes of a session without TLS.
    pub plaintext: Option<String>,
    /// Whether a session without TLS is refused before authentication.
    pub plaintext_refused: Option<bool>,
    /// What a role must show inside TLS.
    pub authentication: Option<String>,
    /// The versions of SSL and TLS, the oldest first.
    pub versions: Vec<Version>,
    /// The groups of the key exchange, in the server's order.
    pub groups: Option<Vec<String>>,
    /// The bits of the prime of finite-field Diffie-Hellman.
    pub dh_bits: Option<u16>,
    /// The schemes with which the server signs.
    pub signature_schemes: Option<Vec<String>>,
    /// Whether it compresses.
    pub compression: Option<bool>,
    /// Whether it knows secure renegotiation.
    pub secure_renegotiation: Option<bool>,
    /// Whether a session is taken up again.
    pub resumption: Option<bool>,
    /// Whether it gives tickets.
    pub tickets: Option<bool>,
    /// Whether a handshake showed that the server holds the key.
    pub key_proved: Option<bool>,
    /// `pg_stat_ssl.ssl` of a session of its own.
    pub session_ssl: Option<bool>,
    /// Whether the login was bound to the certificate.
    pub channel_binding: Option<bool>,
    /// Questions without a usable answer.
    pub failures: Vec<String>,
}

/// A version of SSL or TLS that was offered alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_field_names, reason = "the key of the JSON")]
pub struct Version {
    /// PostgreSQL's name of it: `TLSv1.2`.
    pub version: String,
    /// Whether the server speaks it; none where that is not known.
    pub accepted: Option<bool>,
    /// Its suites, under OpenSSL's names, in the order in which the server chose them.
    pub suites: Vec<String>,
    /// Whether these are all.
    pub complete: bool,
    /// Whether the server's order of suites rules; none with one suite, or if not asked.
    pub server_order: Option<bool>,
}

impl Facts {
    pub(super) fn of(survey: &Survey) -> Self {
        let session = answer(&survey.session);
        let channel_binding = session.and_then(|session| match &session.channel_binding {
            Asked::No => None,
            Asked::Answer(bound) => Some(*bound),
            Asked::Failed(_) => Some(false),
        });
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        Self {
            major_version_from: survey.major_version.0,
            major_version_to: survey.major_version.1,
            server_version: session.map(|session| session.server_version.clone()),
            protocol: answer(&survey.protocol).map(|(major, minor)| format!("{major}.{minor}")),
            ssl_request: describe_ssl_answer(&survey.ssl_request),
            direct_tls: answer(&survey.direct_tls).map(describe_direct),
            gss_request: answer(&survey.gss_request).map(describe_gss),
            plaintext: answer(&survey.plaintext).map(ToString::to_string),
            plaintext_refused: match answer(&survey.plaintext) {
                Some(PlaintextAnswer::RefusedBeforeAuthentication(_)) => Some(true),
                Some(PlaintextAnswer::ReachesAuthentication { .. }) => Some(false),
                _ => None,
            },
            authentication: answer(&survey.authentication).map(|answer| match answer {
                AuthAnswer::Method(method) => method.to_string(),
                AuthAnswer::Error(message) => format!("refused: {message}"),
                AuthAnswer::Closed => "closed without an answer".to_owned(),
            }),
            versions: survey
                .versions
                .iter()
                .map(|(one, seen)| version(survey, *one, seen))
                .collect(),
            groups: answer(&survey.groups)
                .map(|groups| names(groups.iter().map(|group| group.name).collect())),
            dh_bits: answer(&survey.dh_bits).copied(),
            signature_schemes: answer(&survey.signature_schemes)
                .map(|schemes| names(schemes.iter().map(|scheme| scheme.name).collect())),
            compression: answer(&survey.compression).copied(),
            secure_renegotiation: answer(&survey.secure_renegotiation).copied(),
            resumption: answer(&survey.resumption).map(|resumption| resumption.resumed),
            tickets: answer(&survey.resumption).map(|resumption| resumption.ticket),
            key_proved: answer(&survey.key_proved).copied(),
            session_ssl: session.map(|session| session.ssl),
            channel_binding,
            failures: survey.failures.clone(),
        }
    }
}

/// The answer, where there is one.
pub(super) fn answer<T>(asked: &Asked<T>) -> Option<&T> {
    match asked {
        Asked::Answer(answer) => Some(answer),
        Asked::No | Asked::Failed(_) => None,
    }
}

/// PostgreSQL's name of a version.
pub(super) fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::Ssl3 => "SSLv3",
        ProtocolVersion::Tls(version) => version.name(),
    }
}

fn version(survey: &Survey, version: ProtocolVersion, seen: &VersionSeen) -> Version {
    let suites = survey.suites.iter().find(|suites| suites.version == version);
    let order = suites.and_then(|suites| answer(&suites.order));
    Version {
        version: version_name(version).to_owned(),
        accepted: match seen {
            VersionSeen::Accepted => Some(true),
            VersionSeen::Lower(_) | VersionSeen::Refused(_) | VersionSeen::Closed => Some(false),
            VersionSeen::TimedOut | VersionSeen::Failed(_) => None,
        },
        suites: suites
            .map(|suites| suites.suites.iter().map(|suite| suite.openssl.to_owned()).collect())
            .unwrap_or_default(),
        complete: suites.is_none_or(|suites| suites.complete),
        server_order: order.map(|order| *order == SuiteOrder::Server),
    }
}

pub(super) fn describe_ssl_answer(answer: &SslAnswer) -> String {
    match answer {
        SslAnswer::Accepted => "S: the server has TLS".to_owned(),
        SslAnswer::Declined => "N: the server has no TLS".to_owned(),
        SslAnswer::Error(message) => format!("an error: {message}"),
        SslAnswer::Closed => "closed without an answer".to_owned(),
        SslAnswer::Garbage(start) => format!("no answer of PostgreSQL: {start:?}"),
        SslAnswer::TimedOut => "no answer in time".to_owned(),
        SslAnswer::Unreachable(reason) => format!("no connection: {reason}"),
    }
}

fn describe_direct(answer: &DirectTls) -> String {
    match answer {
        DirectTls::Accepted { alpn: true } => "accepted with ALPN postgresql".to_owned(),
        DirectTls::Accepted { alpn: false } => "accepted without ALPN".to_owned(),
        DirectTls::Alert(alert) => format!("refused with alert {alert}"),
        DirectTls::Refused => "refused".to_owned(),
    }
}

fn describe_gss(answer: &GssAnswer) -> String {
    match answer {
        GssAnswer::Accepted => "G: the server encrypts with GSSAPI".to_owned(),
        GssAnswer::Declined => "N: the server does not encrypt with GSSAPI".to_owned(),
        GssAnswer::Error(message) => format!("an error: {message}"),
        GssAnswer::Closed => "closed without an answer".to_owned(),
        GssAnswer::Garbage(start) => format!("no answer of PostgreSQL: {start:?}"),
    }
}
