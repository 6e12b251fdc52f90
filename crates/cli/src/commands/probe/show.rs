//! A report for people: the verdict, what to do, then what was seen.

use std::fmt::Write as _;

use pgkeep_probe::report::{Outcome, Profile, Report, Root, ShortOf};

use crate::table::{printable, render};

/// What a server has too much of is shown up to so many.
const SHOWN: usize = 6;

/// The whole report as text. What a server sent is made printable.
pub(super) fn render_report(target: &str, report: &Report) -> String {
    let mut text = format!("{target}: {}\n", report.verdict);
    for finding in &report.findings {
        let _ = write!(
            text,
            "\n{:<9} {}: {}\n          {}\n          to do: {}\n",
            finding.severity.name(),
            finding.id,
            finding.seen,
            finding.means,
            finding.to_do
        );
    }
    if let Some(violations) = &report.violations {
        let met = if violations.is_empty() { "met" } else { "not met" };
        let _ = writeln!(text, "\nThe policy is {met}.");
        for violation in violations {
            let _ = writeln!(text, "  {}: {}", violation.expected, violation.seen);
        }
    }
    let _ = write!(text, "\nWhat psql does\n{}", sslmodes(report));
    let _ = write!(text, "\nWhat drivers do by themselves, without a root\n{}", drivers(report));
    let _ = write!(text, "\nFacts\n{}", facts(report));
    let _ = writeln!(
        text,
        "\n{} connections to {}, {} ms",
        report.connections, report.address, report.elapsed_ms
    );
    text.lines().map(|line| printable(line) + "\n").collect()
}

fn say(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "encrypted, chain and name verified",
        Outcome::ChainVerified => "encrypted, chain verified",
        Outcome::Unverified => "encrypted, nobody verified",
        Outcome::Plaintext => "PLAINTEXT",
        Outcome::Refused => "refused",
        Outcome::Unknown => "not known",
    }
}

fn row(cells: [&str; 3]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn sslmodes(report: &Report) -> String {
    let of = |client: &'static str, root| {
        let of = move |it: &&_| is_of(it, client, root);
        report.predictions.iter().filter(of)
    };
    let given = |word: &str| of("psql", Root::Given).find(|it| it.sslmode == word);
    let rows = of("psql", Root::Absent).map(|it| {
        let with_roots = given(it.sslmode).map_or("-", |it| say(it.outcome));
        row([it.sslmode, with_roots, say(it.outcome)])
    });
    // What only libpq 17 and later has.
    let newer = of("psycopg", Root::Absent).filter(|it| it.sslmode.contains('&')).map(|it| {
        let with = of("psycopg", Root::Given).find(|other| other.sslmode == it.sslmode);
        let with_roots = with.map_or("-", |it| say(it.outcome));
        row([it.sslmode, with_roots, say(it.outcome)])
    });
    render(row(["SSLMODE", "WITH THE ROOTS", "WITHOUT"]), rows.chain(newer))
}

fn is_of(it: &pgkeep_probe::report::Prediction, client: &str, root: Root) -> bool {
    it.client == client && it.root == root
}

fn drivers(report: &Report) -> String {
    let defaults = report.predictions.iter().filter(|it| it.is_default && it.root == Root::Absent);
    let rows = defaults.map(|it| {
        let why = it.why.as_deref().unwrap_or_default();
        row([it.client, say(it.outcome), why])
    });
    render(row(["DRIVER", "DOES", "WHY"]), rows)
}

fn facts(report: &Report) -> String {
    let facts = &report.facts;
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut fact = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    let major = match (facts.major_version_from, facts.major_version_to) {
        (None, None) => None,
        (Some(from), Some(to)) if from == to => Some(from.to_string()),
        (Some(from), Some(to)) => Some(format!("{from} to {to}")),
        (Some(from), None) => Some(format!("{from} or later")),
        (None, Some(to)) => Some(format!("{to} or older")),
    };
    fact("PostgreSQL", facts.server_version.clone().or(major));
    fact("SSLRequest", Some(facts.ssl_request.clone()));
    fact("direct TLS", facts.direct_tls.clone());
    fact("GSSENCRequest", facts.gss_request.clone());
    fact("plaintext", facts.plaintext.clone());
    fact("authentication", facts.authentication.clone());
    let speaks_tls = facts.versions.iter().any(|version| version.accepted == Some(true));
    fact("Mozilla 5.7", speaks_tls.then(|| grade(report)));
    for version in &facts.versions {
        let name = version.version.as_str();
        let rest = if version.complete { "" } else { " and perhaps more" };
        let spoken = match version.accepted {
            Some(true) => format!("{}{rest}", version.suites.join(" ")),
            Some(false) => "refused".to_owned(),
            None => "not known".to_owned(),
        };
        rows.push((name, spoken));
    }
    let mut fact = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    fact("groups", facts.groups.as_ref().map(|groups| groups.join(" ")));
    fact("signatures", facts.signature_schemes.as_ref().map(|schemes| schemes.join(" ")));
    for (place, certificate) in report.chain.certificates.iter().enumerate() {
        let names = certificate.alternative_names.join(", ");
        let names = if names.is_empty() { names } else { format!(" for {names}") };
        rows.push((
            if place == 0 { "certificate" } else { "issuer" },
            format!(
                "{}{names}, {}, {}, until {}, by {}",
                certificate.subject,
                certificate.key_name(),
                certificate.signature,
                certificate.not_after,
                certificate.issuer
            ),
        ));
    }
    rows.extend(facts.failures.iter().map(|failure| ("no answer", failure.clone())));
    let mut rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    let first = rows.next().unwrap_or_default();
    render(first, rows)
}

/// The profile, and what the one that Mozilla recommends does not have.
fn grade(report: &Report) -> String {
    let held = report.grade.profile.map_or("below old", Profile::name);
    let is_recommended = |short: &&ShortOf| short.profile == Profile::Intermediate;
    let Some(short) = report.grade.short_of.iter().find(is_recommended) else {
        return held.to_owned();
    };
    let shown: Vec<_> = short.reasons.iter().take(SHOWN).map(String::as_str).collect();
    let more = match short.reasons.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{held}; not in intermediate: {}{more}", shown.join(", "))
}
