//! `pgkeep engines`: the PostgreSQL releases of this machine, and those to be had.

use nix::unistd::{Uid, geteuid};
use pgkeep_model::{Clock as _, EngineSource};
use pgkeep_postgres::{Engine, EngineCatalogue, EngineChoice, RefusedEngine};
use serde::Serialize;
use std::os::unix::fs::MetadataExt as _;
use time::Date;

use crate::args::{EngineArgs, EnginesArgs, EnginesCommand};
use crate::clock::SystemClock;
use crate::failure::render_chain;
use crate::os_user::OsUser;
use crate::output;
use crate::progress::download_bar;
use crate::startup::{catalogue, engines_folder, ensure_engines_folder};
use crate::table::{self, Row};

pub(super) fn run(args: &EnginesArgs) -> anyhow::Result<()> {
    match &args.command {
        None => list(args),
        Some(EnginesCommand::Install(install)) => {
            let engines = open(&install.engines)?;
            let choice = engines.scan().find(Some(&install.version))?;
            let engine = ensure(&engines, choice)?;
            let (version, folder) = (engine.version, engine.bin_dir.display());
            output::write(format!("PostgreSQL {version} is in {folder}\n"))
        }
    }
}

/// The engine of a choice, downloaded under a progress bar if need be.
pub(super) fn ensure(engines: &EngineCatalogue, choice: EngineChoice) -> anyhow::Result<Engine> {
    let mut bar = download_bar(choice.version);
    Ok(engines.ensure(choice.source, choice.version, &mut bar)?)
}

/// As root the folder's owner does the work, who also is the one to run engines.
fn open(args: &EngineArgs) -> anyhow::Result<EngineCatalogue> {
    let engines = catalogue(args)?;
    if geteuid().is_root() {
        let folder = engines_folder(args)?;
        let owner = std::fs::metadata(&folder).map(|about| Uid::from_raw(about.uid()));
        let owner = owner.ok().filter(|owner| !owner.is_root());
        let user = match owner.map(OsUser::of_uid).transpose()?.flatten() {
            Some(owner) => owner,
            None => OsUser::unprivileged(None)?,
        };
        ensure_engines_folder(&folder, &user)?;
        user.become_for_good()?;
    }
    Ok(engines)
}

fn list(args: &EnginesArgs) -> anyhow::Result<()> {
    let engines = open(&args.engines)?.scan();
    let today = SystemClock.now().date();
    let installed = engines.offered.iter().map(|engine| Line::installed(engine, today));
    let available = engines.available.iter().map(|version| Line {
        version: Some(version.to_string()),
        source: "embedded",
        state: "download",
        openssl: None,
        note: None,
        path: None,
    });
    let refused = engines.refused.iter().map(Line::refused);
    let rows: Vec<Line> = installed.chain(available).chain(refused).collect();
    table::print(&rows, args.json.json, "There are no engines for this machine.")
}

#[derive(Serialize)]
struct Line {
    version: Option<String>,
    source: &'static str,
    state: &'static str,
    openssl: Option<String>,
    /// A warning, or why it is refused.
    note: Option<String>,
    path: Option<String>,
}

impl Line {
    fn installed(engine: &Engine, today: Date) -> Self {
        let source = match engine.source {
            EngineSource::System => "system",
            EngineSource::Embedded => "embedded",
        };
        Self {
            version: Some(engine.version.to_string()),
            source,
            state: "installed",
            openssl: Some(engine.openssl.text.clone()),
            note: engine.openssl_warning(today),
            path: Some(engine.bin_dir.display().to_string()),
        }
    }

    fn refused(refused: &RefusedEngine) -> Self {
        Self {
            version: None,
            source: "unknown",
            state: "refused",
            openssl: None,
            note: Some(render_chain(&refused.reason)),
            path: Some(refused.path.display().to_string()),
        }
    }
}

impl Row for Line {
    const HEADS: &'static [&'static str] =
        &["VERSION", "SOURCE", "STATE", "OPENSSL", "FOLDER", "NOTE"];

    fn cells(&self) -> Vec<String> {
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            shown(&self.version),
            self.source.to_owned(),
            self.state.to_owned(),
            shown(&self.openssl),
            shown(&self.path),
            self.note.clone().unwrap_or_default(),
        ]
    }
}
