//! Judgements of surveys made by hand: the clients' cells of `docs/clients/cells.tsv`, findings,
//! grades and policies.

use std::collections::BTreeMap;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use super::*;
use crate::names::cipher;
use crate::packets::{AuthMethod, ServerMessage};
use crate::plaintext::PlaintextAnswer;
use crate::survey::{
    Asked, AuthAnswer, ProtocolVersion, SslAnswer, SuiteOrder, SuitesSeen, VersionSeen,
};
use crate::version::TlsVersion;

const HOST: &str = "db.example.com";

/// A root, a subordinate and a leaf for [`HOST`], and a root with the first one's name.
struct Pki {
    root: CertificateDer<'static>,
    namesake: CertificateDer<'static>,
    subordinate: CertificateDer<'static>,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn leaf(names: &[&str], days: (i64, i64)) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, HOST);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = now() + time::Duration::days(days.0);
    params.not_after = now() + time::Duration::days(days.1);
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

impl Pki {
    fn new() -> Self {
        let root = CertifiedIssuer::self_signed(ca("root"), key()).unwrap();
        let namesake = ca("root").self_signed(&key()).unwrap();
        let issuer = CertifiedIssuer::signed_by(ca("subordinate"), key(), &root).unwrap();
        Self {
            root: root.der().clone(),
            namesake: namesake.der().clone(),
            subordinate: issuer.der().clone(),
            issuer,
        }
    }

    fn chain(&self, leaf: &CertificateParams) -> Vec<Vec<u8>> {
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        let leaf = leaf.signed_by(&key(), issuer).unwrap();
        vec![leaf.der().to_vec(), self.subordinate.to_vec()]
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn suites(version: TlsVersion, codes: &[u16]) -> SuitesSeen {
    SuitesSeen {
        version: ProtocolVersion::Tls(version),
        suites: codes.iter().map(|code| cipher(*code).unwrap()).collect(),
        complete: true,
        taken_from: None,
        order: Asked::Answer(SuiteOrder::Server),
    }
}

fn refused() -> ServerMessage {
    let message = "no pg_hba.conf entry for host \"127.0.0.1\", user \"app\", no encryption";
    ServerMessage { sqlstate: "28000".to_owned(), message: message.to_owned() }
}

/// A server in order, which refuses plaintext.
fn survey(chain: Vec<Vec<u8>>) -> Survey {
    let version = |version, seen| (ProtocolVersion::Tls(version), seen);
    let mechanisms = vec!["SCRAM-SHA-256-PLUS".to_owned(), "SCRAM-SHA-256".to_owned()];
    Survey {
        addr: "127.0.0.1:5432".parse().unwrap(),
        connections: 40,
        elapsed: Duration::from_millis(80),
        cut_short: false,
        ssl_request: SslAnswer::Accepted,
        direct_tls: Asked::No,
        direct_without_alpn: Asked::No,
        gss_request: Asked::No,
        plaintext: Asked::Answer(PlaintextAnswer::RefusedBeforeAuthentication(refused())),
        major_version: (Some(18), None),
        protocol: Asked::Answer((3, 2)),
        versions: vec![
            version(TlsVersion::Tls10, VersionSeen::Refused(70)),
            version(TlsVersion::Tls11, VersionSeen::Refused(70)),
            version(TlsVersion::Tls12, VersionSeen::Accepted),
            version(TlsVersion::Tls13, VersionSeen::Accepted),
        ],
        suites: vec![
            suites(TlsVersion::Tls12, &[0xc02c, 0xc02b]),
            suites(TlsVersion::Tls13, &[0x1302, 0x1301]),
        ],
        groups: Asked::No,
        dh_bits: Asked::No,
        signature_schemes: Asked::No,
        compression: Asked::Answer(false),
        secure_renegotiation: Asked::Answer(true),
        resumption: Asked::No,
        chains: vec![chain],
        key_proved: Asked::Answer(true),
        authentication: Asked::Answer(AuthAnswer::Method(AuthMethod::Sasl(mechanisms))),
        session: Asked::No,
        failures: Vec::new(),
    }
}

fn judge(survey: &Survey, name: &str, roots: &[CertificateDer<'static>]) -> Report {
    let basis = Basis { server_name: name, roots, system_roots: &[], judged_at: now() };
    report(survey, &basis)
}

fn ids(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.id).collect()
}

/// Every cell that a real client answered, in `docs/clients/cells.tsv`, is what is foretold.
#[test]
fn cells_of_real_clients_are_foretold() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/clients/cells.tsv");
    let page = std::fs::read_to_string(page).unwrap();
    let pki = Pki::new();
    let stranger = ca("stranger").self_signed(&key()).unwrap();
    let system = [stranger.der().clone()];
    let chain = pki.chain(&leaf(&[HOST], (-1, 300)));
    let mut reports = BTreeMap::new();
    let mut foretell = |root: &str, host: &str, forced: bool| {
        let key = (root.to_owned(), host.to_owned(), forced);
        let made = reports.entry(key).or_insert_with(|| {
            let roots: &[_] = match root {
                "right" => std::slice::from_ref(&pki.root),
                "wrong" => std::slice::from_ref(&pki.namesake),
                "intermediate" => std::slice::from_ref(&pki.subordinate),
                _ => &[],
            };
            let mut survey = survey(chain.clone());
            if !forced {
                survey.plaintext = Asked::Answer(PlaintextAnswer::ReachesAuthentication {
                    method: AuthMethod::Md5,
                });
            }
            if host == "stripped" {
                survey.ssl_request = SslAnswer::Declined;
            }
            let server_name = if host == "right" { HOST } else { "other.example.com" };
            let judged_at = now();
            report(&survey, &Basis { server_name, roots, system_roots: &system, judged_at })
        });
        made.predictions.clone()
    };
    let mut cells = 0;
    let mut lines = page.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').skip(4).collect();
    for line in lines {
        let fields: Vec<_> = line.split('\t').collect();
        let [client, word, root, host] = fields[..4] else { panic!("{line}") };
        for (column, seen) in columns.iter().zip(&fields[4..]) {
            let predictions = foretell(root, host, column.ends_with("-1"));
            let has = if root == "none" { Root::Absent } else { Root::Given };
            let foretold = predictions
                .iter()
                .find(|it| (it.client, it.sslmode, it.root) == (client, word, has))
                .unwrap();
            let outcome = match foretold.outcome {
                Outcome::Plaintext => "plain",
                Outcome::Refused => "no",
                Outcome::Unknown => "unknown",
                Outcome::Verified | Outcome::ChainVerified | Outcome::Unverified => "tls",
            };
            let seen = seen.trim_end_matches(|last: char| last.is_ascii_digit());
            assert_eq!(outcome, seen, "{client} {word} {root} {host} {column}");
            cells += 1;
        }
    }
    assert_eq!(cells, 8424);
}

#[test]
fn a_server_in_order_has_no_finding_and_is_intermediate() {
    let pki = Pki::new();
    let report =
        judge(&survey(pki.chain(&leaf(&[HOST], (-1, 300)))), HOST, std::slice::from_ref(&pki.root));
    assert_eq!(ids(&report), Vec::<&str>::new());
    assert_eq!(report.grade.profile, Some(Profile::Intermediate));
    assert_eq!(report.verdict, "Verify-full works, plaintext is refused.");
    assert_eq!(report.psql("verify-full", Root::Given).unwrap().outcome, Outcome::Verified);
    let with_tls13 = Policy::from_toml(
        "min_version = 'TLSv1.2'\nforbidden_suites = ['AES128-SHA']\nverify_full = true\n\
         plaintext_refused = true\ndays_left = 30\nprofile = 'intermediate'\n\
         required_version = 'TLSv1.3'\nchannel_binding = true\nno_findings = 'notice'",
    );
    assert_eq!(with_tls13.unwrap().violations(&report), Vec::new());
}

type Case<'a> = (&'a str, Vec<Vec<u8>>, &'a [CertificateDer<'static>], &'a [&'a str]);

