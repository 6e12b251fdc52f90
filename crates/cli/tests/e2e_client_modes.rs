//! What PostgreSQL's own `src/test/ssl` and `005_negotiate_encryption` hold libpq to, held against
//! instances: channel binding, direct negotiation, the client's bounds of the protocol, several
//! roots in one file, the system's roots. psql is the judge; for what its libpq may be too old for,
//! psycopg, whose wheel carries the newest.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::fs;
use std::path::{Path, PathBuf};

use pgkeep_testkit::{
    ControlPlane, Instance, MASTER_PASSWORD, MASTER_USERNAME, Psql, program, run,
};

const OWN: &str = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

const AUTHORITIES: [&str; 3] = ["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"];

#[test]
fn channel_binding_needs_a_scram_verifier_and_tls() {
    let plane = ControlPlane::start();
    // Passwords are md5 by default up to 13, SCRAM from 14 on.
    for (name, major) in [("md5", "10"), ("scram", "18")] {
        plane.create(name, major, &[]);
    }
    let scram = Psql::to(&plane, &plane.wait_available("scram"));
    let md5 = Psql::to(&plane, &plane.wait_available("md5"));
    for binding in ["require", "prefer", "disable"] {
        assert_eq!(scram.clone().with("channel_binding", binding).query(OWN), "TLSv1.3");
    }
    let twelve = scram.clone().with("ssl_max_protocol_version", "TLSv1.2");
    assert_eq!(twelve.with("channel_binding", "require").query(OWN), "TLSv1.2");
    for binding in ["prefer", "disable"] {
        assert_eq!(md5.clone().with("channel_binding", binding).query(OWN), "TLSv1.3");
    }
    let refusal = md5.clone().with("channel_binding", "require").refusal();
    assert!(refusal.contains("channel binding required but not supported"), "{refusal}");
    let plain = md5.with("sslmode", "disable").with("channel_binding", "require").refusal();
    assert!(plain.contains("channel binding required"), "{plain}");
    plane.delete_all(&["md5", "scram"]);
}

#[test]
fn tls_is_negotiated_directly_from_17_on() {
    let plane = ControlPlane::start();
    let majors = ["16", "17", "18"].map(|major| (format!("pg{major}"), major));
    for (name, major) in &majors {
        plane.create(name, major, &[]);
    }
    for (name, major) in &majors {
        let instance = plane.wait_available(name);
        for mode in ["require", "verify-ca", "verify-full"] {
            let said = newest_libpq(&plane, &instance, &[("sslmode", mode)]);
            assert_eq!(said, Ok("TLSv1.3".to_owned()), "{major} {mode}");
            let direct = [("sslmode", mode), ("sslnegotiation", "direct")];
            let said = newest_libpq(&plane, &instance, &direct);
            if *major == "16" {
                // It takes the ClientHello for a startup packet, and closes.
                let said = said.unwrap_err();
                assert!(said.contains("SSL error: unexpected eof"), "{said}");
            } else {
                assert_eq!(said, Ok("TLSv1.3".to_owned()), "{major} {mode}");
            }
        }
        let weak = [("sslmode", "prefer"), ("sslnegotiation", "direct")];
        let refusal = newest_libpq(&plane, &instance, &weak).unwrap_err();
        assert!(refusal.contains("weak sslmode \"prefer\" may not be used with"), "{refusal}");
        let wrong = [("sslnegotiation", "direct"), ("host", "wrong.example.com")];
        assert!(newest_libpq(&plane, &instance, &wrong).is_err(), "{major}");
    }
    plane.delete_all(&majors.each_ref().map(|(name, _)| &**name));
}

#[test]
fn the_client_has_its_own_bounds_and_roots() {
    let plane = ControlPlane::start();
    plane.create("db", "18", &[]);
    let instance = plane.wait_available("db");
    let psql = Psql::to(&plane, &instance);
    bounds_of_the_protocol(&psql);
    several_roots_in_one_file(&plane, &psql);
    no_root_of_the_right_kind(&plane, &instance, &psql);
    plane.delete_all(&["db"]);
}

