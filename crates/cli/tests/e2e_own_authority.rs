//! An authority of the user's own: its root is trusted and its key elsewhere, and it serves DB
//! instances like the service's. And keys of authorities under a passphrase.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic fails the test that called; the time is the real one"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Options, Outcome, Psql, Session, openssl, run, wait_until};

const LIMIT: Duration = Duration::from_mins(1);
const OWN: &str = "corp-ca";
const PASSPHRASE: &str = "correct horse battery staple";
const SIGNS: &str = "basicConstraints=critical,CA:TRUE,pathlen:0\n\
                     keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash";

fn authority(plane: &ControlPlane, arguments: &[&str]) -> Outcome {
    run(plane.command("authority").args(arguments), "")
}

/// A company's root, with its key, in a folder.
struct Company(PathBuf);

impl Company {
    fn new(desk: &Path) -> Self {
        let company = Self(desk.join("company"));
        fs::create_dir(&company.0).unwrap();
        let (key, root) = (company.path("root.key"), company.path("root.pem"));
        let subject = "/DC=test/DC=example/CN=Example Root";
        let args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3000"];
        let rest = ["-keyout", &key, "-out", &root, "-subj", subject];
        let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        openssl(&[&args[..], &rest, &usage].concat(), "").success();
        company
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// An intermediate for `days` for the request in a file, as the path of its certificate.
    fn sign(&self, name: &str, request: &str, days: &str) -> String {
        fs::write(self.path("ext"), SIGNS).unwrap();
        let out = self.path(&format!("{name}.pem"));
        let (root, key, extensions) =
            (self.path("root.pem"), self.path("root.key"), self.path("ext"));
        let args = ["x509", "-req", "-in", request, "-CA", &root, "-CAkey", &key, "-days", days];
        let rest = ["-set_serial", "0x77", "-extfile", &extensions, "-out", &out];
        openssl(&[&args[..], &rest].concat(), "").success();
        out
    }

    /// An intermediate with its key, as their paths.
    fn intermediate(&self, name: &str, days: &str) -> (String, String) {
        let (key, request) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.csr")));
        let subject = format!("/DC=test/DC=example/CN={name}");
        let args = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let rest = ["-nodes", "-keyout", &key, "-out", &request, "-subj", &subject];
        openssl(&[&args[..], &rest].concat(), "").success();
        (self.sign(name, &request, days), key)
    }
}

#[test]
fn an_own_authority_serves_like_the_services() {
    let plane = ControlPlane::start();
    let company = Company::new(plane.desk());
    let root = company.path("root.pem");
    let (certificate, key) = company.intermediate("one", "60");
    let import = |certificate: &str, more: &[&str]| {
        let own = ["import", OWN, "--certificate", certificate, "--root", &root];
        authority(&plane, &[&own[..], more].concat())
    };
    let (_, other_key) = company.intermediate("two", "60");
    let refused = import(&certificate, &["--key", &other_key]).failure();
    assert!(refused.contains("the key is that of no certificate given"), "{refused}");
    assert!(authority(&plane, &["show", OWN]).failure().contains("there is no authority"));
    let said = import(&certificate, &["--key", &key]).success();
    assert!(said.starts_with("corp-ca is DC=test, DC=example, CN=one, and signs until"), "{said}");

    // At once, though pgkeep runs: known to the API, in the bundles.
    let described = plane.call("DescribeCertificates", &[("CertificateIdentifier", OWN)]).unwrap();
    let fingerprint = fs::read_to_string(&root).unwrap();
    let fingerprint = openssl(&["x509", "-noout", "-fingerprint", "-sha1"], &fingerprint).success();
    let fingerprint = fingerprint.split_once('=').unwrap().1.replace(':', "").to_lowercase();
    assert_eq!(described.text("Thumbprint").unwrap(), fingerprint.trim());
    assert_eq!(described.text("CertificateType").unwrap(), "CA");
    let versions = plane.call("DescribeDBEngineVersions", &[]).unwrap();
    assert!(versions.texts("member").contains(&OWN.to_owned()));
    let own_root = fs::read_to_string(&root).unwrap();
    assert_eq!(plane.api().fetch("/global/corp-ca.pem"), (200, own_root.into_bytes()));
    plane.create("db", "16", &[("CACertificateIdentifier", OWN)]);
    let instance = plane.wait_available("db");
    let psql = Psql::to(&plane, &instance).with("sslrootcert", &root);
    assert_eq!(psql.query("SELECT 1"), "1");
    let served = instance.served_certificate();
    assert_eq!(plane.verify(&served, &instance.endpoint, Path::new(&root)), Ok(()));
    let end = |pem: &str| openssl(&["x509", "-noout", "-enddate"], pem).success();
    assert_eq!(end(&served.leaf), end(&fs::read_to_string(&certificate).unwrap()), "no longer");
    let doctor = run(&mut plane.command("doctor"), "").stdout;
    assert!(doctor.contains("warn  authority: corp-ca has 59 days left"), "{doctor}");

    // Another instance changes to it, and back again; sessions stay open.
    plane.create("other", "16", &[]);
    let other = plane.wait_available("other");
    let mut session = Session::open(&Psql::to(&plane, &other));
    assert_eq!(session.ask("SELECT 1;"), "1");
    let change = |ca: &str| {
        let parameters = [("CACertificateIdentifier", ca), ("ApplyImmediately", "true")];
        let id = [("DBInstanceIdentifier", "other")];
        plane.call("ModifyDBInstance", &[&id[..], &parameters].concat()).unwrap();
        plane.wait_available("other");
        plane.verify(&other.served_certificate(), &other.endpoint, Path::new(&root))
    };
    assert_eq!(change(OWN), Ok(()));
    assert!(change("rds-ca-ecc384-g1").is_err());
    assert_eq!(session.ask("SELECT 2;"), "2");
    session.close();

    // A renewed certificate, by a request that was signed elsewhere.
    let request = authority(&plane, &["import", OWN, "--csr", "--key-type", "ecc384"]).success();
    let file = company.path("request.csr");
    fs::write(&file, request + "\n").unwrap();
    let renewed = company.sign("renewed", &file, "2000");
    let said = import(&renewed, &[]).success();
    assert!(said.contains("corp-ca is O=pgkeep, CN=pgkeep RDS us-east-1 corp-ca"), "{said}");
    let said = authority(&plane, &["revoke", "db"]).success();
    assert!(said.contains("db: serves"), "{said}");
    let served = instance.served_certificate();
    assert_eq!(plane.verify(&served, &instance.endpoint, Path::new(&root)), Ok(()));
    assert_ne!(end(&served.leaf), end(&fs::read_to_string(&certificate).unwrap()));
    assert_eq!(psql.query("SELECT 3"), "3");

    for id in ["db", "other"] {
        plane.delete(id);
        plane.wait_deleted(id);
    }
    plane.assert_clean();
}

#[test]
fn nothing_is_renewed_for_nothing_and_the_end_is_warned_of() {
    let mut plane = ControlPlane::start();
    let company = Company::new(plane.desk());
    let (certificate, key) = company.intermediate("one", "100");
    let root = company.path("root.pem");
    let own = ["import", OWN, "--certificate", &certificate, "--root", &root, "--key", &key];
    authority(&plane, &own).success();
    plane.create("db", "16", &[("CACertificateIdentifier", OWN)]);
    let instance = plane.wait_available("db");
    let serial = instance.served_certificate().serial;
    plane.kill();
    // Past half of its life, and in its last month: no other would live longer.
    plane.restart_with("PGKEEP_CLOCK_DAYS", Some("95".to_owned()));
    let warned = "The server certificate ends in 4 days, on ";
    wait_until("warned", LIMIT, || {
        let events = plane.call("DescribeEvents", &[("SourceType", "db-instance")]).unwrap();
        let messages = events.texts("Message");
        let is_it =
            |it: &String| it.starts_with(warned) && it.ends_with("with its authority corp-ca.");
        if messages.iter().any(is_it) { Ok(()) } else { Err(messages.join("\n")) }
    });
    plane.wait_available("db");
    assert_eq!(instance.served_certificate().serial, serial);
    let waiting = plane.call("DescribePendingMaintenanceActions", &[]).unwrap();
    assert_eq!(waiting.texts("Action"), [""; 0]);
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

/// A file that only its owner reads.
fn secret(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// The keys of authorities, by the first line of each.
fn key_files(plane: &ControlPlane) -> Vec<(PathBuf, String)> {
    let folders = fs::read_dir(plane.data_directory().join("authorities")).unwrap();
    let files = folders.filter_map(|it| fs::read_dir(it.unwrap().path()).ok()).flatten();
    let paths = files.map(|it| it.unwrap().path());
    let keys = paths.filter(|it| it.display().to_string().ends_with("key.pem"));
    keys.map(|it| (it.clone(), fs::read_to_string(it).unwrap())).collect()
}

/// Every key is encrypted under the passphrase in the file, as others than pgkeep see it too.
fn assert_encrypted(plane: &ControlPlane, passphrase: &str) {
    let keys = key_files(plane);
    assert!(keys.len() >= 6, "{keys:?}");
    for (path, text) in keys {
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY"), "{}", path.display());
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let (path, pass) = (path.display().to_string(), format!("file:{passphrase}"));
        openssl(&["pkey", "-noout", "-in", &path, "-passin", &pass], "").success();
    }
}

/// Without it, with a wrong one, and with one that others can read, pgkeep does not start.
fn refused_without_it(plane: &mut ControlPlane) {
    plane.kill();
    let wrong = secret(&plane.desk().join("wrong"), "correct horse\n");
    let open = secret(&plane.desk().join("open"), PASSPHRASE);
    fs::set_permissions(&open, Permissions::from_mode(0o640)).unwrap();
    let before = key_files(plane);
    let serve = |more: &[&str]| {
        let mut serve = plane.command("serve");
        let hosts = plane.hosts_file();
        serve.args(["--listen", "127.0.0.1:0", "--hosts-file"]).arg(hosts).args(more);
        run(&mut serve, "").failure()
    };
    let refused = serve(&[]);
    assert!(refused.contains("is encrypted, and no passphrase was given"), "{refused}");
    let refused = serve(&["--ca-passphrase-file", &wrong]);
    assert!(refused.contains("the passphrase is wrong, or the file is damaged"), "{refused}");
    assert!(!refused.contains("correct horse"), "{refused}");
    let refused = serve(&["--ca-passphrase-file", &open]);
    assert!(refused.contains("others can read the passphrase"), "{refused}");
    let refused = serve(&["--ca-passphrase-command", "exit 3"]);
    assert!(refused.contains("the command for the passphrase failed"), "{refused}");
    assert_eq!(key_files(plane), before);
}

#[test]
fn keys_are_encrypted_under_a_passphrase() {
    const FILE: &str = "PGKEEP_CA_PASSPHRASE_FILE";
    let mut plane = ControlPlane::start_with(Options::default());
    plane.create("db", "16", &[]);
    let instance = plane.wait_available("db");
    assert!(key_files(&plane).iter().all(|(_, text)| text.starts_with("-----BEGIN PRIVATE KEY")));
    let root = authority(&plane, &["export", "rds-ca-rsa2048-g1"]).success();

    // Existing keys are encrypted when a passphrase is first given, wherever a run was killed.
    let file = secret(&plane.desk().join("passphrase"), &format!("{PASSPHRASE}\n"));
    plane.kill();
    plane.restart_with(FILE, Some(file.clone()));
    let encrypted = |plane: &ControlPlane| assert_encrypted(plane, &file);
    encrypted(&plane);
    assert_eq!(authority(&plane, &["export", "rds-ca-rsa2048-g1"]).success(), root);
    plane.kill();
    let (path, sealed) = key_files(&plane).remove(0);
    let pass = format!("file:{file}");
    let plain = openssl(&["pkey", "-in", &path.display().to_string(), "-passin", &pass], "");
    secret(&path, &(plain.success() + "\n"));
    plane.restart();
    encrypted(&plane);
    assert_ne!(fs::read_to_string(&path).unwrap(), sealed, "another salt");

    // What is made or signed from now on.
    authority(&plane, &["revoke", "db"]).success();
    let company = Company::new(plane.desk());
    let (certificate, key) = company.intermediate("one", "900");
    let root = company.path("root.pem");
    let own = ["import", OWN, "--certificate", &certificate, "--root", &root, "--key", &key];
    let refused = authority(&plane, &own).failure();
    assert!(refused.contains("is encrypted, and no passphrase was given"), "{refused}");
    assert!(refused.contains("hint: say where it is with --ca-passphrase-file"), "{refused}");
    let command = format!("cat {file}");
    let with = [&own[..], &["--ca-passphrase-command", &command]].concat();
    authority(&plane, &with).success();
    encrypted(&plane);
    let served = instance.served_certificate();
    assert_eq!(plane.verify(&served, &instance.endpoint, &plane.bundle()), Ok(()));
    plane.assert_nowhere(PASSPHRASE);
    refused_without_it(&mut plane);
    // Nothing else needs it.
    assert!(authority(&plane, &["ls"]).success().contains(OWN));

    // Another one, while pgkeep does not run.
    let other = secret(&plane.desk().join("other"), "horses wear no batteries\n");
    let change = ["passphrase", "--new-file", &other, "--ca-passphrase-file", &file];
    let said = authority(&plane, &change).success();
    assert!(said.contains("keys are encrypted under the new passphrase"), "{said}");
    assert_encrypted(&plane, &other);
    let old_alone = ["passphrase", "--new-file", &file, "--ca-passphrase-file", &file];
    let refused = authority(&plane, &old_alone).failure();
    assert!(refused.contains("the passphrase is wrong"), "{refused}");
    plane.restart_with(FILE, Some(other.clone()));
    let refused = authority(&plane, &change).failure();
    assert!(refused.contains("runs with the passphrase of before"), "{refused}");
    plane.wait_available("db");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}
