//! Authorities for rehearsals of what is rare: a root that takes over from another, a root that has
//! ended.
//!
//! Each is made by the same profiles as any other, in a folder of its own that the caller throws
//! away. No authority of an installation is read here, and nothing is signed that outlives its
//! issuer: what has expired was made in the past, by a clock that was set back.

use std::path::Path;

use pgkeep_model::{CA_POLICIES, CaPolicy};
use time::OffsetDateTime;

use crate::{Authorities, Result};

/// The roots after those of [`CA_POLICIES`], under the same identifiers.
static NEXT: [CaPolicy; 3] = [
    CaPolicy { label: "RSA2048 G1.2", ..CA_POLICIES[0] },
    CaPolicy { label: "RSA4096 G1.2", ..CA_POLICIES[1] },
    CaPolicy { label: "ECC384 G1.2", ..CA_POLICIES[2] },
];

/// How long roots live that are to end soon.
///
/// No less: one that ends within 10 years of what it signs is due to be followed by another.
pub const SHORT_ROOT_YEARS: u16 = 13;

/// Roots of which one can say that they have ended, with all that they vouch for.
static SHORT: [CaPolicy; 3] = [short(CA_POLICIES[0]), short(CA_POLICIES[1]), short(CA_POLICIES[2])];

const fn short(policy: CaPolicy) -> CaPolicy {
    CaPolicy { root_years: SHORT_ROOT_YEARS, subordinate_years: 2, ..policy }
}

/// Makes authorities as an installation's own.
///
/// # Errors
/// Those of [`Authorities::ensure`].
pub fn first_roots(
    dir: &Path,
    identifiers: &[&str],
    region: &str,
    now: OffsetDateTime,
) -> Result<Authorities> {
    make(&CA_POLICIES, dir, identifiers, region, now)
}

/// Makes authorities under the roots that come after those.
///
/// # Errors
/// Those of [`Authorities::ensure`].
pub fn next_roots(
    dir: &Path,
    identifiers: &[&str],
    region: &str,
    now: OffsetDateTime,
) -> Result<Authorities> {
    make(&NEXT, dir, identifiers, region, now)
}

/// Makes authorities whose roots end [`SHORT_ROOT_YEARS`] after `now`.
///
/// # Errors
/// Those of [`Authorities::ensure`].
pub fn short_roots(
    dir: &Path,
    identifiers: &[&str],
    region: &str,
    now: OffsetDateTime,
) -> Result<Authorities> {
    make(&SHORT, dir, identifiers, region, now)
}

fn make(
    policies: &'static [CaPolicy; 3],
    dir: &Path,
    identifiers: &[&str],
    region: &str,
    now: OffsetDateTime,
) -> Result<Authorities> {
    let is_wanted = |identifier: &str| identifiers.contains(&identifier);
    Authorities::ensure_some(policies.each_ref(), is_wanted, dir, region, None, now)
}