/// `ssl_min_protocol_version` and `ssl_max_protocol_version` of the client.
fn bounds_of_the_protocol(psql: &Psql) {
    let bounds = |min: &str, max: &str| {
        let psql = psql.clone().with("ssl_min_protocol_version", min);
        psql.with("ssl_max_protocol_version", max)
    };
    assert_eq!(bounds("TLSv1.2", "TLSv1.2").query(OWN), "TLSv1.2");
    assert_eq!(bounds("TLSv1.3", "TLSv1.3").query(OWN), "TLSv1.3");
    assert_eq!(bounds("TLSv1.2", "").query(OWN), "TLSv1.3");
    assert_eq!(bounds("", "TLSv1.2").query(OWN), "TLSv1.2");
    for (min, max, words) in [
        ("TLSv1.3", "TLSv1.2", "invalid SSL protocol version range"),
        ("incorrect", "", "invalid ssl_min_protocol_version value: \"incorrect\""),
        ("", "incorrect", "invalid ssl_max_protocol_version value: \"incorrect\""),
    ] {
        let refusal = bounds(min, max).refusal();
        assert!(refusal.contains(words), "{refusal}");
    }
}

/// The right one among others, in either order, is enough; the others alone are not.
fn several_roots_in_one_file(plane: &ControlPlane, psql: &Psql) {
    let [right, second, third] = AUTHORITIES.map(|id| plane.authority(id));
    let namesake = plane.namesake(AUTHORITIES[0]);
    for (files, is_trusted) in [
        (vec![&right, &second], true),
        (vec![&second, &right], true),
        (vec![&third, &second, &right], true),
        (vec![&namesake, &right], true),
        (vec![&right, &namesake], true),
        (vec![&second, &third], false),
        (vec![&namesake, &second], false),
    ] {
        let path = concatenate(plane, &files);
        for mode in ["verify-ca", "verify-full"] {
            let psql = psql.clone().with("sslrootcert", &path).with("sslmode", mode);
            if is_trusted {
                assert_eq!(psql.query(OWN), "TLSv1.3", "{files:?} {mode}");
            } else {
                let refusal = psql.refusal();
                assert!(refusal.contains("certificate verify failed"), "{files:?}: {refusal}");
            }
        }
    }
}

/// The intermediate alone is no root, and the system's roots do not know this authority.
fn no_root_of_the_right_kind(plane: &ControlPlane, instance: &Instance, psql: &Psql) {
    let intermediate = plane.desk().join("intermediate.pem");
    fs::write(&intermediate, instance.served_certificate().chain).unwrap();
    let path = intermediate.display().to_string();
    for mode in ["require", "verify-ca", "verify-full"] {
        let refusal = psql.clone().with("sslrootcert", &path).with("sslmode", mode).refusal();
        assert!(refusal.contains("certificate verify failed"), "{mode}: {refusal}");
    }
    let system = [("sslrootcert", "system")];
    let refusal = newest_libpq(plane, instance, &system).unwrap_err();
    assert!(refusal.contains("certificate verify failed"), "{refusal}");
    let weak = [("sslrootcert", "system"), ("sslmode", "require")];
    let refusal = newest_libpq(plane, instance, &weak).unwrap_err();
    let words = "weak sslmode \"require\" may not be used with sslrootcert=system";
    assert!(refusal.contains(words), "{refusal}");
}

fn concatenate(plane: &ControlPlane, files: &[&PathBuf]) -> String {
    let path = plane.desk().join("several.pem");
    let texts: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    fs::write(&path, texts).unwrap();
    path.display().to_string()
}

/// A session of psycopg's with `verify-full` and some settings: its version of TLS, or its words.
fn newest_libpq(
    plane: &ControlPlane,
    instance: &Instance,
    settings: &[(&str, &str)],
) -> Result<String, String> {
    let (address, port) = (instance.address.unwrap().to_string(), instance.port.to_string());
    let bundle = plane.bundle().display().to_string();
    let always = [
        ("host", &*instance.endpoint),
        ("hostaddr", &*address),
        ("port", &*port),
        ("user", MASTER_USERNAME),
        ("dbname", "postgres"),
        ("sslmode", "verify-full"),
        ("sslrootcert", &*bundle),
    ];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/psycopg_session.py");
    let mut python = program("PGKEEP_PYTHON", "python3");
    python.arg(script).arg(OWN).env("PGPASSWORD", MASTER_PASSWORD);
    python.args(always.iter().chain(settings).map(|(name, value)| format!("{name}={value}")));
    let outcome = run(&mut python, "");
    if outcome.status.success() { Ok(outcome.stdout) } else { Err(outcome.stderr) }
}
