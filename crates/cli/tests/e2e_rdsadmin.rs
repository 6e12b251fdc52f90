//! The session of `rdsadmin` that pgkeep keeps open to each server, and that nobody else can have
//! one: neither with a password nor with any certificate within a client's reach.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

mod groups;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use groups::{create_group, reboot, set, wait_applied};
use pgkeep_testkit::{ControlPlane, Instance, Psql, openssl, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn postgres_10() {
    one_major(10);
}

#[test]
fn postgres_13() {
    one_major(13);
}

#[test]
fn postgres_16() {
    one_major(16);
}

#[test]
fn postgres_18() {
    one_major(18);
}

fn one_major(major: u16) {
    let mut plane = ControlPlane::start();
    create_group(&plane, "own", &format!("postgres{major}"));
    plane.create("db", &major.to_string(), &[("DBParameterGroupName", "own")]);
    let instance = plane.wait_available("db");
    let first = wait_kept(&plane, &instance, "", "TLSv1.3");
    nobody_else_becomes_rdsadmin(&plane, &instance);

    // What pgkeep does while the server runs, it does in this session.
    set(&plane, "own", &[("rds.force_ssl", "1", "immediate")]).unwrap();
    wait_applied(&plane, "db");
    assert_eq!(wait_kept(&plane, &instance, "", "TLSv1.3"), first);

    plane.modify("db", &[("CACertificateIdentifier", "rds-ca-ecc384-g1")]);
    plane.wait_available("db");
    let second = wait_kept(&plane, &instance, &first, "TLSv1.3");
    plane.kill();
    plane.restart();
    let third = wait_kept(&plane, &instance, &second, "TLSv1.3");
    if major >= 12 {
        set(&plane, "own", &[("ssl_max_protocol_version", "TLSv1.2", "immediate")]).unwrap();
        wait_applied(&plane, "db");
    }
    reboot(&plane, "db");
    let version = if major >= 12 { "TLSv1.2" } else { "TLSv1.3" };
    wait_kept(&plane, &instance, &third, version);
    if major == 13 {
        without_a_session_all_goes_on(&plane, &instance);
    }
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// The process id of the one session, once it is another than `before`.
#[track_caller]
fn wait_kept(plane: &ControlPlane, instance: &Instance, before: &str, version: &str) -> String {
    let sql =
        "SELECT pid, datname, ssl, version, client_addr, application_name, backend_type, state
               FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE usename = 'rdsadmin' AND backend_type = 'client backend'";
    let expected = format!("|rdsadmin|t|{version}|127.0.0.1||client backend|idle");
    wait_until("rdsadmin's session is open", LIMIT, || {
        let seen = Psql::to(plane, instance).query(sql);
        match seen.strip_suffix(&expected) {
            Some(pid) if pid != before && !pid.contains('\n') => Ok(pid.to_owned()),
            _ => Err(seen),
        }
    })
}

/// rustls speaks no TLS 1.1: what pgkeep does, it then does over the Unix socket.
fn without_a_session_all_goes_on(plane: &ControlPlane, instance: &Instance) {
    let old = [
        ("ssl_min_protocol_version", "TLSv1.1", "immediate"),
        ("ssl_max_protocol_version", "TLSv1.1", "immediate"),
        ("rds.force_ssl", "0", "immediate"),
    ];
    set(plane, "own", &old).unwrap();
    wait_applied(plane, "db");
    reboot(plane, "db");
    set(plane, "own", &[("work_mem", "8192", "immediate")]).unwrap();
    wait_applied(plane, "db");
    let plain = Psql::to(plane, instance).with("sslmode", "disable").with("sslrootcert", "");
    let sql = "SELECT current_setting('work_mem'),
                 (SELECT count(*) FROM pg_stat_activity WHERE usename = 'rdsadmin')";
    assert_eq!(plain.query(sql), "8MB|0");
}

fn nobody_else_becomes_rdsadmin(plane: &ControlPlane, instance: &Instance) {
    let data = plane.data_directory();
    let metadata = data.join("instances").join(&instance.resource_id).join("rds-metadata");
    let server = Pair::of(plane, &metadata, "server-cert.pem", "server-key.pem");
    let own = Pair::of(plane, &data.join("rdsadmin"), "certificate.pem", "key.pem");
    let made = Pair::made(plane, None);
    let signed_by_server = Pair::made(plane, Some(&server));
    let signed_by_own = Pair::made(plane, Some(&own));

    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data.join("rdsadmin")), 0o700);
    assert_eq!(mode(data.join("rdsadmin/key.pem")), 0o600);

    let login = Psql::to(plane, instance).with("user", "rdsadmin").with("dbname", "rdsadmin");
    // The one that does lead in, so that the others are refused for what they are.
    assert_eq!(own.used_by(&login).query("SELECT current_user"), "rdsadmin");
    let rejects = "pg_hba.conf rejects connection";
    let attempts = [
        (login.clone(), "connection requires a valid client certificate"),
        (login.clone().with("sslmode", "disable"), rejects),
        (own.used_by(&login).with("sslmode", "disable"), rejects),
        (own.used_by(&login).with("dbname", "postgres"), rejects),
        (own.used_by(&login).with("replication", "true"), "no pg_hba.conf entry for replication"),
        (own.used_by(&login).with("user", "postgres_master"), rejects),
        (server.used_by(&login), "alert unsupported certificate"),
        (made.used_by(&login), "alert unknown ca"),
        (signed_by_server.used_by(&login), "alert"),
        (signed_by_own.used_by(&login), "alert"),
    ];
    for (number, (login, words)) in attempts.iter().enumerate() {
        let refusal = login.refusal();
        assert!(refusal.contains(words), "attempt {number}: {refusal}");
    }
}