#[test]
fn chains_are_found_fault_with() {
    let pki = Pki::new();
    let good = || pki.chain(&leaf(&[HOST], (-1, 300)));
    let mut swapped = good();
    swapped.push(pki.root.to_vec());
    swapped.swap(1, 2);
    let mut with_root = good();
    with_root.push(pki.root.to_vec());
    let mut nameless = leaf(&[], (-1, 300));
    nameless.subject_alt_names.clear();
    let alone = good()[..1].to_vec();
    let roots = std::slice::from_ref(&pki.root);
    let table: &[Case<'_>] = &[
        ("expired", pki.chain(&leaf(&[HOST], (-9, -1))), roots, &["chain.expired"]),
        ("not yet", pki.chain(&leaf(&[HOST], (1, 9))), roots, &["chain.not_yet_valid"]),
        ("soon", pki.chain(&leaf(&[HOST], (-9, 9))), roots, &["chain.expires_soon"]),
        ("other name", pki.chain(&leaf(&["x.org"], (-1, 300))), roots, &["name.wrong"]),
        ("CN only", pki.chain(&nameless), roots, &["name.common_name_only"]),
        ("wildcard", pki.chain(&leaf(&["*.example.com"], (-1, 300))), roots, &[]),
        ("no subordinate", alone, roots, &["chain.incomplete"]),
        ("root sent", with_root, roots, &["chain.needless_root"]),
        ("wrong order", swapped, roots, &["chain.order", "chain.needless_root"]),
        ("no root", good(), std::slice::from_ref(&pki.namesake), &["chain.untrusted"]),
        ("partial", good(), std::slice::from_ref(&pki.subordinate), &["chain.partial"]),
        ("no roots", good(), &[], &[]),
    ];
    for (what, chain, roots, expected) in table {
        assert_eq!(ids(&judge(&survey(chain.clone()), HOST, roots)), *expected, "{what}");
    }
}

