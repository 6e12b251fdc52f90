//! Writes a package to a file while hashing it, and accepts exactly the pinned bytes.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha512};

use super::EngineError;
use super::pin::Pin;

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The bytes that have arrived.
    pub received_bytes: u64,
    /// All that will come.
    pub total_bytes: u64,
}

/// Reads a package to its end into a new file.
///
/// # Errors
/// A broken connection, another size or hash than the pin's. The file is then of no use.
pub(super) fn download(
    mut source: impl Read,
    pin: &Pin,
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), EngineError> {
    let written = || EngineError::io("write", target);
    let mut file = File::create_new(target).map_err(written())?;
    let mut hash = Sha512::new();
    let mut received = 0_u64;
    let mut buffer = vec![0; 64 << 10];
    progress(Progress { received_bytes: 0, total_bytes: pin.size });
    loop {
        let count = source.read(&mut buffer).map_err(EngineError::io("receive", pin.package()))?;
        received += count as u64;
        if received > pin.size || (count == 0 && received < pin.size) {
            let package = pin.package();
            return Err(EngineError::WrongSize { package, expected: pin.size, received });
        }
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(written())?;
        progress(Progress { received_bytes: received, total_bytes: pin.size });
    }
    let found = BASE64_STANDARD.encode(hash.finalize());
    if found == pin.sha512 {
        Ok(())
    } else {
        Err(EngineError::WrongHash { package: pin.package(), found })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fixture::pin_of;
    use super::*;

    fn downloaded(bytes: &[u8], pin: &Pin) -> (Vec<u8>, Vec<u64>, Result<(), EngineError>) {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("package.tgz");
        let mut steps = Vec::new();
        let result = download(bytes, pin, &target, &mut |step| {
            assert_eq!(step.total_bytes, pin.size);
            steps.push(step.received_bytes);
        });
        (fs::read(target).unwrap(), steps, result)
    }

    #[test]
    fn the_pinned_bytes_are_accepted_with_their_progress() {
        let bytes = vec![7; 100_000];
        let (written, steps, result) = downloaded(&bytes, &pin_of((16, 1), "16.1.0", &bytes));
        result.unwrap();
        assert_eq!(written, bytes);
        assert_eq!((steps.first(), steps.last()), (Some(&0), Some(&100_000)));
        assert!(steps.is_sorted());
    }

    #[test]
    fn other_bytes_are_refused() {
        let pin = pin_of((16, 1), "16.1.0", b"right");
        let result = downloaded(b"wrong", &pin).2;
        assert!(matches!(result, Err(EngineError::WrongHash { .. })));
        let result = downloaded(b"righ", &pin).2;
        assert!(matches!(result, Err(EngineError::WrongSize { expected: 5, received: 4, .. })));
        let (written, _, result) = downloaded(b"right and a tail", &pin);
        assert!(matches!(result, Err(EngineError::WrongSize { expected: 5, .. })));
        assert!(written.is_empty());
    }
}
