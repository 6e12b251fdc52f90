//! What commands say of authorities, from the certificates in the data directory alone.

use pgkeep_model::Clock as _;
use pgkeep_workflow::{AUTHORITIES, Authorities, AuthorityInfo};

use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::hinted;

impl DataDirectory {
    /// The folder of authorities.
    pub(crate) fn authorities_folder(&self) -> std::path::PathBuf {
        self.path().join(AUTHORITIES)
    }

    /// What is public of every authority; none before the first start.
    pub(crate) fn authorities(&self) -> anyhow::Result<Vec<AuthorityInfo>> {
        let Some(installation) = self.installation()? else { return Ok(Vec::new()) };
        let region = installation.region.as_str();
        Ok(Authorities::read(&self.authorities_folder(), region, SystemClock.now())?)
    }
}

/// The authority of that name.
pub(crate) fn find(all: Vec<AuthorityInfo>, name: &str) -> anyhow::Result<AuthorityInfo> {
    let known: Vec<_> = all.iter().map(|it| it.identifier.clone()).collect();
    all.into_iter().find(|it| it.identifier.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let hint = format!("the authorities are {}", known.join(", "));
        hinted(format!("there is no authority {name}"), hint)
    })
}
