//! `pgkeep bundle`: the roots to trust, and the revocation lists, from the files that
//! `serve` keeps.

use std::fs;
use std::io;

use anyhow::Context as _;

use crate::args::BundleArgs;
use crate::authorities::find;
use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::output;

pub(super) fn run(args: &BundleArgs) -> anyhow::Result<()> {
    let data = DataDirectory::open(&args.data)?;
    if let Some(asked) = &args.region {
        let own = data.installation()?.map(|it| it.region);
        if own.as_ref() != Some(asked) {
            let own = own.map_or("no region yet".to_owned(), |own| own.to_string());
            let message = format!("{} has no bundle for {asked}", data.path().display());
            return Err(hinted(message, format!("its region is {own}")));
        }
    }
    let path = match &args.ca {
        Some(name) if args.crl => data.authority_crl(&authority(&data, name)?),
        Some(name) => data.authority_pem(&authority(&data, name)?),
        None if args.crl => data.bundle_crl(),
        None if args.p7b => data.bundle_p7b(),
        None => data.bundle_pem(),
    };
    match fs::read(&path) {
        Ok(content) => output::write(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("{} is not there yet", path.display());
            Err(hinted(message, format!("pgkeep serve --data-dir {}", data.path().display())))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The authority's identifier as its files have it.
fn authority(data: &DataDirectory, name: &str) -> anyhow::Result<String> {
    Ok(find(data.authorities()?, name)?.identifier)
}
