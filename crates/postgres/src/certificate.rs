//! The certificate and key in an instance's folder, swapped as one.
//!
//! Each pair lives in a folder named by its serial number, and `rds-metadata` is a link to the one
//! in use: a single rename moves the server from pair to pair, and the old pair is there to go
//! back to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::PostgresError;
use crate::layout::{InstanceFiles, ensure_folder, names, write_files_durably};

const CERTIFICATE: &str = "server-cert.pem";
const KEY: &str = "server-key.pem";
const CA_CERT: &str = "ca-cert.pem";

/// What a server needs to present itself.
#[derive(Debug)]
pub struct KeyPairFiles<'a> {
    /// Names the pair; hexadecimal.
    pub serial: &'a str,
    /// The leaf and its subordinate.
    pub chain_pem: &'a str,
    /// The private key, PKCS#8.
    pub key_pem: &'a str,
    /// The content of `ssl_ca_file`.
    pub ca_cert_pem: &'a str,
}

/// Writes a pair and puts it in use; pairs other than it and the last one in use are removed.
pub fn install_key_pair(
    files: &InstanceFiles,
    pair: &KeyPairFiles<'_>,
) -> Result<(), PostgresError> {
    let before = serial_in_use(files);
    let folder = files.certificates().join(pair.serial);
    ensure_folder(&folder)?;
    write_files_durably(&[
        (folder.join(CERTIFICATE), pair.chain_pem),
        (folder.join(KEY), pair.key_pem),
        (folder.join(CA_CERT), pair.ca_cert_pem),
    ])?;
    use_key_pair(files, pair.serial)?;
    for name in names(&files.certificates())? {
        if name != pair.serial && Some(&name) != before.as_ref() {
            let old = files.certificates().join(name);
            fs::remove_dir_all(&old).map_err(PostgresError::file("remove", old))?;
        }
    }
    Ok(())
}

/// Points `rds-metadata` to a pair that is there.
pub fn use_key_pair(files: &InstanceFiles, serial: &str) -> Result<(), PostgresError> {
    let beside = files.folder().join("rds-metadata.new");
    let link = || {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(Path::new("certificates").join(serial), &beside)?;
        fs::rename(&beside, files.metadata())
    };
    link().map_err(PostgresError::file("link", files.metadata()))
}

/// The serial number of the pair in use, if all its files are there.
pub fn serial_in_use(files: &InstanceFiles) -> Option<String> {
    let target: PathBuf = fs::read_link(files.metadata()).ok()?;
    let complete = [CERTIFICATE, KEY, CA_CERT]
        .iter()
        .all(|name| fs::metadata(files.metadata().join(name)).is_ok_and(|file| file.len() > 0));
    let serial = target.file_name()?.to_str()?.to_owned();
    complete.then_some(serial)
}

/// The chain in use, as the server is to present it.
pub fn chain_in_use(files: &InstanceFiles) -> Result<String, PostgresError> {
    let path = files.metadata().join(CERTIFICATE);
    fs::read_to_string(&path).map_err(PostgresError::file("read", path))
}
