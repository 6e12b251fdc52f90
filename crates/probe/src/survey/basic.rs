//! A survey from the questions that this crate had before: versions, suites, chain, plaintext.
//!
//! Everything else stays [`Asked::No`].

use std::time::Instant;

use super::{Asked, Plan, ProtocolVersion, SslAnswer, SuitesSeen, Survey, VersionSeen};
use crate::error::ProbeError;
use crate::handshake::{Versions, handshake};
use crate::offers::{VersionAnswer, accepted_suites, greet, offers};
use crate::plaintext::plaintext;
use crate::version::TlsVersion;

/// Asks an endpoint.
pub async fn survey(plan: &Plan<'_>) -> Survey {
    let begun = Instant::now();
    let (addr, within) = (plan.addr, plan.within);
    let mut survey = empty(plan);
    for version in TlsVersion::ALL {
        survey.connections += 1;
        let answer = offers(addr, version, within).await;
        if let Err(error) = &answer
            && let Some(answer) = ssl_answer(error)
        {
            survey.ssl_request = answer;
            break;
        }
        let seen = match answer {
            Ok(VersionAnswer::Accepted { .. }) => VersionSeen::Accepted,
            Ok(VersionAnswer::Lower { version, .. }) => {
                VersionSeen::Lower(ProtocolVersion::Tls(version))
            }
            Ok(VersionAnswer::Refused { alert }) => VersionSeen::Refused(alert),
            Err(ProbeError::Closed { .. }) => VersionSeen::Closed,
            Err(error) => VersionSeen::Failed(error.to_string()),
        };
        let is_accepted = seen == VersionSeen::Accepted;
        survey.versions.push((ProtocolVersion::Tls(version), seen));
        if !is_accepted {
            continue;
        }
        if let Ok(accepted) = accepted_suites(addr, version, within).await {
            survey.connections += u32::try_from(accepted.suites.len() + 1).unwrap_or_default();
            survey.suites.push(SuitesSeen {
                version: ProtocolVersion::Tls(version),
                suites: accepted.suites,
                complete: true,
                taken_from: None,
                order: Asked::No,
            });
        }
    }
    if survey.ssl_request == SslAnswer::Accepted && !survey.suites.is_empty() {
        survey.connections += 1;
        let whole = handshake(addr, plan.server_name, None, Versions::default(), within).await;
        survey.key_proved = Asked::Answer(whole.is_ok());
        let chain = match whole {
            Ok(whole) => whole.chain,
            Err(_) => greet(addr, within).await.map(|greeting| greeting.chain).unwrap_or_default(),
        };
        survey.chains.extend(Some(chain).filter(|chain| !chain.is_empty()));
    }
    if !matches!(survey.ssl_request, SslAnswer::Unreachable(_)) {
        survey.connections += 1;
        survey.plaintext = match plaintext(addr, plan.user, plan.database, within).await {
            Ok(answer) => Asked::Answer(answer),
            Err(error) => Asked::Failed(error.to_string()),
        };
    }
    survey.elapsed = begun.elapsed();
    survey
}

/// The answer to `SSLRequest` that an error tells of.
fn ssl_answer(error: &ProbeError) -> Option<SslAnswer> {
    const REQUEST: &str = "answer the request for TLS";
    match error {
        ProbeError::Connect { source, .. } => Some(SslAnswer::Unreachable(source.to_string())),
        ProbeError::TlsDeclined { .. } => Some(SslAnswer::Declined),
        ProbeError::ServerError { answer, .. } => Some(SslAnswer::Error(answer.clone())),
        ProbeError::TimedOut { .. } => Some(SslAnswer::TimedOut),
        ProbeError::Closed { awaited, .. } if *awaited == REQUEST => Some(SslAnswer::Closed),
        ProbeError::Unintelligible { awaited, preview, .. } if *awaited == REQUEST => {
            Some(SslAnswer::Garbage(preview.clone()))
        }
        _ => None,
    }
}

fn empty(plan: &Plan<'_>) -> Survey {
    Survey {
        addr: plan.addr,
        connections: 0,
        elapsed: std::time::Duration::ZERO,
        cut_short: false,
        ssl_request: SslAnswer::Accepted,
        direct_tls: Asked::No,
        direct_without_alpn: Asked::No,
        gss_request: Asked::No,
        plaintext: Asked::No,
        major_version: (None, None),
        protocol: Asked::No,
        versions: Vec::new(),
        suites: Vec::new(),
        groups: Asked::No,
        dh_bits: Asked::No,
        signature_schemes: Asked::No,
        compression: Asked::No,
        secure_renegotiation: Asked::No,
        resumption: Asked::No,
        chains: Vec::new(),
        key_proved: Asked::No,
        authentication: Asked::No,
        session: Asked::No,
        failures: Vec::new(),
    }
}
