//! The parts of the test of `docs/wire.md`.

pub(crate) mod openssl;
pub(crate) mod page;
pub(crate) mod reference;
pub(crate) mod seen;
