//! A root, a subordinate and a leaf for the tests, in the shape of pgkeep's own authorities.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
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

impl Root {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
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
        let key = KeyPair::generate().unwrap();
        let subordinate =
            CertifiedIssuer::signed_by(ca_params("subordinate"), key, &self.0).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, SERVER_NAME);
        params.use_authority_key_identifier_extension = true;
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        let leaf = params.signed_by(leaf_key, &subordinate).unwrap();
        Leaf {
            key_pem: leaf_key.serialize_pem(),
            chain_pem: leaf.pem() + &subordinate.pem(),
            der: leaf.der().to_vec(),
        }
    }
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    params
}
