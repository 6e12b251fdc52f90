//! `pgkeep authority passphrase`.

use pgkeep_workflow::{Passphrase, change_passphrase};

use crate::args::{AuthorityPassphraseArgs, PassphraseArgs};
use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::lock::Lock;
use crate::{output, passphrase};

/// Both passphrases, read with the rights that the command was started with.
pub(super) struct Given {
    old: Option<Passphrase>,
    new: Passphrase,
}

impl Given {
    pub(super) fn read(args: AuthorityPassphraseArgs) -> anyhow::Result<Self> {
        let AuthorityPassphraseArgs { old, new_file, new_command } = args;
        let new =
            PassphraseArgs { ca_passphrase_file: new_file, ca_passphrase_command: new_command };
        let missing = || hinted("there is no new passphrase", "say where it is with --new-file");
        let new = passphrase::read(&new)?.ok_or_else(missing)?;
        Ok(Self { old: passphrase::read(&old)?, new })
    }
}

pub(super) fn run(data: &DataDirectory, given: &Given) -> anyhow::Result<()> {
    if let Some(pid) = Lock::holder(&data.lock()) {
        let message = format!("pgkeep (pid {pid}) runs with the passphrase of before");
        return Err(hinted(message, "stop it first; the servers of DB instances run on"));
    }
    // Held until the last key is written, so that no pgkeep begins with the old one.
    let _lock = Lock::take(&data.lock())?;
    let count = change_passphrase(&data.authorities_folder(), given.old.as_ref(), &given.new)?;
    output::write(format!("{count} keys are encrypted under the new passphrase\n"))
}
