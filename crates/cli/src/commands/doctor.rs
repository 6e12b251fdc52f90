//! `pgkeep doctor`: what pgkeep needs, looked at one by one.

mod bundle;
mod checks;

use std::process::ExitCode;

use serde::Serialize;

use crate::args::DoctorArgs;
use crate::data_directory::DataDirectory;
use crate::output;
use crate::table;

use checks::all;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    what: &'static str,
    message: String,
    /// What to do.
    hint: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Ok, what, message: message.into(), hint: None }
    }

    fn warn(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Warn, what, message: message.into(), hint: Some(hint.into()) }
    }

    fn fail(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(what, message, hint) }
    }

    fn render(&self) -> String {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        };
        let hint = self.hint.iter().map(|hint| format!("      hint: {hint}\n"));
        format!("{level:<4}  {}: {}\n", self.what, self.message) + &hint.collect::<String>()
    }
}

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let findings = match &args.bundle {
        Some(bundle) => bundle::findings(&DataDirectory::open(&args.data)?, bundle)?,
        None => all(args)?,
    };
    if args.json.json {
        table::print_json(&findings)?;
    } else {
        output::write(findings.iter().map(Finding::render).collect::<String>())?;
    }
    let failed = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
