//! What the fuzz targets reach of this crate's inside; in no other build.

use std::path::Path;

use pgkeep_model::Sightings;

/// Whether the engine in a tar archive could be unpacked into an empty folder.
pub fn unpack_engine(tar: &[u8], folder: &Path) -> bool {
    crate::engine::unpack_tar(tar, Path::new("archive"), folder).is_ok()
}

/// The connections in a log that is read when it has grown to each of these lengths, and then to
/// its end.
pub fn count_connections(log: &[u8], lengths: &[usize]) -> Sightings {
    let mut seen = Sightings::default();
    let mut done = 0;
    for length in lengths.iter().copied().chain([log.len()]) {
        let starts_line = done == 0 || log[done - 1] == b'\n';
        let is_whole = length == log.len();
        done += crate::connections::scan(&log[done..length], starts_line, is_whole, &mut seen);
    }
    seen
}

/// A value as it stands in `postgresql.conf`.
pub fn quote(value: &str) -> String {
    crate::conf::quote(value)
}
