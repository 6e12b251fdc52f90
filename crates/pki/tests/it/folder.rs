//! Authorities on disk: found again, or refused with the file's name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use pgkeep_model::DEFAULT_CA;
use pgkeep_pki::Authorities;
use tempfile::TempDir;
use time::Duration;
use time::macros::datetime;

use crate::support::{ECC, NOW, REGION, openssl, read_tree, shared, write_private};

/// Every authority but the one that is quick to make.
fn without_ecc() -> TempDir {
    shared().restore(|identifier| identifier != ECC)
}

fn refusal(home: &Path) -> String {
    Authorities::ensure(home, REGION, None, NOW).unwrap_err().to_string()
}

#[test]
fn files_and_folders_are_private() {
    // The folder, and one with four files for each authority.
    assert_eq!(shared().modes.len(), 1 + 3 * 5);
    for (path, mode) in &shared().modes {
        let expected = if path.extension().is_some() { 0o600 } else { 0o700 };
        assert_eq!(*mode, expected, "{}", path.display());
    }
}

#[test]
fn what_is_there_is_loaded_and_not_touched() {
    let home = shared().restore(|_| true);
    let before = read_tree(home.path());
    let again = Authorities::ensure(home.path(), REGION, None, NOW + Duration::days(3000)).unwrap();
    assert_eq!(again.bundle_pem(), shared().authorities.bundle_pem());
    assert_eq!(again.bundle_p7b(), shared().authorities.bundle_p7b());
    assert_eq!(read_tree(home.path()), before);
}

#[test]
fn a_missing_authority_is_made_beside_the_others() {
    let home = without_ecc();
    let made = Authorities::ensure(home.path(), REGION, None, NOW).unwrap();
    let [old, new] = [&shared().authorities, &made].map(Authorities::describe);
    assert_eq!(old[..2], new[..2]);
    assert_ne!(old[2].thumbprint_sha1, new[2].thumbprint_sha1);
    let again = Authorities::ensure(home.path(), REGION, None, NOW).unwrap();
    assert_eq!(again.describe(), new);
}

#[test]
fn two_at_once_agree() {
    let home = without_ecc();
    let ensure = || Authorities::ensure(home.path(), REGION, None, NOW).unwrap().bundle_pem();
    let [first, second] = thread::scope(|scope| {
        [scope.spawn(ensure), scope.spawn(ensure)].map(|thread| thread.join().unwrap())
    });
    assert_eq!(first, second);
}

#[test]
fn damaged_files_are_refused_by_name() {
    let other = without_ecc();
    Authorities::ensure(other.path(), REGION, None, NOW).unwrap();
    let of_other = |name| fs::read_to_string(other.path().join(ECC).join(name)).unwrap();
    let ours = |name| shared().file(ECC, name).to_owned();
    let default_root = shared().file(DEFAULT_CA, "root.pem").to_owned();
    let mut cut = ours("root.pem");
    cut.truncate(200);
    let cases = [
        ("root.pem", cut, "is not a certificate in PEM"),
        ("root.pem", String::new(), "is not a certificate in PEM"),
        (
            "root.pem",
            default_root,
            "is the certificate of O=pgkeep, CN=pgkeep RDS eu-central-1 Root CA RSA2048 G1, not",
        ),
        ("root.pem", ours("subordinate.pem"), "is the certificate of"),
        ("root-key.pem", String::new(), "is no ecc384 private key"),
        ("root-key.pem", ours("root.pem"), "is no ecc384 private key"),
        ("root-key.pem", ours("subordinate-key.pem"), "is not the key of root.pem"),
        ("subordinate.pem", of_other("subordinate.pem"), "has a signature that is not of"),
        ("subordinate.pem", ours("root.pem"), "is the certificate of"),
        ("subordinate-key.pem", ours("root-key.pem"), "is not the key of subordinate.pem"),
        ("subordinate-key.pem", "-----BEGIN PRIVATE KEY-----".into(), "is no ecc384 private key"),
    ];
    for (name, content, problem) in cases {
        let home = shared().restore(|_| true);
        let path = home.path().join(ECC).join(name);
        write_private(&path, &content);
        let before = read_tree(home.path());
        let text = refusal(home.path());
        assert!(text.starts_with(&format!("{} {problem}", path.display())), "{text}");
        assert_eq!(read_tree(home.path()), before, "nothing is repaired by guessing");
    }
}