/// As Python 3.11, Node 20, pgjdbc 42.5 and webpki do with each.
#[test]
fn addresses_are_names_of_their_own_kind() {
    let (pki, address) = (Pki::new(), "127.0.0.1");
    let dns = |name: &str| rcgen::SanType::DnsName(name.try_into().unwrap());
    let ip = rcgen::SanType::IpAddress(address.parse().unwrap());
    let clients = ["asyncpg", "node-postgres", "pgjdbc", "sqlx"];
    let table = [
        (address, vec![], [false, false, true, false]),
        ("x", vec![dns(address)], [false, false, true, false]),
        (address, vec![dns("x.org")], [false, false, false, false]),
        ("x", vec![ip], [true, true, true, true]),
    ];
    for (common_name, alternative, expected) in table {
        let mut params = leaf(&[], (-1, 300));
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names.clone_from(&alternative);
        let chain = pki.chain(&params);
        let report = judge(&survey(chain), address, std::slice::from_ref(&pki.root));
        let seen = clients.map(|client| {
            let of = |it: &&Prediction| {
                (it.client, it.sslmode, it.root) == (client, "verify-full", Root::Given)
            };
            report.predictions.iter().find(of).unwrap().outcome == Outcome::Verified
        });
        assert_eq!(seen, expected, "{common_name} {alternative:?}");
    }
}

#[test]
fn a_self_signed_certificate_is_its_own_root() {
    let own = key();
    let mut params = leaf(&[HOST], (-1, 300));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let der = params.self_signed(&own).unwrap().der().clone();
    let report = judge(&survey(vec![der.to_vec()]), HOST, &[der]);
    assert_eq!(ids(&report), ["chain.self_signed"]);
    assert_eq!(report.psql("verify-full", Root::Given).unwrap().outcome, Outcome::Verified);
}

#[test]
fn weak_tls_is_named_and_a_policy_fails() {
    let pki = Pki::new();
    let mut survey = survey(pki.chain(&leaf(&[HOST], (-1, 300))));
    survey.plaintext =
        Asked::Answer(PlaintextAnswer::ReachesAuthentication { method: AuthMethod::Md5 });
    survey.authentication = Asked::Answer(AuthAnswer::Method(AuthMethod::Md5));
    survey.versions[0].1 = VersionSeen::Accepted;
    survey.suites[0] = suites(TlsVersion::Tls12, &[0x0001, 0x0018, 0x0005, 0x000a, 0x002f, 0x0096]);
    survey.compression = Asked::Answer(true);
    survey.secure_renegotiation = Asked::Answer(false);
    survey.dh_bits = Asked::Answer(1024);
    let report = judge(&survey, HOST, std::slice::from_ref(&pki.root));
    let expected = [
        "plaintext.accepted",
        "auth.password_at_risk",
        "suite.null",
        "suite.anonymous",
        "auth.md5",
        "version.old",
        "suite.rc4",
        "suite.3des",
        "group.dh_small",
        "tls.compression",
        "tls.no_secure_renegotiation",
        "suite.static_rsa",
        "suite.cbc_sha1",
        "suite.outdated",
    ];
    assert_eq!(ids(&report), expected);
    assert_eq!(report.grade.profile, None);
    let policy = "min_version = 'TLSv1.2'\nforbidden_suites = ['TLS_RSA_WITH_AES_128_CBC_SHA']\n\
                  plaintext_refused = true\nverify_full = true\nprofile = 'old'\n\
                  channel_binding = true\nno_findings = 'critical'\n\
                  allowed_findings = ['suite.null', 'suite.anonymous']";
    let violations = Policy::from_toml(policy).unwrap().violations(&report);
    let expected: Vec<_> = violations.iter().map(|violation| violation.expected).collect();
    let keys = [
        "min_version",
        "forbidden_suites",
        "plaintext_refused",
        "profile",
        "channel_binding",
        "no_findings",
        "no_findings",
    ];
    assert_eq!(expected, keys);
}

#[test]
fn a_policy_names_only_what_there_is() {
    for wrong in [
        "min_versoin = 'TLSv1.2'",
        "min_version = 'TLSv2'",
        "forbidden_suites = ['AES*']",
        "allowed_findings = ['x']",
        "profile = 'best'",
    ] {
        assert!(Policy::from_toml(wrong).is_err(), "{wrong}");
    }
}

/// `docs/probe.schema.json` is the form of a report; `PGKEEP_UPDATE=1` writes it anew.
#[test]
fn the_schema_in_the_documentation_is_the_form_of_a_report() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/probe.schema.json");
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>();
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("PGKEEP_UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text);
}
