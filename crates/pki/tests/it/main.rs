//! What the authorities make, judged by the openssl command and by the file system.
//!
//! One binary, as making RSA-4096 keys takes seconds: all tests share one set of authorities.

#[cfg(test)]
mod bundle;
#[cfg(test)]
mod folder;
#[cfg(test)]
mod generations;
#[cfg(test)]
mod hierarchy;
#[cfg(test)]
mod info;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod leaf;
#[cfg(test)]
mod own;
mod pair;
#[cfg(test)]
mod rehearsal;
mod revoked;
#[cfg(test)]
mod support;
