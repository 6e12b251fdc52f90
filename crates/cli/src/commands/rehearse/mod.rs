//! `pgkeep rehearse`: a command against copies of a DB instance whose TLS is about to change, or
//! is wrong.
//!
//! Each copy is a real server that a control plane of its own made and proved, with authorities
//! that exist for the rehearsal only: nothing of the installation is written. Before the command
//! runs, pgkeep connects itself as a client that verifies, so that what the table expects of one
//! was seen and is no claim. Scenarios follow one another, for commands seldom bear company.

mod copy;
mod junit;
mod original;
mod report;
mod runner;
mod scenario;
mod session;
mod signers;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::stat::Mode;
use pgkeep_model::{Clock as _, DbInstanceIdentifier};
use pgkeep_postgres::{EngineCatalogue, Layout};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::serve::start_log;
use crate::args::RehearseArgs;
use crate::clock::SystemClock;
use crate::credentials::random_text;
use crate::data_directory::DataDirectory;
use crate::failure::{Hint as _, hinted, wrong_use};
use crate::os_user::OsUser;
use crate::plane::runtime;
use crate::progress::Steps;
use crate::startup::catalogue;
use crate::{output, table};
use copy::Ground;
use original::Original;
use report::{Line, Report};
use runner::Runner;
use scenario::{Plan, Scenario};
use session::Stage;
use signers::Signers;

/// Letters and digits need no escape in a URL.
const PASSWORD_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// The folder of a copy.
const COPY: &str = "copy";
/// More than this a run of psql with a schema does not take.
const SCHEMA_LIMIT: Duration = Duration::from_hours(1);

