//! Tables for people, JSON for programs: the same rows.

use comfy_table::{ContentArrangement, Table, presets};
use pgkeep_model::Client;
use serde::Serialize;

use crate::output;

/// A row of a table.
pub(crate) trait Row: Serialize {
    /// The heads of the columns.
    const HEADS: &'static [&'static str];
    /// The cells, one for each head.
    fn cells(&self) -> Vec<String>;
}

/// Prints rows as a table or as a JSON array; `none` is said of an empty table.
pub(crate) fn print<R: Row>(rows: &[R], json: bool, none: &str) -> anyhow::Result<()> {
    if json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        return output::write(format!("{none}\n"));
    }
    let heads = R::HEADS.iter().map(ToString::to_string).collect();
    output::write(render(heads, rows.iter().map(Row::cells)))
}

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    output::write(render_json(value)?)
}

/// A value as JSON.
pub(crate) fn render_json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// A text that others chose. A terminal takes control characters for commands.
pub(crate) fn printable(text: &str) -> String {
    let shown = |one: char| {
        if one.is_control() { one.escape_default().collect() } else { one.to_string() }
    };
    text.chars().map(shown).collect()
}

/// A name in a cell.
fn name(name: &str) -> String {
    if name.is_empty() { "-".to_owned() } else { printable(name) }
}

/// The heads of a client's cells.
pub(crate) const CLIENT_HEADS: [&str; 4] = ["USER", "DATABASE", "APPLICATION", "ADDRESS"];

/// What tells a client from others.
pub(crate) fn client_cells(client: &Client) -> Vec<String> {
    [&client.user, &client.database, &client.application, &client.address]
        .map(|it| name(it))
        .to_vec()
}

/// Lines of cells below each other, as wide as they need to be: what is copied must be whole.
pub(crate) fn render(first: Vec<String>, rest: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.add_row(first);
    for cells in rest {
        table.add_row(cells);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}
