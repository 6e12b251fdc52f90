//! `pgkeep logs`: an instance's own log files.

use anyhow::Context as _;
use pgkeep_postgres::{Layout, LogFile, log_files, log_portion, tail_start};
use serde::Serialize;

use crate::args::LogsArgs;
use crate::data_directory::DataDirectory;
use crate::failure::{Hint as _, hinted};
use crate::instances::{find, render_time};
use crate::output;
use crate::table::{self, Row};

/// Bytes read at once.
const PORTION: usize = 1 << 20;
/// How far back the last lines are looked for, in bytes.
const LOOK_BACK: usize = 64 << 20;

pub(super) fn run(args: &LogsArgs) -> anyhow::Result<()> {
    let data = DataDirectory::open(&args.data)?;
    let instance = find(&data.state()?, &args.instance)?;
    let files = Layout::ensure(data.path())?.instance(&instance.resource_id);
    let logs = log_files(&files)?;
    if args.list {
        let rows: Vec<Line> = logs.iter().map(Line::of).collect();
        return table::print(&rows, args.json, "There are no log files.");
    }
    let newest = || logs.iter().max_by_key(|log| log.written_at).map(|log| log.name.clone());
    let name = args.file.clone().or_else(newest);
    let name = name.with_context(|| format!("{} has no log yet", args.instance))?;
    if !logs.iter().any(|log| log.name == name) {
        let list = format!("pgkeep logs {} --list", args.instance);
        return Err(hinted(format!("{} has no log file {name}", args.instance), list));
    }
    let mut start = match args.lines {
        Some(lines) => tail_start(&files, &name, lines, LOOK_BACK)?,
        None => 0,
    };
    loop {
        let portion = log_portion(&files, &name, start, usize::MAX, PORTION)
            .hint(|| "the file may have been rotated away: try again".to_owned())?;
        output::write(&portion.text)?;
        if !portion.more || portion.end == start {
            return Ok(());
        }
        start = portion.end;
    }
}

#[derive(Serialize)]
struct Line {
    name: String,
    written_at: String,
    size_bytes: u64,
}

impl Line {
    fn of(log: &LogFile) -> Self {
        let written_at = render_time(log.written_at);
        Self { name: log.name.clone(), written_at, size_bytes: log.size }
    }
}

impl Row for Line {
    const HEADS: &'static [&'static str] = &["NAME", "LAST WRITTEN", "BYTES"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.written_at.clone(), self.size_bytes.to_string()]
    }
}