/// A certificate and key, as files that psql takes.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    /// A copy of what is in a folder.
    fn of(plane: &ControlPlane, folder: &Path, certificate: &str, key: &str) -> Self {
        let copy = |name: &str| {
            let to = plane.desk().join(name);
            fs::copy(folder.join(name), &to).unwrap();
            to
        };
        Self { certificate: copy(certificate), key: copy(key) }
    }

    /// One for `CN=rdsadmin`, signed with its own key or with that of another, which goes along.
    fn made(plane: &ControlPlane, issuer: Option<&Self>) -> Self {
        let name = issuer.map_or("made", |it| it.key.file_stem().unwrap().to_str().unwrap());
        let at = |end: &str| plane.desk().join(format!("{name}-signed{end}"));
        let (request, certificate, key, extensions) =
            (at(".csr"), at(".pem"), at("-key.pem"), at(".cnf"));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let subject = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rdsadmin"];
        let (key_text, request_text) = (text(&key), text(&request));
        let new = ["req", "-new", "-keyout", &key_text, "-out", &request_text];
        openssl(&[&new[..], &subject].concat(), "").success();
        fs::write(&extensions, "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n").unwrap();
        let signer = issuer.map_or_else(
            || vec!["-signkey".to_owned(), text(&key)],
            |it| {
                let (certificate, key) = (text(&it.certificate), text(&it.key));
                vec!["-CA".to_owned(), certificate, "-CAkey".to_owned(), key]
            },
        );
        let (extensions, out) = (text(&extensions), text(&certificate));
        let mut sign = vec!["x509", "-req", "-in", &request_text, "-days", "30", "-set_serial"];
        sign.extend(["7", "-extfile", &extensions, "-out", &out]);
        sign.extend(signer.iter().map(String::as_str));
        openssl(&sign, "").success();
        if let Some(issuer) = issuer {
            let both = [&certificate, &issuer.certificate].map(|it| fs::read(it).unwrap());
            fs::write(&certificate, both.concat()).unwrap();
        }
        Self { certificate, key }
    }

    fn used_by(&self, login: &Psql) -> Psql {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let login = login.clone().with("sslcert", &text(&self.certificate));
        login.with("sslkey", &text(&self.key))
    }
}
