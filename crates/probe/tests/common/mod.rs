//! What the tests of the probe share: certificates, a PostgreSQL server to look at, and what is
//! expected of one that is wrong.

#![allow(dead_code, reason = "no test uses all of it")]

pub mod case;
pub mod pki;
pub mod proxy;
pub mod server;
pub mod stranger;

use std::time::Duration;

/// Far more than any question takes on loopback.
pub const WITHIN: Duration = Duration::from_secs(20);
