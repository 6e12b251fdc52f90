//! Text and bytes for the standard output, which may be closed at any moment.

use std::io::{self, Write as _};

/// Writes to the standard output.
pub(crate) fn write(content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(content.as_ref())?;
    Ok(out.flush()?)
}
