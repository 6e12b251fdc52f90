//! The scanners that people use, sslscan and sslyze: what they see of a server, held against what
//! a report says of it.

use std::net::SocketAddr;
use std::path::Path;

use pgkeep_probe::ciphers;
use pgkeep_testkit::{Instance, openssl, program, run};
use serde_json::Value;

use super::{Report, texts};

/// sslscan's names of versions, sslyze's, and a report's.
const VERSIONS: [[&str; 3]; 5] = [
    ["SSLv3", "ssl_3_0", "SSLv3"],
    ["TLSv1.0", "tls_1_0", "TLSv1"],
    ["TLSv1.1", "tls_1_1", "TLSv1.1"],
    ["TLSv1.2", "tls_1_2", "TLSv1.2"],
    ["TLSv1.3", "tls_1_3", "TLSv1.3"],
];

/// What sslyze calls the roots that it was given.
const GIVEN: &str = "Supplied CA file";

pub(crate) fn address(instance: &Instance) -> SocketAddr {
    SocketAddr::new(instance.address.unwrap(), instance.port)
}

/// Holds versions, suites and their order, groups, the prime, compression and renegotiation against
/// what sslscan sees.
#[track_caller]
pub(crate) fn assert_sslscan_agrees(addr: SocketAddr, report: &Report) {
    let mut sslscan = program("PGKEEP_SSLSCAN", "sslscan");
    sslscan.args(["--starttls-psql", "--no-heartbleed", "--no-fallback", "--xml=-"]);
    let xml = run(sslscan.arg(addr.to_string()), "").success();
    let elements = |name: &str| {
        let start = format!("<{name} ");
        let is_it = move |line: &&str| line.trim_start().starts_with(&start);
        xml.lines().filter(is_it).collect::<Vec<_>>()
    };
    let spoken = elements("protocol").into_iter().filter(|it| attribute(it, "enabled") == "1");
    let spoken: Vec<_> = spoken
        .map(|it| match (attribute(it, "type"), attribute(it, "version")) {
            ("tls", "1.0") => "TLSv1".to_owned(),
            ("tls", version) => format!("TLSv{version}"),
            (_, version) => format!("SSLv{version}"),
        })
        .collect();
    assert_eq!(report.versions(), spoken, "{xml}");
    for [version, _, ours] in VERSIONS {
        let of_version = |it: &&str| attribute(it, "sslversion") == version;
        let all: Vec<_> = elements("cipher").into_iter().filter(of_version).collect();
        // It asks for suites that its OpenSSL lacks by itself, in its own order, and cannot say
        // how many bits they have.
        let is_in_order = |it: &&&str| attribute(it, "bits") != "-1";
        let in_order: Vec<_> = all.iter().filter(is_in_order).map(|it| suite(it)).collect();
        let found = report.suites(ours);
        let both = found.iter().copied().filter(|name| in_order.contains(name));
        assert_eq!(both.collect::<Vec<_>>(), in_order, "{version} of {addr}, in order");
        assert_eq!(sorted(found), sorted(all.iter().map(|it| suite(it)).collect()), "{version}");
    }
    let newest = report.versions().pop().expect("a version");
    let groups = elements("group").into_iter().filter(|it| attribute(it, "sslversion") == newest);
    let groups = groups.map(|it| attribute(it, "name").split(' ').next().unwrap());
    assert_eq!(sorted(texts(report.fact("groups"))), sorted(groups.collect()), "{xml}");
    let bits = elements("cipher").into_iter().find(|it| it.contains(" dhebits="));
    let bits = bits.map(|it| attribute(it, "dhebits").parse::<u64>().unwrap());
    assert_eq!(report.fact("dh_bits").as_u64(), bits);
    // It renegotiates to find out, so it cannot tell where the server never does.
    for it in elements("renegotiation").iter().filter(|it| attribute(it, "supported") == "1") {
        assert_eq!(*report.fact("secure_renegotiation"), attribute(it, "secure") == "1");
    }
    let compresses = elements("compression").iter().any(|it| attribute(it, "supported") == "1");
    assert_eq!(report.fact("compression").as_bool(), Some(compresses));
}

/// The suite of sslscan's element, under OpenSSL's name.
fn suite(element: &str) -> &'static str {
    let code = attribute(element, "id").strip_prefix("0x").expect("a number");
    let code = u16::from_str_radix(code, 16).unwrap();
    ciphers().find(|suite| suite.code == code).expect("a suite").openssl
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let found = element.split_once(&format!(" {name}=\""));
    let found = found.unwrap_or_else(|| panic!("no {name}: {element}"));
    found.1.split('"').next().unwrap()
}

fn sorted(names: Vec<&str>) -> Vec<String> {
    let mut names: Vec<_> = names.into_iter().map(str::to_lowercase).collect();
    names.sort_unstable();
    names
}

