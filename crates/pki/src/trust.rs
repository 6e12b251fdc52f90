//! Until when clients verify that trust some roots of an authority, and not those that follow.

use time::OffsetDateTime;

use crate::CertificateInfo;
use crate::profile::add_years;

/// Until when clients that hold `trusted` verify all that an authority signs; none if they do not
/// even now. `roots` are the authority's, in the order of making, the first being the one that
/// vouches for what is served now.
///
/// That is until the first root that they lack may sign, one that is not made yet included: when
/// the root before it no longer covers a whole subordinate, which has `subordinate_years`. Not
/// before, whatever happens.
pub fn trusted_until(
    subordinate_years: u16,
    roots: &[CertificateInfo],
    trusted: &[CertificateInfo],
) -> Option<OffsetDateTime> {
    let is_trusted = |root: &&CertificateInfo| {
        trusted.iter().any(|it| it.fingerprint_sha256 == root.fingerprint_sha256)
    };
    let last = roots.iter().take_while(is_trusted).last()?;
    add_years(last.not_after, -i32::from(subordinate_years))
}
