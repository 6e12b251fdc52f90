//! `pgkeep authority import`.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use pgkeep_model::Clock as _;
use pgkeep_workflow::{
    AuthorityInfo, OwnCertificate, Passphrase, import_authority, request_authority,
};

use super::running::heed;
use crate::args::AuthorityImportArgs;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::{output, passphrase};

/// What the user gives, read with the rights that the command was started with.
pub(super) struct Given {
    certificates: String,
    key: Option<String>,
    passphrase: Option<Passphrase>,
}

impl Given {
    pub(super) fn read(args: &AuthorityImportArgs) -> anyhow::Result<Self> {
        let files = args.certificate.iter().chain(&args.root);
        let texts = files.map(|path| text(path).map(|text| text + "\n"));
        Ok(Self {
            certificates: texts.collect::<anyhow::Result<_>>()?,
            key: args.key.as_deref().map(text).transpose()?,
            passphrase: passphrase::read(&args.passphrase)?,
        })
    }
}

pub(super) fn run(
    data: &DataDirectory,
    args: &AuthorityImportArgs,
    given: &Given,
) -> anyhow::Result<()> {
    let region = data.installation()?.map(|it| it.region).ok_or_else(|| {
        let path = data.path().display();
        let first = format!("start pgkeep first: pgkeep serve --data-dir {path}");
        hinted(format!("{path} has no authorities yet"), first)
    })?;
    let (folder, region) = (data.authorities_folder(), region.as_str());
    let (identifier, passphrase) = (args.authority.as_str(), given.passphrase.as_ref());
    if args.csr {
        let key = args.key_type.into();
        return output::write(request_authority(&folder, identifier, key, region, passphrase)?);
    }
    let own = OwnCertificate { certificates: &given.certificates, key: given.key.as_deref() };
    let now = SystemClock.now();
    let taken = import_authority(&folder, identifier, &own, region, passphrase, now)?;
    let AuthorityInfo { identifier, signer, signs_until, .. } = taken;
    let (subject, end) = (signer.subject, signs_until.date());
    heed(data)?;
    output::write(format!("{identifier} is {subject}, and signs until {end}\n"))
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
