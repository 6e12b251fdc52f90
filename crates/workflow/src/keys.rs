//! Private keys generated ahead of need, since RSA keys take from a tenth of a second to seconds.
//!
//! They wait in memory only: a key that is on no disk cannot be left behind there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pgkeep_model::KeyAlgorithm;
use pgkeep_pki::LeafKey;

/// Keys ready for use, each handed out once.
#[derive(Debug, Default)]
pub(crate) struct KeyPool {
    ready: Mutex<HashMap<KeyAlgorithm, Vec<LeafKey>>>,
}

impl KeyPool {
    /// Takes a key, if one is ready.
    pub(crate) fn take(&self, algorithm: KeyAlgorithm) -> Option<LeafKey> {
        self.with(|ready| ready.get_mut(&algorithm).and_then(Vec::pop))
    }

    /// Adds a key.
    pub(crate) fn put(&self, algorithm: KeyAlgorithm, key: LeafKey) {
        self.with(|ready| ready.entry(algorithm).or_default().push(key));
    }

    /// An algorithm of which fewer than `size` keys are ready.
    pub(crate) fn lacking(&self, size: usize) -> Option<KeyAlgorithm> {
        self.with(|ready| {
            KeyAlgorithm::ALL
                .into_iter()
                .find(|algorithm| ready.get(algorithm).map_or(0, Vec::len) < size)
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<KeyAlgorithm, Vec<LeafKey>>) -> T) -> T {
        f(&mut self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
