//! The passphrase of the authorities' keys, from where the user keeps it: a file or a command, read
//! with the rights that pgkeep was started with. It is in memory only.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use pgkeep_workflow::Passphrase;

use crate::args::PassphraseArgs;
use crate::failure::hinted;

/// Reads it, if the arguments say where from.
pub(crate) fn read(args: &PassphraseArgs) -> anyhow::Result<Option<Passphrase>> {
    let mut text = match (&args.ca_passphrase_file, &args.ca_passphrase_command) {
        (Some(path), _) => of_file(path)?,
        (None, Some(command)) => of_command(command)?,
        (None, None) => return Ok(None),
    };
    let passphrase = Passphrase::take(&mut text);
    let hint = "one line of text, which is the passphrase";
    passphrase.map(Some).ok_or_else(|| {
        hinted("the passphrase of the authorities' keys is empty or has several lines", hint)
    })
}

fn of_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = || format!("cannot read the passphrase from {}", path.display());
    let mut file = File::open(path).with_context(shown)?;
    let about = file.metadata().with_context(shown)?;
    let mode = about.permissions().mode() & 0o777;
    if about.is_file() && mode & 0o077 != 0 {
        let message =
            format!("others can read the passphrase in {}: mode {mode:04o}", path.display());
        return Err(hinted(message, format!("chmod 0600 {}", path.display())));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).with_context(shown)?;
    Ok(text)
}

fn of_command(command: &str) -> anyhow::Result<Vec<u8>> {
    let mut shell = Command::new("/bin/sh");
    let shell = shell.args(["-c", command]).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = shell.output().context("cannot run the command for the passphrase")?;
    if !output.status.success() {
        bail!("the command for the passphrase failed: {}", output.status);
    }
    Ok(output.stdout)
}
