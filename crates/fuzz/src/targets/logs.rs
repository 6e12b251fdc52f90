//! The log of a server, which clients write names into.

use pgkeep_postgres::fuzzing::count_connections;

/// However far the log had grown when it was first read, in the end the same was counted.
pub(super) fn connections(bytes: &[u8]) {
    let Some((place, log)) = bytes.split_first() else {
        return;
    };
    let length = log.len() * usize::from(*place) / 256;
    assert_eq!(count_connections(log, &[length]), count_connections(log, &[]));
}
