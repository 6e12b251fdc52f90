//! What the tests of the probe share: certificates, and a PostgreSQL server to look at.

pub mod pki;
pub mod server;

use std::time::Duration;

/// Far more than any question takes on loopback.
pub const WITHIN: Duration = Duration::from_secs(20);
