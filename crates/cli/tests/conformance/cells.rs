//! The axes of the table, in the order of its rows and columns.

use pgkeep_testkit::Instance;

use super::clients::CLIENTS;

/// The oldest, a middle and the newest major version.
pub(crate) const MAJORS: [u16; 3] = [10, 14, 18];

/// The authorities, as the table writes them, with what the API calls them.
pub(crate) const AUTHORITIES: [(&str, &str); 3] = [
    ("rsa2048", "rds-ca-rsa2048-g1"),
    ("rsa4096", "rds-ca-rsa4096-g1"),
    ("ecc384", "rds-ca-ecc384-g1"),
];

/// The values of `rds.force_ssl`.
pub(crate) const FORCE_SSL: [&str; 2] = ["0", "1"];

/// Which file of roots a client is given. The wrong one has the right one's name.
pub(crate) const ROOTS: [&str; 4] = ["right", "wrong", "intermediate", "none"];

/// Which name of the server a client uses.
pub(crate) const HOSTS: [&str; 2] = ["right", "wrong"];

/// In a name's place: the client reaches somebody who strips TLS. It has the right root then.
pub(crate) const STRIPPED: &str = "stripped";

/// One kind of server: a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) major: u16,
    /// The place of the authority in [`AUTHORITIES`].
    pub(crate) authority: usize,
    pub(crate) force_ssl: &'static str,
}

impl Column {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for major in MAJORS {
            for authority in 0..AUTHORITIES.len() {
                all.extend(FORCE_SSL.map(|force_ssl| Self { major, authority, force_ssl }));
            }
        }
        all
    }

    /// `10-rsa2048-0`, which names the instance too.
    pub(crate) fn name(self) -> String {
        format!("{}-{}-{}", self.major, AUTHORITIES[self.authority].0, self.force_ssl)
    }
}

/// A row: what a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) client: String,
    pub(crate) sslmode: String,
    pub(crate) root: String,
    pub(crate) host: String,
}

impl Row {
    /// All of one client.
    pub(crate) fn all(client: &str, words: &[&str]) -> Vec<Self> {
        let mut all = Vec::new();
        for sslmode in words {
            let names = ROOTS.iter().flat_map(|root| HOSTS.map(|host| (*root, host)));
            for (root, host) in names.chain([("right", STRIPPED)]) {
                let [client, sslmode, root, host] =
                    [client, sslmode, root, host].map(str::to_owned);
                all.push(Self { client, sslmode, root, host });
            }
        }
        all
    }
}

/// How many cells there are.
pub(crate) fn count() -> usize {
    let words: usize = CLIENTS.iter().map(|client| client.words.len()).sum();
    words * (ROOTS.len() * HOSTS.len() + 1) * Column::all().len()
}

/// A name that is in no certificate, for the address of an instance.
pub(crate) fn wrong_host(instance: &Instance) -> String {
    format!("{}.example.com", instance.identifier)
}
