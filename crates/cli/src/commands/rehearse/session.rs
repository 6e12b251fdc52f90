//! One scenario: the copy is brought up, looked at, and the command run against it.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use pgkeep_model::DbInstance;
use tokio::time::{Instant, sleep};

use super::copy::{Copy, Ground};
use super::report::{Line, Moment, last_line};
use super::runner::{Run, Runner};
use super::scenario::{HOST, Plan, Rotation, Scenario};
use crate::commands::run_on_request::Environment;
use crate::failure::hinted;
use crate::instances::database;
use crate::progress::Steps;

/// How long a run has to connect before the certificate is changed all the same. `--help` says it.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How often the sessions are looked at meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// What is needed in every scenario.
pub(super) struct Stage {
    pub(super) command: Runner,
    pub(super) schema: Option<Runner>,
    pub(super) steps: Steps,
}

/// psql that runs a file, and ends at the first error.
pub(super) fn schema_command(file: &Path) -> anyhow::Result<Vec<OsString>> {
    File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let options = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file"];
    let options = options.into_iter().map(OsString::from);
    Ok(options.chain([std::path::absolute(file)?.into()]).collect())
}

impl Stage {
    /// Rehearses a scenario.
    pub(super) async fn rehearse(
        &mut self,
        scenario: Scenario,
        plan: &Plan,
        copy: &Copy,
        ground: &Ground,
        roots: &Path,
    ) -> anyhow::Result<Line> {
        let name = scenario.name();
        self.steps.say(&format!("{name}: making the copy"));
        let instance = copy.ready(ground, &self.steps).await?;
        let environment = environment(&instance, &ground.password, roots)?;
        self.load_schema(&environment).await?;
        let bundle = std::fs::read_to_string(roots).context("cannot read the bundle")?;
        if copy.is_trusted(&bundle).await? != scenario.must_pass() {
            bail!("the copy does not show what the scenario is for");
        }
        self.steps.say(&format!("{name}: running the command"));
        let runs = if let Some(rotation) = plan.rotation {
            self.run_across(name, rotation, copy, &environment).await?
        } else {
            self.command.begin(&environment).await?;
            vec![(Moment::Only, self.command.ended().await?)]
        };
        Ok(Line::of(scenario, runs))
    }

    /// Runs the command, gives the copy another certificate when it is connected or gone, and runs
    /// it once more.
    async fn run_across(
        &mut self,
        name: &str,
        rotation: Rotation,
        copy: &Copy,
        environment: &Environment,
    ) -> anyhow::Result<Vec<(Moment, Run)>> {
        let Self { command, steps, .. } = self;
        command.begin(environment).await?;
        let early = tokio::select! {
            run = command.ended() => Some(run?),
            connected = connected(copy) => connected.map(|()| None)?,
        };
        let rotate = async {
            copy.rotate(rotation, steps).await?;
            steps.say(&format!("{name}: clients see another certificate"));
            anyhow::Ok(())
        };
        tokio::pin!(rotate);
        let first = if let Some(run) = early {
            rotate.await?;
            (Moment::Before, run)
        } else {
            tokio::select! {
                run = command.ended() => {
                    rotate.await?;
                    (Moment::Before, run?)
                }
                rotated = &mut rotate => {
                    rotated?;
                    (Moment::Across, command.ended().await?)
                }
            }
        };
        command.begin(environment).await?;
        Ok(vec![first, (Moment::After, command.ended().await?)])
    }

    async fn load_schema(&mut self, environment: &Environment) -> anyhow::Result<()> {
        let Some(psql) = &mut self.schema else { return Ok(()) };
        let mut environment = environment.clone();
        let set = |(name, value): (&str, &str)| (name.to_owned(), Some(value.to_owned()));
        // It must get in whatever the certificate is. A file that is not there is not looked into.
        let lenient = [("PGSSLMODE", "require"), ("PGSSLROOTCERT", "/nonexistent/root.crt")];
        environment.extend(lenient.map(set));
        psql.begin(&environment).await?;
        let run = psql.ended().await.map_err(|error| {
            hinted(format!("no psql for the schema: {error}"), "apt-get install postgresql-client")
        })?;
        if run.ended.exit_code != Some(0) {
            bail!("the schema does not load: {}", last_line(&run.ended.output));
        }
        Ok(())
    }

    /// Ends what still runs.
    pub(super) async fn close(self) {
        self.command.close().await;
        if let Some(schema) = self.schema {
            schema.close().await;
        }
    }
}

/// Returns when a client is connected, or [`CONNECT_LIMIT`] is over.
async fn connected(copy: &Copy) -> anyhow::Result<()> {
    let until = Instant::now() + CONNECT_LIMIT;
    while Instant::now() < until && !copy.has_clients().await? {
        sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// What leads a client to the copy. Nothing of it says whether to verify: that is the command's.
fn environment(instance: &DbInstance, password: &str, roots: &Path) -> anyhow::Result<Environment> {
    let desired = &instance.desired;
    let (user, database) = (&desired.master_username, database(instance));
    let port = desired.port.to_string();
    let url = format!("postgresql://{user}:{password}@{HOST}:{port}/{database}");
    let roots = roots.to_str().context("the temporary folder's name is not UTF-8")?;
    let variables = [
        ("DATABASE_URL", url),
        ("PGDATABASE", database.to_owned()),
        ("PGHOST", HOST.to_owned()),
        ("PGHOSTADDR", desired.address.to_string()),
        ("PGPASSWORD", password.to_owned()),
        ("PGPORT", port),
        ("PGSSLROOTCERT", roots.to_owned()),
        ("PGUSER", user.clone()),
    ];
    let set = variables.map(|(name, value)| (name.to_owned(), Some(value)));
    // What a service file says would win over all of these.
    Ok(set.into_iter().chain([("PGSERVICE".to_owned(), None)]).collect())
}
