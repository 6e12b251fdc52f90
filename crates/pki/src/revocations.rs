//! The leaves that were revoked, in one file beside the authorities.
//!
//! A line each: the serial number, the time, the authority. The file appears whole at every change,
//! so a revocation has begun or not, and whatever follows from it (lists for clients, another
//! certificate for the instance) is made from the file until it is there.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{PkiError, Result, folder};

/// No authority has a dot in its first folder's name.
const FILE: &str = "revoked.txt";

/// A leaf that is not to be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The serial number in lowercase hexadecimal.
    pub serial_hex: String,
    /// When it was revoked.
    pub at: OffsetDateTime,
    /// The authority that issued it.
    pub ca_identifier: String,
}

impl Revocation {
    /// Records it in the authorities' folder, and answers whether it is new.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] if the file is damaged, [`PkiError::File`] if it cannot be written.
    pub fn record(self, dir: &Path) -> Result<bool> {
        let _lock = folder::lock(dir)?;
        let mut all = read(dir)?;
        if all.iter().any(|it| it.serial_hex == self.serial_hex) {
            return Ok(false);
        }
        all.push(self);
        let text = all.iter().map(Self::line).collect::<Result<String>>()?;
        folder::write_file(&dir.join(FILE), &text)?;
        Ok(true)
    }

    /// Every one that was recorded.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] if the file is damaged.
    pub fn read_all(dir: &Path) -> Result<Vec<Self>> {
        read(dir)
    }

    fn line(&self) -> Result<String> {
        let at = self.at.truncate_to_second().format(&Rfc3339);
        let at = at.map_err(|_| PkiError::unfit(Path::new(FILE), "has no place for this time"))?;
        Ok(format!("{} {at} {}\n", self.serial_hex, self.ca_identifier))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (serial, at, authority) = (words.next()?, words.next()?, words.next()?);
        let is_serial = !serial.is_empty() && serial.bytes().all(|it| it.is_ascii_hexdigit());
        Some(Self {
            serial_hex: serial.to_owned(),
            at: OffsetDateTime::parse(at, &Rfc3339).ok()?,
            ca_identifier: authority.to_owned(),
        })
        .filter(|_| is_serial && words.next().is_none())
    }
}

/// All that were ever revoked.
pub(crate) fn read(dir: &Path) -> Result<Vec<Revocation>> {
    let path: PathBuf = dir.join(FILE);
    if !path.try_exists().map_err(PkiError::file("look for", &path))? {
        return Ok(Vec::new());
    }
    let text = folder::read(&path)?;
    text.lines()
        .enumerate()
        .map(|(number, line)| {
            Revocation::parse(line).ok_or_else(|| {
                PkiError::unfit(&path, format!("has no revocation on line {}", number + 1))
            })
        })
        .collect()
}
