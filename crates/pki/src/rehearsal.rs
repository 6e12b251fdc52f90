//! Authorities for rehearsals of what is rare: a root that takes over from another, a root that has
//! ended.
//!
//! Each is made by the same profiles as any other, in a folder of its own that the caller throws
//! away. No authority of an installation is read here, and nothing is signed that outlives its
//! issuer: what has expired was made in the past, by a clock that was set back.

use std::path::Path;

use pgkeep_model::{CA_POLICIES, CaPolicy};
use time::OffsetDateTime;

use crate::{Authorities, PkiError, Result};

/// The roots after those of [`CA_POLICIES`], under the same identifiers.
static NEXT: [CaPolicy; 3] = [
    CaPolicy { label: "RSA2048 G2", ..CA_POLICIES[0] },
    CaPolicy { label: "RSA4096 G2", ..CA_POLICIES[1] },
    CaPolicy { label: "ECC384 G2", ..CA_POLICIES[2] },
];

/// Roots that end after a year, with all that they vouch for.
static SHORT: [CaPolicy; 3] = [short(CA_POLICIES[0]), short(CA_POLICIES[1]), short(CA_POLICIES[2])];

const fn short(policy: CaPolicy) -> CaPolicy {
    CaPolicy { root_years: 1, subordinate_years: 1, ..policy }
}

/// Makes one authority, under a root that comes after the one of that identifier.
///
/// # Errors
/// [`PkiError::UnknownAuthority`], or those of [`Authorities::ensure`].
pub fn next_root(
    dir: &Path,
    ca_identifier: &str,
    region: &str,
    now: OffsetDateTime,
) -> Result<Authorities> {
    Authorities::ensure_by([find(&NEXT, ca_identifier)?], dir, region, now)
}

/// Makes one authority whose root ends a year after `now`.
///
/// # Errors
/// [`PkiError::UnknownAuthority`], or those of [`Authorities::ensure`].
pub fn short_root(
    dir: &Path,
    ca_identifier: &str,
    region: &str,
    now: OffsetDateTime,
) -> Result<Authorities> {
    Authorities::ensure_by([find(&SHORT, ca_identifier)?], dir, region, now)
}

fn find(policies: &'static [CaPolicy], identifier: &str) -> Result<&'static CaPolicy> {
    policies
        .iter()
        .find(|policy| policy.identifier.eq_ignore_ascii_case(identifier))
        .ok_or_else(|| PkiError::UnknownAuthority(identifier.to_owned()))
}
