//! What a running pgkeep leaves in the data directory for other commands: the address of its API,
//! the trust bundles and the revocation lists.
//!
//! Files, so that hardly a command but `serve` opens the authorities' folder with its keys.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use pgkeep_workflow::{Authorities, AuthorityInfo, Control};
use tokio::sync::watch;
use tracing::warn;

use crate::data_directory::{DataDirectory, make_folder};
use crate::failure::{hinted, render_chain};
use crate::lock::Lock;

/// After the bundles could not be written, on a full disk, say.
const RETRY_PAUSE: Duration = Duration::from_mins(1);

impl DataDirectory {
    /// The bundle of all roots, as PEM.
    pub(crate) fn bundle_pem(&self) -> PathBuf {
        self.path().join("global-bundle.pem")
    }

    /// The bundle as PKCS#7.
    pub(crate) fn bundle_p7b(&self) -> PathBuf {
        self.path().join("bundles/global-bundle.p7b")
    }

    /// The roots of one authority.
    pub(crate) fn authority_pem(&self, ca_identifier: &str) -> PathBuf {
        self.path().join("bundles").join(format!("{ca_identifier}.pem"))
    }

    /// The revocation lists of all authorities.
    pub(crate) fn bundle_crl(&self) -> PathBuf {
        self.path().join("bundles/global-bundle.crl")
    }

    /// The revocation lists of one authority.
    pub(crate) fn authority_crl(&self, ca_identifier: &str) -> PathBuf {
        self.path().join("bundles").join(format!("{ca_identifier}.crl"))
    }

    /// When the authorities' folder had changed from which all these were made.
    pub(crate) fn bundles_as_of(&self) -> PathBuf {
        self.path().join("bundles/as-of")
    }

    fn api_url_file(&self) -> PathBuf {
        self.path().join("api-url")
    }

    /// The address of the running pgkeep's API.
    pub(crate) fn api_url(&self) -> anyhow::Result<String> {
        // A killed pgkeep leaves its file behind, but not its lock.
        let held = Lock::holder(&self.lock()).is_some();
        let url = held.then(|| fs::read_to_string(self.api_url_file()).ok()).flatten();
        url.map(|url| url.trim().to_owned()).ok_or_else(|| {
            let path = self.path().display();
            let message = format!("no pgkeep serves {path}");
            hinted(message, format!("pgkeep serve --data-dir {path}"))
        })
    }
}

/// The published address, withdrawn when this is dropped.
#[derive(Debug)]
pub(crate) struct ApiUrl(PathBuf);

impl ApiUrl {
    /// Publishes where the API listens.
    pub(crate) fn publish(data: &DataDirectory, address: SocketAddr) -> anyhow::Result<Self> {
        let file = data.api_url_file();
        write_whole(&file, format!("http://{address}\n"), 0o600)?;
        Ok(Self(file))
    }
}

impl Drop for ApiUrl {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes the trust bundles and revocation lists. They are no secret, though the folder
/// above lets nobody pass.
pub(crate) fn publish_bundles(data: &DataDirectory, control: &Control) -> anyhow::Result<()> {
    let authorities = control.authorities();
    make_folder(&data.path().join("bundles"))?;
    write_whole(&data.bundle_pem(), authorities.bundle_pem(), 0o644)?;
    write_whole(&data.bundle_p7b(), authorities.bundle_p7b(), 0o644)?;
    for AuthorityInfo { identifier, .. } in authorities.describe() {
        write_whole(
            &data.authority_pem(&identifier),
            authorities.authority_pem(&identifier)?,
            0o644,
        )?;
        write_whole(
            &data.authority_crl(&identifier),
            authorities.authority_crl(&identifier)?,
            0o644,
        )?;
    }
    write_whole(&data.bundle_crl(), authorities.crl_pem(), 0o644)?;
    // The last: by it other commands know what the others are made from.
    let as_of = authorities.as_of().map_or(0, since_epoch);
    write_whole(&data.bundles_as_of(), as_of.to_string(), 0o644)
}

/// Nanoseconds.
pub(crate) fn since_epoch(at: SystemTime) -> u128 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_nanos())
}

/// Writes the trust bundles again whenever `changes` tells that they are others.
pub(crate) async fn keep_bundles(
    data: DataDirectory,
    control: Arc<Control>,
    mut changes: watch::Receiver<Arc<Authorities>>,
) {
    while changes.changed().await.is_ok() {
        while let Err(error) = publish_bundles(&data, &control) {
            warn!(error = render_chain(error.as_ref()), "trust bundles not written");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

/// Writes a file that readers see whole or not at all.
pub(crate) fn write_whole(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<()> {
    let beside = path.with_added_extension("new");
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        // Set apart, as the umask lets nobody else read.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(content.as_ref())?;
        file.sync_data()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
