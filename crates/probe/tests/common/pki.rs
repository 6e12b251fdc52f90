//! A root, a subordinate and a leaf for the tests, in the shape of pgkeep's own authorities; and
//! certificates that are wrong, of which the openssl command makes what rcgen cannot.

use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;

pub const SERVER_NAME: &str = "db.example.test";

/// The moment at which the tests judge; the leaves surround it or not.
pub fn now() -> OffsetDateTime {
    rcgen::date_time_ymd(2030, 6, 1)
}

pub struct Root(CertifiedIssuer<'static, KeyPair>);

pub struct Leaf {
    pub key_pem: String,
    /// The leaf and its subordinate.
    pub chain_pem: String,
    /// The leaf.
    pub der: Vec<u8>,
}

impl Leaf {
    /// Its certificates, each in PEM.
    pub fn pems(&self) -> Vec<&str> {
        self.chain_pem.split_inclusive("-----END CERTIFICATE-----\n").collect()
    }

    /// The same with other certificates sent.
    pub fn sending(&self, pems: &[&str]) -> Self {
        Self { key_pem: self.key_pem.clone(), chain_pem: pems.concat(), der: self.der.clone() }
    }
}

impl Root {
    pub fn new(name: &str) -> Self {
        Self::of(name, KeyPair::generate().unwrap())
    }

    /// A root with a key by the words of `openssl genpkey`.
    pub fn with_key(name: &str, key: &[&str]) -> Self {
        let pem = openssl(&[&["genpkey"], key].concat());
        Self::of(name, KeyPair::from_pem(&pem).unwrap())
    }

    fn of(name: &str, key: KeyPair) -> Self {
        Self(CertifiedIssuer::self_signed(ca_params(name), key).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A leaf with a P-256 key for `names` that ends with `last_year`.
    pub fn issue_leaf(&self, names: &[&str], last_year: i32) -> Leaf {
        self.issue_leaf_for(&KeyPair::generate().unwrap(), names, last_year)
    }

    /// A leaf with an RSA-2048 key that is valid at [`now`].
    pub fn issue_rsa_leaf(&self, names: &[&str]) -> Leaf {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        self.issue_leaf_for(&key, names, 2035)
    }

    fn issue_leaf_for(&self, leaf_key: &KeyPair, names: &[&str], last_year: i32) -> Leaf {
        let mut params = leaf_params(&[]);
        let names = names.iter().map(|name| (*name).to_owned());
        params.subject_alt_names =
            CertificateParams::new(names.collect::<Vec<_>>()).unwrap().subject_alt_names;
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        self.issue_below(vec![ca_params("subordinate")], leaf_key, &params)
    }

    /// A leaf with a P-256 key below one subordinate.
    pub fn issue(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        self.issue_below(vec![ca_params("subordinate")], &key, params)
    }

    /// A leaf below subordinates, of which the root's own comes first.
    pub fn issue_below(
        &self,
        subordinates: Vec<CertificateParams>,
        leaf_key: &KeyPair,
        params: &CertificateParams,
    ) -> Leaf {
        let mut issuers: Vec<CertifiedIssuer<'static, KeyPair>> = Vec::new();
        for subordinate in subordinates {
            let key = KeyPair::generate().unwrap();
            let issuer = issuers.last().unwrap_or(&self.0);
            issuers.push(CertifiedIssuer::signed_by(subordinate, key, issuer).unwrap());
        }
        let leaf = params.signed_by(leaf_key, issuers.last().unwrap_or(&self.0)).unwrap();
        let chain = issuers.iter().rev().map(CertifiedIssuer::pem);
        Leaf {
            key_pem: leaf_key.serialize_pem(),
            chain_pem: leaf.pem() + &chain.collect::<String>(),
            der: leaf.der().to_vec(),
        }
    }

    /// A leaf for [`SERVER_NAME`] that the openssl command makes: of a key by the words of
    /// `openssl genpkey`, signed as further words of `openssl req` say.
    pub fn forge(&self, key: &[&str], signed: &[&str]) -> Leaf {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let form = format!(
            "[req]\ndistinguished_name = dn\nx509_extensions = v3\n[dn]\n[v3]\n\
             subjectAltName = DNS:{SERVER_NAME}\nbasicConstraints = CA:FALSE\n"
        );
        std::fs::write(path("form"), form).unwrap();
        std::fs::write(path("root.crt"), self.pem()).unwrap();
        std::fs::write(path("root.key"), self.0.key().serialize_pem()).unwrap();
        openssl(&[&["genpkey", "-out", &path("key")], key].concat());
        let subject = format!("/CN={SERVER_NAME}");
        let words = ["req", "-x509", "-config", &path("form"), "-subj", &subject, "-days", "365"];
        let files = ["-key", &path("key"), "-CA", &path("root.crt"), "-CAkey", &path("root.key")];
        let chain_pem = openssl(&[&words[..], &files, signed].concat());
        Leaf {
            key_pem: std::fs::read_to_string(path("key")).unwrap(),
            der: CertificateDer::from_pem_slice(chain_pem.as_bytes()).unwrap().to_vec(),
            chain_pem,
        }
    }
}

fn openssl(words: &[&str]) -> String {
    let output = Command::new("openssl").args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A leaf for DNS names, all of which may be addresses too.
pub fn leaf_params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, SERVER_NAME);
    params.use_authority_key_identifier_extension = true;
    let name = |name: &&str| SanType::DnsName((*name).try_into().unwrap());
    params.subject_alt_names = names.iter().map(name).collect();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2035, 12, 31);
    params
}

pub fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    params
}
