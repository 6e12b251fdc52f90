//! How often work on instances failed since this process began, for monitoring.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::decide::Effect;

/// The name of work that failed before an effect began.
const NONE: &str = "none";

/// Counts by the name of the effect.
pub(crate) struct Failures(Mutex<BTreeMap<&'static str, u64>>);

impl Default for Failures {
    /// All begin at 0: of a series that begins at 1, monitoring cannot tell that it rose.
    fn default() -> Self {
        let names = Effect::ALL.iter().map(|effect| effect.name()).chain([NONE]);
        Self(Mutex::new(names.map(|name| (name, 0)).collect()))
    }
}

impl Failures {
    pub(crate) fn count(&self, effect: Option<Effect>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(effect.map_or(NONE, Effect::name)).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
