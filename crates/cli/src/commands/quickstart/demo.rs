//! The DB instance `demo`: made through the API or adopted, and looked at as a client would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use pgkeep_model::{Clock as _, DbInstance, DbInstanceIdentifier, EngineVersion, InstanceStatus};
use pgkeep_probe::{Certificate, PlaintextAnswer, Trust, Versions, handshake, plaintext};
use pgkeep_query::Secret;
use pgkeep_workflow::Control;

use super::report::Report;
use super::session::{Login, Session};
use crate::api_client::ApiClient;
use crate::clock::SystemClock;
use crate::credentials::random_text;
use crate::data_directory::DataDirectory;
use crate::failure::hinted;
use crate::instances::{database, days_between};
use crate::progress::Steps;

const NAME: &str = "demo";
const MASTER: &str = "postgres";
/// 6 bits a character; none of those that the service refuses in a password.
const PASSWORD_DIGITS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
/// How often the state is looked at while it is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long to wait; crash recovery may take minutes.
const WAIT_LIMIT: Duration = Duration::from_mins(10);
/// How long an answer on loopback may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What is needed to show the instance.
pub(super) struct Demo {
    pub(super) client: ApiClient,
    pub(super) control: Arc<Control>,
    pub(super) data: DataDirectory,
    /// The exact version for a new instance.
    pub(super) version: String,
    pub(super) version_asked: Option<String>,
    pub(super) names_published: bool,
}

impl Demo {
    /// Brings the instance up and connects to it.
    pub(super) async fn show(&self, steps: &Steps) -> anyhow::Result<Report> {
        let password = Secret::from(random_text::<24>(PASSWORD_DIGITS)?);
        let instance = self.ensure(&password, steps).await?;
        steps.say("Connecting with sslmode=verify-full");
        self.look(instance, password).await
    }

    /// The instance, available, with this password.
    async fn ensure(&self, password: &Secret, steps: &Steps) -> anyhow::Result<DbInstance> {
        let present = self.wait(steps, |instance| match instance {
            None => true,
            Some(it) => it.status == InstanceStatus::Stopped || is_settled(it),
        });
        let Some(found) = present.await? else {
            let password = password.expose();
            self.call(
                "CreateDBInstance",
                &[
                    ("Engine", "postgres"),
                    ("EngineVersion", &self.version),
                    ("DBInstanceClass", "db.t3.micro"),
                    ("AllocatedStorage", "20"),
                    ("MasterUsername", MASTER),
                    ("MasterUserPassword", password),
                ],
            )
            .await?;
            return self.available(steps).await;
        };
        self.check_version(found.desired.engine_version)?;
        if found.status == InstanceStatus::Stopped {
            self.call("StartDBInstance", &[]).await?;
            self.available(steps).await?;
        }
        let parameters = [("MasterUserPassword", password.expose()), ("ApplyImmediately", "true")];
        self.call("ModifyDBInstance", &parameters).await?;
        self.available(steps).await
    }

    async fn available(&self, steps: &Steps) -> anyhow::Result<DbInstance> {
        let found = self.wait(steps, |instance| instance.is_none_or(is_settled)).await?;
        let found = found.context("demo was deleted meanwhile")?;
        if found.status == InstanceStatus::Available {
            return Ok(found);
        }
        let error = self.last_error(&found)?.unwrap_or_default();
        let message = format!("demo is {}: {error}", found.status);
        Err(hinted(message, format!("pgkeep logs {NAME} --data-dir {}", self.shown_data())))
    }

    /// Waits until the instance, or its absence, is `wanted`.
    async fn wait(
        &self,
        steps: &Steps,
        wanted: impl Fn(Option<&DbInstance>) -> bool,
    ) -> anyhow::Result<Option<DbInstance>> {
        let name: DbInstanceIdentifier = NAME.parse()?;
        let polling = async {
            loop {
                let found = self.control.store().read(|state| state.instance(&name))?;
                if wanted(found.as_ref()) {
                    return Ok(found);
                }
                if let Some(found) = &found {
                    let error = self.last_error(found)?;
                    let error = error.map(|error| format!(" ({error})")).unwrap_or_default();
                    steps.say(&format!("{NAME}: {}{error}", found.status));
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        let outcome = tokio::time::timeout(WAIT_LIMIT, polling).await;
        outcome.with_context(|| format!("demo did not get there in {} s", WAIT_LIMIT.as_secs()))?
    }

    fn last_error(&self, instance: &DbInstance) -> anyhow::Result<Option<String>> {
        Ok(self.control.store().read(|state| state.last_error(&instance.resource_id))?)
    }

    fn check_version(&self, present: EngineVersion) -> anyhow::Result<()> {
        let asked = self.version_asked.as_deref();
        let fits = asked
            .is_none_or(|asked| asked == present.major.to_string() || asked == present.to_string());
        if fits {
            return Ok(());
        }
        let message = format!("demo exists with PostgreSQL {present}");
        Err(hinted(message, "leave --engine-version out, or name another --data-dir"))
    }

    /// Looks at the endpoint in three ways: a session, a handshake, a try without TLS.
    async fn look(&self, instance: DbInstance, password: Secret) -> anyhow::Result<Report> {
        let desired = &instance.desired;
        let address = SocketAddr::new(desired.address, desired.port);
        let roots_pem = self.control.authorities().bundle_pem();
        let login = Login {
            endpoint: &desired.endpoint,
            address,
            user: &desired.master_username,
            database: database(&instance),
            password: &password,
            roots_pem: &roots_pem,
        };
        let session = Session::open(&login).await?;
        let judged_at = SystemClock.now();
        let trust = Some(Trust { roots_pem: &roots_pem, judged_at });
        let name = &desired.endpoint;
        let seen = handshake(address, name, trust, Versions::default(), ANSWER_LIMIT).await?;
        let leaf = seen.chain.first().context("the endpoint shows no certificate")?;
        let certificate = Certificate::from_der(leaf)?;
        let answer = plaintext(address, login.user, login.database, ANSWER_LIMIT).await?;
        Ok(Report {
            days_left: days_between(judged_at, certificate.not_after),
            force_ssl: instance.force_ssl(),
            plaintext_refused: matches!(answer, PlaintextAnswer::RefusedBeforeAuthentication(_)),
            plaintext: answer.to_string(),
            certificate,
            alpn: seen.alpn,
            session,
            instance,
            password,
            api: self.client.address,
            names_published: self.names_published,
            bundle: self.data.bundle_pem(),
            data: self.data.path().to_owned(),
        })
    }

    async fn call(&self, action: &'static str, further: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut parameters = vec![("DBInstanceIdentifier".to_owned(), NAME.to_owned())];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        parameters.extend(further.iter().map(owned));
        let client = self.client.clone();
        let called = tokio::task::spawn_blocking(move || {
            let parameters: Vec<(&str, &str)> =
                parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
            client.call(action, &parameters)
        });
        match called.await {
            Ok(answer) => answer.map(drop),
            Err(_) => bail!("the call of {action} broke off"),
        }
    }

    fn shown_data(&self) -> String {
        self.data.path().display().to_string()
    }
}

/// Whether the driver is done with an instance that is to run.
fn is_settled(instance: &DbInstance) -> bool {
    matches!(
        instance.status,
        InstanceStatus::Available | InstanceStatus::Failed | InstanceStatus::IncompatibleParameters
    )
}