pub(super) fn run(args: &RehearseArgs, umask: Mode) -> anyhow::Result<ExitCode> {
    let (asked, id) = parse(&args.names)?;
    start_log("error")?;
    // With the rights of the person who typed it, which are given up next.
    let junit = args.junit.as_deref().map(|path| create(path, umask)).transpose()?;
    let command = runner::start(&args.command, umask)?;
    let schema = args.schema.as_deref().map(session::schema_command).transpose()?;
    let schema = schema.map(|psql| runner::start(&psql, umask)).transpose()?;
    let engines = catalogue(&args.engines)?;
    let data = DataDirectory::open(&args.data)?;
    let timeout = Duration::from_secs(args.timeout);
    let report = runtime()?.block_on(async {
        let rehearsal = Rehearsal { data, id, asked, engines, timeout };
        Box::pin(rehearsal.run(command, schema)).await
    })?;
    if let Some(mut junit) = junit {
        junit.write_all(junit::render(&report).as_bytes()).context("cannot write JUnit XML")?;
    }
    if args.json.json {
        table::print_json(&report)?;
    } else {
        output::write(report.render())?;
    }
    Ok(if report.as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes a file as any other program would.
fn create(path: &Path, umask: Mode) -> anyhow::Result<File> {
    let own = nix::sys::stat::umask(umask);
    let file = File::create(path);
    nix::sys::stat::umask(own);
    file.with_context(|| format!("cannot write {}", path.display()))
}

/// The scenarios, none for all, and the instance.
fn parse(names: &[String]) -> anyhow::Result<(Vec<Scenario>, DbInstanceIdentifier)> {
    let (id, names) = names.split_last().context("no DB instance identifier")?;
    let mut asked = Vec::new();
    for name in names {
        let known = Scenario::named(name).ok_or_else(|| {
            let all = Scenario::ALL.map(Scenario::name).join(", ");
            wrong_use(format!("there is no scenario {name}"), format!("choose from {all}"))
        })?;
        if !asked.contains(&known) {
            asked.push(known);
        }
    }
    let id = id.parse().map_err(|error: pgkeep_model::InvalidParameter| {
        wrong_use(error, "the DB instance identifier comes last, before --")
    })?;
    Ok((asked, id))
}

/// What is to be rehearsed.
struct Rehearsal {
    data: DataDirectory,
    id: DbInstanceIdentifier,
    asked: Vec<Scenario>,
    engines: EngineCatalogue,
    timeout: Duration,
}

impl Rehearsal {
    async fn run(self, command: Child, schema: Option<Child>) -> anyhow::Result<Report> {
        let interrupted = interrupted()?;
        tokio::pin!(interrupted);
        let folder = tempfile::Builder::new().prefix("pgkeep-rehearse-").tempdir();
        let folder = folder.context("cannot make a temporary folder").hint(|| {
            "let TMPDIR name a folder that the owner of the data directory can use".to_owned()
        })?;
        Layout::socket_names_fit(&folder.path().join(COPY)).map_err(|longest| {
            let message = "the temporary folder's path is too long for Unix sockets below it";
            hinted(message, format!("let TMPDIR name a folder; in all {longest} bytes fit"))
        })?;
        let steps = Steps::new();
        let mut stage = Stage {
            command: Runner::of(command, self.timeout)?,
            schema: schema.map(|schema| Runner::of(schema, SCHEMA_LIMIT)).transpose()?,
            steps,
        };
        let done = self.rehearse(&mut stage, &folder, &mut interrupted).await;
        stage.close().await;
        folder.close().context("cannot remove the temporary folder")?;
        done
    }

    async fn rehearse(
        self,
        stage: &mut Stage,
        folder: &TempDir,
        interrupted: &mut (impl Future<Output = ()> + Unpin),
    ) -> anyhow::Result<Report> {
        let original = Original::read(&self.data, &self.id, &self.engines).await?;
        let plans = self.plans(&original)?;
        stage.steps.say("Making the authorities of the rehearsal");
        let path = folder.path().to_owned();
        let made = tokio::task::spawn_blocking(move || {
            let needed: Vec<&Plan> =
                plans.iter().filter_map(|(_, plan)| plan.as_ref().ok()).collect();
            let signers = Signers::make(&path, &original, &needed, SystemClock.now());
            signers.map(|signers| (original, plans, signers))
        });
        let (original, plans, signers) = made.await.context("cannot make the authorities")??;
        if original.roles.is_none() {
            stage.steps.say("Its server does not answer: copies have no roles but the master user");
        }
        let ground = Ground {
            original,
            engines: Arc::new(self.engines),
            os_user: OsUser::current()?.name,
            password: random_text::<32>(PASSWORD_DIGITS)?,
        };
        let mut lines = Vec::new();
        for (scenario, plan) in plans {
            let line = match plan {
                Err(reason) => Line::left_out(scenario, reason),
                Ok(plan) => {
                    let path = folder.path().join(COPY);
                    let bundle = signers.bundle(scenario);
                    let roots = folder.path().join(format!("{}.pem", scenario.name()));
                    std::fs::write(&roots, &bundle).context("cannot write the bundle")?;
                    let signers = signers.of(plan.signer).context("no such authority")?;
                    let copy = ground.begin_copy(&path, &plan, signers)?;
                    let rehearsed = tokio::select! {
                        line = stage.rehearse(scenario, &plan, &copy, &ground, &roots) => line,
                        () = &mut *interrupted => Err(anyhow::anyhow!("interrupted")),
                    };
                    copy.end().await?;
                    rehearsed.with_context(|| format!("cannot rehearse {}", scenario.name()))?
                }
            };
            lines.push(line);
        }
        let desired = &ground.original.instance.desired;
        Ok(Report::of(&desired.identifier, desired.engine_version, lines))
    }

    /// What each scenario is to be, or why it does not apply, which is wrong use of a name.
    fn plans(&self, original: &Original) -> anyhow::Result<Vec<(Scenario, Result<Plan, String>)>> {
        let all = self.asked.is_empty();
        let scenarios = if all { &Scenario::ALL[..] } else { &self.asked };
        let plans = scenarios.iter().map(|scenario| (*scenario, scenario.plan(original)));
        let plans: Vec<_> = plans.collect();
        match plans.iter().find_map(|(it, plan)| Some((it, plan.as_ref().err()?))) {
            Some((scenario, reason)) if !all => Err(wrong_use(
                format!("{} does not apply to {}: {reason}", scenario.name(), self.id),
                "leave it out",
            )),
            _ => Ok(plans),
        }
    }
}

/// Resolves at the first signal that is to end pgkeep. Further ones change nothing: copies are
/// being removed, which takes a moment.
fn interrupted() -> anyhow::Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let mut terminate = listen(SignalKind::terminate())?;
    let (mut interrupt, mut hangup) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {},
            _ = interrupt.recv() => {},
            _ = hangup.recv() => {},
        }
    })
}
