//! Authorities of the user's own: what is taken, what is refused and why, and what they sign.

#![allow(clippy::unwrap_used, reason = "a panic fails the test that called")]

use std::fs;
use std::path::{Path, PathBuf};

use pgkeep_model::KeyAlgorithm;
use pgkeep_pki::{
    Authorities, AuthorityInfo, LeafKey, OwnCertificate, PairPem, import_authority,
    request_authority,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use crate::support::{REGION, openssl, read_tree, shared, split, verify};

const ENDPOINT: &str = "demo.c9akciq32rgh.eu-central-1.rds.localhost";
const SIGNS: &str = "basicConstraints=critical,CA:TRUE,pathlen:0\n\
                     keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash";
const ABOVE: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
                     subjectKeyIdentifier=hash";

/// A company's authorities, made by openssl, which dates from the real time on.
struct Company {
    desk: TempDir,
    now: OffsetDateTime,
}

/// A certificate and its key, by the names of their files.
#[derive(Clone)]
struct Made {
    pem: String,
    key: String,
}

impl Company {
    fn new() -> Self {
        let desk = TempDir::new().unwrap();
        let made = openssl(
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "/dev/null",
                "-subj",
                "/CN=t",
            ],
            "",
        );
        let start = openssl(&["x509", "-noout", "-startdate"], made + "\n");
        let text = start.split_once('=').unwrap().1.to_owned();
        let format = time::format_description::parse_borrowed::<1>(
            "[month repr:short] [day padding:space] [hour]:[minute]:[second] [year] GMT",
        );
        let now = time::PrimitiveDateTime::parse(&text, &format.unwrap()).unwrap().assume_utc()
            + Duration::HOUR;
        Self { desk, now }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    fn key(&self, name: &str, kind: &[&str]) -> String {
        let path = self.path(&format!("{name}.key")).display().to_string();
        openssl(&[&["genpkey", "-out", &path][..], kind].concat(), "");
        path
    }

    /// A certificate by `issuer`, or a root.
    fn make(
        &self,
        name: &str,
        kind: &[&str],
        extensions: &str,
        days: &str,
        issuer: Option<&Made>,
    ) -> Made {
        let key = self.key(name, kind);
        let subject = format!("/O=Example Corp/OU=One/OU=Two/CN={name}");
        let request = openssl(&["req", "-new", "-key", &key, "-subj", &subject], "") + "\n";
        self.sign(name, &request, &key, extensions, days, issuer)
    }

    fn sign(
        &self,
        name: &str,
        request: &str,
        key: &str,
        extensions: &str,
        days: &str,
        issuer: Option<&Made>,
    ) -> Made {
        let file = self.path(&format!("{name}.ext"));
        fs::write(&file, extensions).unwrap();
        let file = file.display().to_string();
        let by = issuer.map(|it| {
            let path = self.path(&format!("{name}.issuer.pem"));
            fs::write(&path, &it.pem).unwrap();
            (path.display().to_string(), it.key.clone())
        });
        let mut args = vec!["x509", "-req", "-days", days, "-extfile", &file];
        match &by {
            Some((certificate, key)) => args.extend(["-CA", certificate, "-CAkey", key]),
            None => args.extend(["-signkey", key]),
        }
        args.extend(["-set_serial", "0x1234567890abcdef"]);
        // What openssl says besides is no part of it.
        let said = openssl(&args, request) + "\n";
        let (begin, end) = ("-----BEGIN", "-----END CERTIFICATE-----\n");
        let pem = said[said.find(begin).unwrap()..said.find(end).unwrap()].to_owned() + end;
        Made { pem, key: key.to_owned() }
    }

    fn root(&self) -> Made {
        self.make("root", RSA, ABOVE, "3650", None)
    }

    fn import(
        &self,
        home: &Path,
        id: &str,
        pem: &str,
        key: Option<&str>,
    ) -> Result<AuthorityInfo, String> {
        let key = key.map(|path| fs::read_to_string(path).unwrap());
        let given = OwnCertificate { certificates: pem, key: key.as_deref() };
        let taken = import_authority(home, id, &given, REGION, None, self.now);
        taken.map_err(|error| {
            let text = error.to_string();
            text.strip_prefix(&format!("the authority {id} is not taken: "))
                .unwrap_or(&text)
                .to_owned()
        })
    }
}

const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// The service's authorities, made at the company's time.
fn home(company: &Company) -> TempDir {
    let home = shared().restore(|_| false);
    Authorities::ensure(home.path(), REGION, None, company.now).unwrap();
    home
}

#[test]
fn what_an_own_authority_signs_verifies_by_its_root_alone() {
    let company = Company::new();
    let home = home(&company);
    let root = company.root();
    let policy = company.make("policy", P256, ABOVE, "3000", Some(&root));
    let one = company.make("one", P256, SIGNS, "200", Some(&policy));
    let chain = [&*root.pem, &one.pem, &policy.pem].concat();
    let info = company.import(home.path(), "corp-ca", &chain, Some(&one.key)).unwrap();
    assert_eq!(info.identifier, "corp-ca");
    assert_eq!(info.signer.common_name.as_deref(), Some("one"));
    let again = company.import(home.path(), "corp-ca", &chain, Some(&one.key)).unwrap_err();
    assert_eq!(again, "this certificate is there already");

    let ensure = |now| Authorities::ensure(home.path(), REGION, None, now).unwrap();
    let authorities = ensure(company.now);
    assert_eq!(authorities.describe().len(), 4);
    assert!(authorities.bundle_pem().contains(&root.pem));
    assert_eq!(authorities.authority_pem("Corp-CA").unwrap(), root.pem);
    let key = LeafKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
    let leaf = authorities.issue_leaf("corp-ca", &key, ENDPOINT, company.now).unwrap();
    let sent = split(&leaf.chain_pem);
    assert_eq!(sent[1..], [one.pem.clone(), policy.pem.clone()], "all but the root");
    let above = sent[1..].concat();
    let (agreed, text) = verify(&root.pem, Some(&above), &sent[0], ENDPOINT, company.now);
    assert!(agreed, "{text}");
    assert_eq!(leaf.not_after, info.signer.not_after, "it does not outlive it");
    let roots = authorities.bundle_pem();
    let (own, key_pem) = (leaf.chain_pem, key.to_pem());
    let pair = PairPem { chain: &own, key: &key_pem, roots: &roots };
    authorities.check_pair("corp-ca", ENDPOINT, &pair).unwrap();

    // Its list is verified by openssl with the certificate that has its key.
    let list = authorities.authority_crl("corp-ca").unwrap();
    let file = company.path("one.pem");
    fs::write(&file, &one.pem).unwrap();
    let checked = openssl(&["crl", "-noout", "-verify", "-CAfile", file.to_str().unwrap()], list);
    assert!(checked.contains("verify OK"), "{checked}");
    assert!(openssl(&["crl", "-noout", "-text"], list).contains("CN = one"));

    // Renewed with the same key, and then with another under another root.
    let request = openssl(&["req", "-new", "-key", &one.key, "-subj", "/CN=one again"], "") + "\n";
    let renewed = company.sign("again", &request, &one.key, SIGNS, "400", Some(&policy));
    let pem = [&*renewed.pem, &policy.pem, &root.pem].concat();
    company.import(home.path(), "corp-ca", &pem, None).unwrap();
    let other_root = company.make("other", RSA, ABOVE, "3650", None);
    let two = company.make("two", RSA, SIGNS, "300", Some(&other_root));
    let pem = [&*two.pem, &other_root.pem].concat();
    company.import(home.path(), "corp-ca", &pem, Some(&two.key)).unwrap();
    let authorities = ensure(company.now);
    let info = authorities.describe().pop().unwrap();
    assert_eq!((info.roots.len(), info.subordinates.len()), (2, 3));
    assert_eq!(authorities.key_of("corp-ca").unwrap(), ("corp-ca", KeyAlgorithm::Rsa2048));
    let pair = PairPem { chain: &own, key: &key_pem, roots: &roots };
    let refusal = authorities.check_pair("corp-ca", ENDPOINT, &pair).map(drop);
    assert!(refusal.is_ok(), "what the first signed is as good as before: {refusal:?}");
    // Nothing is made when it ends, and the rest goes on.
    let late = ensure(company.now + Duration::days(500));
    let info = late.describe().pop().unwrap();
    assert_eq!(info.signer.common_name.as_deref(), Some("two"));
    let key = LeafKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let ended = late.issue_leaf("corp-ca", &key, ENDPOINT, company.now + Duration::days(500));
    assert!(ended.unwrap_err().to_string().contains("CN=two is not valid at"));
}

#[test]
fn a_request_is_signed_elsewhere() {
    let company = Company::new();
    let home = home(&company);
    let request = || {
        let key = KeyAlgorithm::EcdsaP384;
        request_authority(home.path(), "corp-ca", key, REGION, None).unwrap()
    };
    let first = request();
    assert_eq!(request(), first, "the same until it is answered");
    let text = openssl(&["req", "-noout", "-text", "-verify"], &first);
    assert!(text.contains("verify OK") && text.contains("CA:TRUE, pathlen:0"), "{text}");
    assert_eq!(
        Authorities::ensure(home.path(), REGION, None, company.now).unwrap().describe().len(),
        3
    );
    let root = company.root();
    let signed = company.sign("signed", &first, "", SIGNS, "800", Some(&root));
    let unrelated = company.make("unrelated", P256, SIGNS, "800", Some(&root));
    let pem = [&*unrelated.pem, &root.pem].concat();
    let refused = company.import(home.path(), "corp-ca", &pem, None).unwrap_err();
    assert_eq!(refused, "the key is that of no certificate given");
    let pem = [&*signed.pem, &root.pem].concat();
    company.import(home.path(), "corp-ca", &pem, None).unwrap();
    assert!(!home.path().join("corp-ca.csr").exists());
    assert_eq!(
        Authorities::ensure(home.path(), REGION, None, company.now).unwrap().describe().len(),
        4
    );
    assert_ne!(request(), first, "a new key for the next");
}

#[test]
fn what_is_not_right_is_refused_and_changes_nothing() {
    let company = Company::new();
    let home = home(&company);
    let stranger = company.root();
    let root = company.root();
    let leaf_only = "basicConstraints=CA:FALSE";
    let no_crl = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign";
    let no_sign = "basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign";
    let make =
        |name: &str, kind, extensions| company.make(name, kind, extensions, "800", Some(&root));
    let good = make("good", RSA, SIGNS);
    let narrow = make("narrow", RSA, SIGNS);
    let below = company.make("below", RSA, SIGNS, "800", Some(&narrow));
    let weak = make("weak", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], SIGNS);
    let ed = make("ed", &["-algorithm", "ED25519"], SIGNS);
    let ended = company.make("ended", RSA, SIGNS, "-1", Some(&root));
    let (leaf, no_crl, no_sign) =
        (make("leaf", RSA, leaf_only), make("nocrl", RSA, no_crl), make("nosign", RSA, no_sign));
    let with_root = |made: &Made| [&*made.pem, &root.pem].concat();
    let before = read_tree(home.path());
    let cases = [
        ("Corp", with_root(&good), &good, "an identifier has 1 to 63 lowercase letters"),
        ("rds-ca-own", with_root(&good), &good, "rds-ca-own is a name of the service's own"),
        ("global-bundle", with_root(&good), &good, "global-bundle is a name of the service's own"),
        ("corp", String::new(), &good, "there is no certificate in PEM"),
        ("corp", with_root(&good), &narrow, "the key is that of no certificate given"),
        (
            "corp",
            good.pem.clone(),
            &good,
            "the issuer of O=Example Corp, OU=One, OU=Two, CN=good is not given",
        ),
        ("corp", [&*good.pem, &stranger.pem].concat(), &good, "the issuer of"),
        ("corp", root.pem.clone(), &root, "it is a root: give an intermediate"),
        (
            "corp",
            [&*with_root(&below), &narrow.pem].concat(),
            &below,
            "O=Example Corp, OU=One, OU=Two, CN=narrow has a path length",
        ),
        ("corp", with_root(&weak), &weak, "the key is that of no certificate given"),
        ("corp", with_root(&ed), &ed, "the key is that of no certificate given"),
        ("corp", with_root(&ended), &ended, "it is valid from"),
        (
            "corp",
            with_root(&leaf),
            &leaf,
            "O=Example Corp, OU=One, OU=Two, CN=leaf is no authority: CA:FALSE",
        ),
        (
            "corp",
            with_root(&no_crl),
            &no_crl,
            "O=Example Corp, OU=One, OU=Two, CN=nocrl has not the key usage keyCertSign and",
        ),
        (
            "corp",
            with_root(&no_sign),
            &no_sign,
            "O=Example Corp, OU=One, OU=Two, CN=nosign has not the key usage keyCertSign",
        ),
    ];
    for (id, pem, key, problem) in cases {
        let refused = company.import(home.path(), id, &pem, Some(&key.key)).unwrap_err();
        assert!(refused.starts_with(problem), "{refused}, not {problem}");
        assert_eq!(read_tree(home.path()), before, "{problem}");
    }
}
