//! How the endpoint speaks, who gets in without TLS, what a role must show, and what an own
//! session says of what lies in between.

use super::facts::{answer, describe_ssl_answer};
use super::finding::{self, Finding};
use crate::packets::AuthMethod;
use crate::plaintext::PlaintextAnswer;
use crate::survey::{Asked, AuthAnswer, Session, SslAnswer, Survey};

const PLUS: &str = "SCRAM-SHA-256-PLUS";

pub(super) fn findings(survey: &Survey) -> Vec<Finding> {
    let mut findings: Vec<_> = speech(survey).into_iter().collect();
    if let Some(PlaintextAnswer::ReachesAuthentication { method }) = answer(&survey.plaintext) {
        findings.push(finding::PLAINTEXT_ACCEPTED.seen(format!("let in as far as {method}")));
        if matches!(method, AuthMethod::CleartextPassword | AuthMethod::Md5) {
            findings.push(finding::AUTH_PASSWORD_AT_RISK.seen(method.to_string()));
        }
        if *method == AuthMethod::None {
            findings.push(finding::AUTH_NONE.seen("without TLS"));
        }
    }
    match answer(&survey.authentication) {
        Some(AuthAnswer::Method(method)) => findings.extend(of_method(method)),
        // Without its certificate it was refused, with it a session was opened.
        Some(AuthAnswer::Error(_)) if answer(&survey.session).is_some() => {}
        Some(AuthAnswer::Error(message)) => {
            findings.push(finding::AUTH_REFUSED.seen(message.to_string()));
        }
        Some(AuthAnswer::Closed) => findings.push(finding::AUTH_REFUSED.seen("closed")),
        None => {}
    }
    if let Some(session) = answer(&survey.session) {
        findings.extend(of_session(session));
    }
    if survey.key_proved == Asked::Answer(false) && !survey.chains.is_empty() {
        findings.push(finding::CHAIN_KEY_UNPROVED.seen("no handshake was completed"));
    }
    if survey.ssl_request == SslAnswer::Accepted
        && survey.chains.is_empty()
        && !survey.suites.is_empty()
    {
        findings.push(finding::CHAIN_NONE.seen("no certificate with any suite"));
    }
    if survey.cut_short {
        let seen = format!("{} connections", survey.connections);
        findings.push(finding::SURVEY_CUT_SHORT.seen(seen));
    }
    findings
}

fn speech(survey: &Survey) -> Option<Finding> {
    let seen = describe_ssl_answer(&survey.ssl_request);
    match survey.ssl_request {
        SslAnswer::Accepted => None,
        SslAnswer::Declined if survey.takes_direct_tls() => Some(finding::TLS_STRIPPED.seen(seen)),
        SslAnswer::Declined => Some(finding::TLS_DECLINED.seen(seen)),
        SslAnswer::Unreachable(_) => Some(finding::UNREACHABLE.seen(seen)),
        SslAnswer::Error(_) | SslAnswer::Closed | SslAnswer::Garbage(_) | SslAnswer::TimedOut => {
            Some(finding::TLS_NO_ANSWER.seen(seen))
        }
    }
}

fn of_method(method: &AuthMethod) -> Option<Finding> {
    match method {
        AuthMethod::None => Some(finding::AUTH_NONE.seen("inside TLS")),
        AuthMethod::CleartextPassword => Some(finding::AUTH_CLEARTEXT.seen("inside TLS")),
        AuthMethod::Md5 => Some(finding::AUTH_MD5.seen("inside TLS")),
        AuthMethod::Sasl(mechanisms) if !mechanisms.iter().any(|it| it == PLUS) => {
            Some(finding::AUTH_NO_PLUS.seen(mechanisms.join(", ")))
        }
        AuthMethod::Sasl(_) | AuthMethod::Gss | AuthMethod::Sspi | AuthMethod::Other(_) => None,
    }
}

fn of_session(session: &Session) -> Option<Finding> {
    let (version, cipher) = session.agreed;
    if !session.ssl {
        let seen = format!("pg_stat_ssl.ssl is false in a session with {version}");
        return Some(finding::SESSION_PROXY.seen(seen));
    }
    let differs = |seen: &Option<String>, agreed: &str| {
        seen.as_ref().is_some_and(|seen| !seen.eq_ignore_ascii_case(agreed))
    };
    if differs(&session.version, version.name()) || differs(&session.cipher, cipher.openssl) {
        let shown = |text: &Option<String>| text.clone().unwrap_or_default();
        let (its_version, its_cipher) = (shown(&session.version), shown(&session.cipher));
        return Some(finding::SESSION_DIFFERS.seen(format!(
            "the server says {its_version} {its_cipher}, agreed on was {version} {}",
            cipher.openssl
        )));
    }
    match &session.channel_binding {
        Asked::Failed(reason) => Some(finding::SESSION_BINDING.seen(reason.as_str())),
        Asked::No | Asked::Answer(_) => None,
    }
}
