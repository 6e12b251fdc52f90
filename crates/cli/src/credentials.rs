//! The one pair of keys that signs requests to the API, in the format of the AWS tools' own file.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use pgkeep_server::Credentials;
use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::failure::hinted;
use crate::published::write_whole;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// 5 bits a character.
const ID_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// 6 bits a character, as the service's own secrets have them.
const SECRET_DIGITS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Reads the keys, and makes them at the first start.
pub(crate) fn ensure(path: &Path) -> anyhow::Result<Credentials> {
    if path.exists() {
        return read(path);
    }
    let id = format!("PGKP{}", random_text::<16>(ID_DIGITS)?);
    let secret = random_text::<40>(SECRET_DIGITS)?;
    write_whole(path, format!("[default]\n{ID} = {id}\n{SECRET} = {secret}\n"), 0o600)?;
    Ok(Credentials { access_key_id: id, secret_access_key: secret.into() })
}

/// Reads the keys.
pub(crate) fn read(path: &Path) -> anyhow::Result<Credentials> {
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::NotFound => hinted(message, "pgkeep serve makes it at its first start"),
            _ => anyhow::Error::msg(message),
        }
    })?;
    parse(&text).with_context(|| format!("{} does not hold a pair of keys", path.display()))
}

fn parse(text: &str) -> Option<Credentials> {
    let value = |wanted: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let found = pairs.find(|(name, _)| name.trim() == wanted);
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Some(Credentials { access_key_id: value(ID)?, secret_access_key: value(SECRET)?.into() })
}

/// Text of `LENGTH` characters, each out of `digits` with the same chance: their number divides
/// that of a byte's values.
pub(crate) fn random_text<const LENGTH: usize>(digits: &[u8]) -> anyhow::Result<String> {
    let mut bytes = [0_u8; LENGTH];
    SysRng.try_fill_bytes(&mut bytes).context("the system gives no random numbers")?;
    Ok(bytes.iter().map(|byte| char::from(digits[usize::from(*byte) % digits.len()])).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_made_once_and_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let made = ensure(&path).unwrap();
        let again = ensure(&path).unwrap();
        assert_eq!(made.access_key_id, again.access_key_id);
        assert_eq!(made.secret_access_key, again.secret_access_key);
        assert_eq!((made.access_key_id.len(), made.secret_access_key.expose().len()), (20, 40));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "[default]\n").unwrap();
        assert!(ensure(&path).is_err());
    }
}