/// Everything that sslyze sees of a server, with these roots.
#[track_caller]
pub(crate) fn sslyze(addr: SocketAddr, server_name: &str, roots: &Path) -> Value {
    let mut sslyze = program("PGKEEP_SSLYZE", "sslyze");
    sslyze.args(["--starttls=postgres", "--mozilla_config=disable", "--json_out=-"]);
    sslyze.args(["--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--certinfo"]);
    sslyze.args(["--compression", "--reneg", "--resum", "--resum_attempts=2", "--elliptic_curves"]);
    sslyze.arg("--certinfo_ca_file").arg(roots).args(["--sni", server_name]);
    let json = run(sslyze.arg(addr.to_string()), "").success();
    let json: Vec<_> = json.lines().map(without_long_number).collect();
    let json = json.join("\n");
    let json = &json[json.find('{').expect("an object")..];
    // Text for people follows.
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let seen = values.next().expect("an object").unwrap();
    seen["server_scan_results"][0]["scan_result"].clone()
}

/// A line of JSON, without the digits of a key or a serial number: no number in Rust is as large.
fn without_long_number(line: &str) -> String {
    match line.split_once(": ") {
        Some((name, value))
            if value.len() > 18 && value.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            format!("{name}: 0{}", if value.ends_with(',') { "," } else { "" })
        }
        _ => line.to_owned(),
    }
}

/// Holds versions, suites, curves, the chain, trust, compression, renegotiation and resumption
/// against what sslyze has seen.
#[track_caller]
pub(crate) fn assert_sslyze_agrees(seen: &Value, report: &Report) {
    let result = |scan: &str| {
        assert_eq!(seen[scan]["status"], "COMPLETED", "{scan}: {:#}", seen[scan]);
        &seen[scan]["result"]
    };
    for [_, version, ours] in VERSIONS {
        let of_version = result(&format!("{version}_cipher_suites"));
        let spoken = of_version["is_tls_version_supported"].as_bool();
        assert_eq!(Some(report.versions().contains(&ours)), spoken, "{version}");
        let accepted = of_version["accepted_cipher_suites"].as_array().unwrap().iter();
        let accepted = accepted.map(|it| it["cipher_suite"]["openssl_name"].as_str().unwrap());
        assert_eq!(sorted(report.suites(ours)), sorted(accepted.collect()), "{version}");
    }
    let curves = result("elliptic_curves")["supported_curves"].as_array().unwrap().iter();
    let curves: Vec<_> = curves.map(|it| it["name"].as_str().unwrap()).collect();
    // Its OpenSSL knows no other groups.
    let is_curve = |name: &&str| !name.contains("MLKEM") && !name.starts_with("ffdhe");
    let groups = texts(report.fact("groups")).into_iter().filter(is_curve).collect();
    assert_eq!(sorted(groups), sorted(curves));

    let deployments = result("certificate_info")["certificate_deployments"].as_array().unwrap();
    assert_eq!(report.0["chain"]["other_chains"], deployments.len() - 1);
    let ours = report.fingerprints();
    let theirs = deployments.iter().map(|it| {
        let chain = it["received_certificate_chain"].as_array().unwrap().iter();
        chain.map(|it| fingerprint(it["as_pem"].as_str().unwrap())).collect::<Vec<_>>()
    });
    let place = theirs.clone().position(|chain| ours == chain);
    let deployment = &deployments[place.unwrap_or_else(|| {
        panic!("{ours:?} is not what sslyze sees: {:?}", theirs.collect::<Vec<_>>())
    })];
    let findings = report.findings();
    let has_finding = |id: &str| Some(findings.contains(&id));
    let told = |name: &str| deployment[name].as_bool();
    assert_eq!(told("received_chain_has_valid_order").map(|it| !it), has_finding("chain.order"));
    let has_root = told("received_chain_contains_anchor_certificate").unwrap_or_default();
    assert_eq!(Some(has_root), has_finding("chain.needless_root"));
    let has_sha1 = told("verified_chain_has_sha1_signature").unwrap_or_default();
    assert_eq!(Some(has_sha1), has_finding("chain.weak_signature"));
    let paths = deployment["path_validation_results"].as_array().unwrap();
    let path = paths.iter().find(|it| it["trust_store"]["name"] == GIVEN).expect("those roots");
    assert_eq!(path["was_validation_successful"], report.0["chain"]["strict_trusts"], "{path:#}");

    assert_eq!(&result("tls_compression")["supports_compression"], report.fact("compression"));
    let renegotiation = result("session_renegotiation");
    let is_secure = report.fact("secure_renegotiation");
    assert_eq!(&renegotiation["supports_secure_renegotiation"], is_secure);
    let resumption = result("session_resumption");
    // One is enough: a server's cache may lose a session to the others that are opened meanwhile.
    let counts = ["session_id", "tls_ticket"].map(|kind| {
        resumption[format!("{kind}_successful_resumptions_count")].as_u64().expect("a count")
    });
    let resumes = counts.iter().any(|count| *count > 0);
    assert_eq!(report.fact("resumption").as_bool(), Some(resumes), "{resumption:#}");
}

/// The SHA-256 of a certificate, as the openssl command has it.
#[track_caller]
pub(crate) fn fingerprint(pem: &str) -> String {
    let said = openssl(&["x509", "-noout", "-fingerprint", "-sha256"], pem).success();
    said.split_once('=').expect("a fingerprint").1.replace(':', "").to_lowercase()
}
