//! `pgkeep authority show`.

use pgkeep_workflow::{AuthorityInfo, CertificateInfo, Revocation};
use serde::Serialize;

use super::ls::users;
use crate::args::AuthorityShowArgs;
use crate::authorities::find;
use crate::data_directory::DataDirectory;
use crate::instances::render_time;
use crate::{output, table};

pub(super) fn run(data: &DataDirectory, args: &AuthorityShowArgs) -> anyhow::Result<()> {
    let authority = find(data.authorities()?, &args.authority)?;
    let mut revoked = Revocation::read_all(&data.authorities_folder())?;
    revoked.retain(|it| it.ca_identifier == authority.identifier);
    let instances = users(&authority, &data.instances()?);
    let facts = Facts::of(&authority, &revoked, instances);
    if args.json.json { table::print_json(&facts) } else { output::write(facts.render()) }
}

/// Names are stable: docs/api.md lists them.
#[derive(Serialize)]
struct Facts {
    identifier: String,
    thumbprint_sha1: String,
    /// The subordinate that signs, and its root.
    chain: Vec<Certificate>,
    /// Every root in the bundle.
    roots: Vec<Certificate>,
    /// Every subordinate that has not ended.
    subordinates: Vec<Certificate>,
    revoked: Vec<Revoked>,
    instances: Vec<String>,
}

#[derive(Serialize)]
struct Certificate {
    subject: String,
    issuer: String,
    key: String,
    serial: String,
    not_before: String,
    not_after: String,
    fingerprint_sha256: String,
}

#[derive(Serialize)]
struct Revoked {
    serial: String,
    at: String,
}

impl Facts {
    fn of(authority: &AuthorityInfo, revoked: &[Revocation], instances: Vec<String>) -> Self {
        let all = |list: &[CertificateInfo]| list.iter().map(Certificate::of).collect();
        let revoked = revoked
            .iter()
            .map(|it| Revoked { serial: it.serial_hex.clone(), at: render_time(it.at) });
        Self {
            identifier: authority.identifier.clone(),
            thumbprint_sha1: authority.thumbprint_sha1.clone(),
            chain: [&authority.signer, &authority.root].map(Certificate::of).into(),
            roots: all(&authority.roots),
            subordinates: all(&authority.subordinates),
            revoked: revoked.collect(),
            instances,
        }
    }

    fn render(&self) -> String {
        let is_in_chain = |it: &&Certificate| {
            self.chain.iter().all(|one| one.fingerprint_sha256 != it.fingerprint_sha256)
        };
        let chain = ["subordinate", "root"].into_iter().zip(&self.chain);
        let roots = self.roots.iter().filter(is_in_chain).map(|it| ("another root", it));
        let subordinates = self.subordinates.iter().filter(is_in_chain);
        let subordinates = subordinates.map(|it| ("another subordinate", it));
        let certificates = chain.chain(subordinates).chain(roots).map(|(kind, it)| it.render(kind));
        let revoked = self.revoked.iter().map(|it| it.serial.clone() + " on " + &it.at);
        let revoked = revoked.map(|it| format!("revoked        {it}\n"));
        let (identifier, thumbprint) = (&self.identifier, &self.thumbprint_sha1);
        let (certificates, revoked) =
            (certificates.collect::<String>(), revoked.collect::<String>());
        let none = self.instances.is_empty();
        let instances = if none { "-".to_owned() } else { self.instances.join(", ") };
        format!(
            "{identifier}\n{certificates}root's SHA-1   {thumbprint}\n{revoked}\
             instances      {instances}\n"
        )
    }
}

impl Certificate {
    fn of(info: &CertificateInfo) -> Self {
        Self {
            subject: info.subject.clone(),
            issuer: info.issuer.clone(),
            key: info.key_algorithm.clone(),
            serial: info.serial_hex.clone(),
            not_before: render_time(info.not_before),
            not_after: render_time(info.not_after),
            fingerprint_sha256: info.fingerprint_sha256.clone(),
        }
    }

    fn render(&self, kind: &str) -> String {
        format!(
            "{kind}\n  subject      {}\n  issuer       {}\n  key          {}\n  serial       {}\n  \
             valid        {} to {}\n  SHA-256      {}\n",
            self.subject,
            self.issuer,
            self.key,
            self.serial,
            self.not_before,
            self.not_after,
            self.fingerprint_sha256,
        )
    }
}
