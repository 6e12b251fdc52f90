//! How the endpoint speaks, who gets in without TLS, what a role must show, and what an own
//! session says of what lies in between.

use super::certificate::ServedCertificate;
use super::facts::{answer, describe_ssl_answer};
use super::finding::{self, Finding};
use crate::packets::AuthMethod;
use crate::plaintext::PlaintextAnswer;
use crate::survey::{Asked, AuthAnswer, Session, SslAnswer, Survey};

const PLUS: &str = "SCRAM-SHA-256-PLUS";

pub(super) fn findings(survey: &Survey, leaf: Option<&ServedCertificate>) -> Vec<Finding> {
    let mut findings: Vec<_> = speech(survey).into_iter().collect();
    if let Some(PlaintextAnswer::ReachesAuthentication { method }) = answer(&survey.plaintext) {
        findings.push(finding::PLAINTEXT_ACCEPTED.seen(format!("let in as far as {method}")));
        if matches!(method, AuthMethod::CleartextPassword | AuthMethod::Md5) {
            findings.push(finding::AUTH_PASSWORD_AT_RISK.seen(method.to_string()));
        }
    }
    findings.extend(of_nobody(survey));
    match answer(&survey.authentication) {
        Some(AuthAnswer::Method(method)) => {
            findings.extend(of_method(method));
            if offers_plus(method)
                && let Some(leaf) = leaf.filter(|leaf| !leaf.is_bindable())
            {
                findings.push(finding::AUTH_BINDING_UNDEFINED.seen(leaf.signature.as_str()));
            }
        }
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
    findings.extend(of_key(survey));
    if survey.cut_short {
        let seen = format!("{} connections", survey.connections);
        findings.push(finding::SURVEY_CUT_SHORT.seen(seen));
    }
    findings
}

/// Whether a role gets in without showing anything.
fn of_nobody(survey: &Survey) -> Option<Finding> {
    let nothing = AuthMethod::None;
    let plain = matches!(answer(&survey.plaintext),
        Some(PlaintextAnswer::ReachesAuthentication { method }) if *method == nothing);
    let inside = matches!(answer(&survey.authentication),
        Some(AuthAnswer::Method(method)) if *method == nothing);
    let seen = match (plain, inside) {
        (true, true) => "with TLS and without",
        (true, false) => "without TLS",
        (false, true) => "inside TLS",
        (false, false) => return None,
    };
    Some(finding::AUTH_NONE.seen(seen))
}

/// Whether there is a certificate, and the server holds its key.
fn of_key(survey: &Survey) -> Option<Finding> {
    if survey.suites.is_empty() {
        return None;
    }
    Some(match &survey.key_proved {
        _ if is_anonymous(survey) => finding::CHAIN_NONE.seen("no certificate with any suite"),
        _ if survey.chains.is_empty() => finding::CHAIN_UNSEEN.seen(survey.failures.join("; ")),
        Asked::Answer(true) => return None,
        Asked::Answer(false) => finding::CHAIN_KEY_WRONG.seen("its signature is of another key"),
        Asked::Failed(reason) => finding::CHAIN_KEY_UNPROVED.seen(reason.as_str()),
        Asked::No => finding::CHAIN_KEY_UNPROVED.seen("no handshake was completed"),
    })
}

/// Whether the server has no suite with which it shows a certificate.
pub(super) fn is_anonymous(survey: &Survey) -> bool {
    let mut suites = survey.suites.iter().flat_map(|seen| &seen.suites);
    survey.chains.is_empty() && suites.all(|suite| suite.iana.contains("_anon_"))
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
        AuthMethod::CleartextPassword => Some(finding::AUTH_CLEARTEXT.seen("inside TLS")),
        AuthMethod::Md5 => Some(finding::AUTH_MD5.seen("inside TLS")),
        AuthMethod::Sasl(mechanisms) if !offers_plus(method) => {
            Some(finding::AUTH_NO_PLUS.seen(mechanisms.join(", ")))
        }
        AuthMethod::None
        | AuthMethod::Sasl(_)
        | AuthMethod::Gss
        | AuthMethod::Sspi
        | AuthMethod::Other(_) => None,
    }
}

pub(super) fn offers_plus(method: &AuthMethod) -> bool {
    matches!(method, AuthMethod::Sasl(mechanisms) if mechanisms.iter().any(|it| it == PLUS))
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
