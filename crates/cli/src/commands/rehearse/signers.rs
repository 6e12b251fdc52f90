//! The authorities of a rehearsal, made once for all its scenarios in a folder that goes away.

use std::path::Path;
use std::sync::Arc;

use pgkeep_workflow::{Authorities, PkiError, rehearsal};
use time::{Duration, OffsetDateTime};

use super::original::Original;
use super::scenario::{Plan, Rotation, Scenario, Signer};

/// So long ago were the authorities made: what they signed first, for a year, ended a year ago.
const LONG_AGO: Duration = Duration::days(2 * 366);
/// So long ago the one was made whose root ended a year ago.
const LONGER_AGO: Duration = Duration::days((rehearsal::SHORT_ROOT_YEARS as i64 + 1) * 366);

/// Who signs certificates of copies.
pub(super) struct Signers {
    current: Arc<Authorities>,
    next: Option<Arc<Authorities>>,
    ended: Option<Arc<Authorities>>,
}

impl Signers {
    /// Makes those that the plans need; RSA keys of 4096 bits take seconds.
    pub(super) fn make(
        folder: &Path,
        original: &Original,
        plans: &[&Plan],
        now: OffsetDateTime,
    ) -> Result<Self, PkiError> {
        let region = original.installation.region.as_str();
        let own = &*original.instance.desired.ca_identifier;
        let folder = |name| folder.join("authorities").join(name);
        let long_ago = now - LONG_AGO;
        let others = plans.iter().filter_map(|plan| match plan.rotation {
            Some(Rotation::To(other)) => Some(other),
            _ => None,
        });
        let all: Vec<&str> = others.chain([own]).collect();
        let needs = |signer| plans.iter().any(|plan| plan.signer == signer);
        let next = || rehearsal::next_roots(&folder("next"), &[own], region, now);
        let ended = || rehearsal::short_roots(&folder("ended"), &[own], region, now - LONGER_AGO);
        Ok(Self {
            current: rehearsal::first_roots(&folder("current"), &all, region, long_ago)?.into(),
            next: needs(Signer::Next).then(next).transpose()?.map(Arc::new),
            ended: needs(Signer::Ended).then(ended).transpose()?.map(Arc::new),
        })
    }

    /// The authorities of a copy, and how far its clock is behind. None that was not made.
    pub(super) fn of(&self, signer: Signer) -> Option<(Arc<Authorities>, Duration)> {
        match signer {
            Signer::Current => Some((Arc::clone(&self.current), Duration::ZERO)),
            Signer::CurrentLongAgo => Some((Arc::clone(&self.current), LONG_AGO)),
            Signer::Next => self.next.clone().map(|next| (next, Duration::ZERO)),
            Signer::Ended => self.ended.clone().map(|ended| (ended, LONGER_AGO)),
        }
    }

    /// What clients trust in a scenario.
    pub(super) fn bundle(&self, scenario: Scenario) -> String {
        let pem = |made: &Option<Arc<Authorities>>| made.as_ref().map(|it| it.bundle_pem());
        let current = self.current.bundle_pem();
        match scenario {
            Scenario::NextRoot => current + &pem(&self.next).unwrap_or_default(),
            Scenario::ExpiredRoot => pem(&self.ended).unwrap_or_default(),
            _ => current,
        }
    }
}