#[test]
fn a_root_of_another_profile_is_refused() {
    const BASIC: &str = "critical, CA:TRUE";
    const USAGE: &str = "critical, digitalSignature, keyCertSign, cRLSign";
    // openssl dates from the real clock on: late in the others' life only the profile is wrong.
    let now = datetime!(2038-01-01 0:00 UTC);
    for (key_of, digest, basic, usage, problem) in [
        (ECC, "-sha384", "critical, CA:TRUE, pathlen:1", USAGE, "has not the basic constraints"),
        (ECC, "-sha384", "CA:TRUE", USAGE, "has not the basic constraints"),
        (ECC, "-sha384", "critical, CA:FALSE", USAGE, "has not the basic constraints"),
        (ECC, "-sha384", BASIC, "critical, keyCertSign", "has not the key usage"),
        (DEFAULT_CA, "-sha384", BASIC, USAGE, "has a key of another kind"),
        (ECC, "-sha256", BASIC, USAGE, "is signed with another algorithm"),
        (ECC, "-sha384", BASIC, USAGE, "is not the key of root.pem"),
    ] {
        let home = shared().restore(|_| true);
        // The last case has the right profile, and a key that is not the one beside it.
        let right = problem.ends_with("root.pem");
        let key_name = if right { "subordinate-key.pem" } else { "root-key.pem" };
        let key = home.path().join(key_of).join(key_name);
        let root =
            openssl_root(&key, digest, &format!("basicConstraints={basic}\nkeyUsage={usage}"));
        write_private(&home.path().join(ECC).join("root.pem"), &root);
        let text = Authorities::ensure(home.path(), REGION, None, now).unwrap_err().to_string();
        assert!(text.contains(problem), "{text}");
    }
}

/// A root with our name, but made by openssl with extensions of the caller's.
fn openssl_root(key: &Path, digest: &str, extensions: &str) -> String {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("openssl.cnf");
    let subject = format!("O=pgkeep\nCN=pgkeep RDS {REGION} Root CA ECC384 G1");
    let head = "[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=v3";
    fs::write(&config, format!("{head}\n[dn]\n{subject}\n[v3]\n{extensions}\n")).unwrap();
    let (key, config) = (key.to_str().unwrap(), config.to_str().unwrap());
    let args = ["req", "-x509", "-days", "20000", digest, "-key", key, "-config", config];
    openssl(&args, "")
}

#[test]
fn a_changed_byte_in_a_certificate_is_noticed() {
    let home = shared().restore(|_| true);
    let path = home.path().join(ECC).join("root.pem");
    let mut pem = fs::read_to_string(&path).unwrap().into_bytes();
    // The middle of the last line of base64: inside the signature.
    let at = pem.len() - "-----END CERTIFICATE-----\n".len() - 40;
    pem[at] = if pem[at] == b'A' { b'B' } else { b'A' };
    write_private(&path, &String::from_utf8(pem).unwrap());
    let text = refusal(home.path());
    assert!(text.starts_with(path.to_str().unwrap()), "{text}");
}

#[test]
fn a_missing_file_is_refused_by_name() {
    for name in ["root.pem", "root-key.pem", "subordinate.pem", "subordinate-key.pem"] {
        let home = shared().restore(|_| true);
        let path = home.path().join(ECC).join(name);
        fs::remove_file(&path).unwrap();
        assert_eq!(refusal(home.path()), format!("cannot read {}", path.display()));
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    for name in ["root-key.pem", "subordinate-key.pem"] {
        let home = shared().restore(|_| true);
        let path = home.path().join(DEFAULT_CA).join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let expected = format!("{} is open to others: mode 0640, not 0600", path.display());
        assert_eq!(refusal(home.path()), expected);
    }
}

#[test]
fn a_clock_before_the_authorities_is_refused() {
    let home = shared().restore(|_| true);
    let before = read_tree(home.path());
    let text =
        Authorities::ensure(home.path(), REGION, None, NOW - Duration::days(365)).unwrap_err();
    let path = home.path().join(DEFAULT_CA).join("root.pem");
    let expected = format!("{} is valid from 2028-02-29", path.display());
    assert!(text.to_string().starts_with(&expected), "{text}");
    assert_eq!(read_tree(home.path()), before);
}

#[test]
fn the_authorities_of_another_region_are_refused() {
    let home = shared().restore(|_| true);
    let text = Authorities::ensure(home.path(), "us-east-1", None, NOW).unwrap_err().to_string();
    assert!(
        text.contains("root.pem is the certificate of") && text.contains("us-east-1"),
        "{text}"
    );
    let long = "a".repeat(40);
    let text = Authorities::ensure(home.path(), &long, None, NOW).unwrap_err().to_string();
    assert!(text.contains("longer than the 64 characters"), "{text}");
}
