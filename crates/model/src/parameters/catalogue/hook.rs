//! Values that are within what a parameter allows, and that PostgreSQL refuses all the same.
//!
//! Source: the check hooks of `guc_tables.c`. Their rules are in no view of the server.

/// Whether the hook of a parameter takes a number, in the parameter's unit.
pub(super) fn takes(name: &str, number: i128) -> bool {
    match name {
        // `check_vacuum_buffer_usage_limit`: nothing, or 128 kB and more.
        "vacuum_buffer_usage_limit" => number == 0 || number >= 128,
        // `check_slru_buffers`: whole banks of 16 pages.
        "commit_timestamp_buffers"
        | "multixact_member_buffers"
        | "multixact_offset_buffers"
        | "notify_buffers"
        | "serializable_buffers"
        | "subtransaction_buffers"
        | "transaction_buffers" => number % 16 == 0,
        _ => true,
    }
}

/// Whether the hook of a list parameter takes these words together.
pub(super) fn takes_together(name: &str, words: &[&str]) -> bool {
    // `check_datestyle`: one style, one order.
    let is_one = |kind: &[&str]| {
        let mut chosen = words.iter().filter(|word| kind.contains(word));
        let first = chosen.next();
        chosen.all(|word| Some(word) == first)
    };
    name != "datestyle"
        || (is_one(&["ISO", "SQL", "POSTGRES", "GERMAN"]) && is_one(&["MDY", "DMY", "YMD"]))
}
