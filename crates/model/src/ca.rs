//! The authorities that can sign an instance's certificate: the policy of each, as data.
//!
//! Source: the RDS user guide's table of certificate authorities. RDS does not document the key
//! of the leaf; here it is of the authority's own family, so that one choice, the authority's,
//! decides what a client meets in the whole chain.

/// The algorithm of a key, which also fixes the signature made with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA with a 2048-bit modulus; signs with SHA-256.
    Rsa2048,
    /// RSA with a 4096-bit modulus; signs with SHA-384.
    Rsa4096,
    /// ECDSA on the curve P-384; signs with SHA-384.
    EcdsaP384,
}

impl KeyAlgorithm {
    /// Every algorithm, in the order of [`CA_POLICIES`].
    pub const ALL: [Self; 3] = [Self::Rsa2048, Self::Rsa4096, Self::EcdsaP384];

    /// The name used in folders and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::Rsa4096 => "rsa4096",
            Self::EcdsaP384 => "ecc384",
        }
    }
}

/// How one authority is made and how long what it signs may live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaPolicy {
    /// The identifier of the RDS API (`CACertificateIdentifier`).
    pub identifier: &'static str,
    /// The end of the root's common name.
    pub label: &'static str,
    /// The key of root, subordinate and leaves.
    pub key: KeyAlgorithm,
    /// Calendar years that the root is valid.
    pub root_years: u16,
    /// Calendar years that the subordinate is valid.
    pub subordinate_years: u16,
    /// Calendar years that a leaf is valid.
    pub leaf_years: u16,
}

/// The authorities of the service, the default first.
pub const CA_POLICIES: [CaPolicy; 3] = [
    CaPolicy {
        identifier: "rds-ca-rsa2048-g1",
        label: "RSA2048 G1",
        key: KeyAlgorithm::Rsa2048,
        root_years: 40,
        subordinate_years: 10,
        leaf_years: 1,
    },
    CaPolicy {
        identifier: "rds-ca-rsa4096-g1",
        label: "RSA4096 G1",
        key: KeyAlgorithm::Rsa4096,
        root_years: 100,
        subordinate_years: 10,
        leaf_years: 1,
    },
    CaPolicy {
        identifier: "rds-ca-ecc384-g1",
        label: "ECC384 G1",
        key: KeyAlgorithm::EcdsaP384,
        root_years: 100,
        subordinate_years: 10,
        leaf_years: 1,
    },
];

/// The authority that signs where nobody chose another.
pub const DEFAULT_CA: &str = CA_POLICIES[0].identifier;

/// The policy of an authority; identifiers match without regard to case, as in the service.
pub fn ca_policy(identifier: &str) -> Option<&'static CaPolicy> {
    CA_POLICIES.iter().find(|policy| policy.identifier.eq_ignore_ascii_case(identifier))
}
