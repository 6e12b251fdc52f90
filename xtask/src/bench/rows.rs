//! Ten thousand instances in the state file beside a hundred: no request takes longer for those
//! that it does not ask about.
//!
//! All but one are copies of the row of an instance that was made, and stopped, through the API.
//! Nothing runs for a stopped instance, so ten thousand need no servers.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use pgkeep_model::{DbInstance, DbiResourceId, Event, EventCategory, EventSource};
use pgkeep_store::Store;
use rustix::process::Signal;

use super::control_plane::{ControlPlane, Restart};
use super::create::newest_system_engine;
use super::growth::Growth;
use super::load::{describe_all, scrape};
use super::median;
use super::process::{IDLE, idle_ms_per_s, resident_mb};
use super::report::{Figures, Row};
use super::requests::requests;
use crate::os_user::OsUser;

const FEW: usize = 100;
const MANY: usize = 10_000;
/// The same request in a turn: together they take long enough for the clock.
const REQUESTS: u32 = 20;
/// How much longer the same answer may take among many. What is indexed takes a step or two more.
const AS_LONG: f64 = 2.0;
const PAUSE: Duration = Duration::from_millis(2);
/// The instance that is made and deleted.
const NEW: &str = "new";

/// A control plane with so many instances.
struct Crowd {
    plane: ControlPlane,
    size: usize,
    restart: Restart,
}

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Figures> {
    let (major, _) = newest_system_engine()?;
    eprintln!("== rows: {FEW} and {MANY} instances in the state, {repetitions} times");
    let few = Crowd::gather(pgkeep, &major, FEW).await?;
    let many = Crowd::gather(pgkeep, &major, MANY).await?;
    let at_rest = Instant::now();
    let mut rows = Vec::new();
    for (few_asked, many_asked) in requests(FEW).iter().zip(requests(MANY)) {
        let (mut among_few, mut among_many) = (Vec::new(), Vec::new());
        for _ in 0..repetitions {
            among_few.push(few_asked.time(&few.plane.api, REQUESTS)?);
            among_many.push(many_asked.time(&many.plane.api, REQUESTS)?);
        }
        rows.push(compare(few_asked.name, among_few, among_many));
    }
    let (mut among_few, mut among_many) = ([const { Vec::new() }; 4], [const { Vec::new() }; 4]);
    for _ in 0..repetitions {
        for (crowd, all) in [(&few, &mut among_few), (&many, &mut among_many)] {
            let once = crowd.make_and_delete(&major).await?;
            all.iter_mut().zip(once).for_each(|(all, once)| all.push(once));
        }
    }
    let names =
        ["CreateDBInstance", "until it is available", "DeleteDBInstance", "until it is gone"];
    for ((name, among_few), among_many) in names.iter().zip(among_few).zip(among_many) {
        rows.push(compare(name, among_few, among_many));
    }
    // The first look reads what the start has left to read.
    tokio::time::sleep(IDLE.saturating_sub(at_rest.elapsed())).await;
    let idle = tokio::join!(idle_ms_per_s(few.plane.pid()), idle_ms_per_s(many.plane.pid()));
    let mut growth = Growth::new(
        "instances in the state, stopped",
        &[
            ("start, until the API answers", "ms"),
            ("start, until all were looked at", "ms"),
            ("DescribeDBInstances, all", "ms"),
            ("one scrape of /metrics", "ms"),
            ("memory of pgkeep serve", "MB"),
            ("processor time at idle", "ms/s"),
        ],
    );
    for (crowd, idle) in [(&few, idle.0?), (&many, idle.1?)] {
        growth.add(crowd.size, crowd.figures(idle)?);
    }
    Ok(Figures { rows, growths: vec![growth] })
}

fn compare(name: &str, few: Vec<Duration>, many: Vec<Duration>) -> Row {
    let (few, many) = (median(few), median(many));
    eprintln!("{name}: {few:.2?} among {FEW}, {many:.2?} among {MANY}");
    let name = format!("{name}, {MANY} instances");
    Row::slower(&name, many, (&format!("{FEW} instances"), few), Some(AS_LONG))
}

impl Crowd {
    /// Makes one instance, stops it, and copies its row.
    async fn gather(pgkeep: &Path, major: &str, size: usize) -> Result<Self> {
        let mut plane = ControlPlane::start(pgkeep, &OsUser::find()?, 1).await?;
        let family = format!("postgres{major}");
        let group = ("DBParameterGroupName", "bench");
        let about = [group, ("DBParameterGroupFamily", &*family), ("Description", "bench")];
        plane.api.call("CreateDBParameterGroup", &about)?;
        plane.create("bench-0", major, &[group])?;
        plane.until_available("bench-0", PAUSE).await?;
        plane.api.call("StopDBInstance", &[("DBInstanceIdentifier", "bench-0")])?;
        plane.until_is("bench-0", ("DBInstanceStatus", "stopped"), PAUSE).await?;
        plane.end(Signal::TERM)?;
        copy_rows(&plane.state_file(), &format!("default.postgres{major}"), size)?;
        let restart = plane.start_again(size).await?;
        Ok(Self { plane, size, restart })
    }

    /// How long it takes to create one more, until it is available, to delete it, and until it is
    /// gone.
    async fn make_and_delete(&self, major: &str) -> Result<[Duration; 4]> {
        let begun = Instant::now();
        self.plane.create(NEW, major, &[])?;
        let created = begun.elapsed();
        self.plane.until_available(NEW, PAUSE).await?;
        let available = begun.elapsed();
        let begun = Instant::now();
        self.plane.ask_to_delete(NEW)?;
        let deleted = begun.elapsed();
        self.plane.until_gone(NEW, PAUSE).await?;
        let gone = begun.elapsed();
        self.plane.until_stocked().await?;
        Ok([created, available, deleted, gone])
    }

    /// What is expected to grow, in the order of the table.
    fn figures(&self, idle_ms_per_s: f64) -> Result<Vec<f64>> {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let Restart { answers, adopted } = self.restart;
        let all = describe_all(&self.plane.api, self.size)?;
        let scrape = scrape(&self.plane.api, 0)?;
        let resident = resident_mb(self.plane.pid())?;
        Ok(vec![ms(answers), ms(adopted), ms(all), ms(scrape), resident, idle_ms_per_s])
    }
}

/// Adds copies of the one row there is until there are `size`, each with an event.
fn copy_rows(state_file: &Path, group: &str, size: usize) -> Result<()> {
    let store = Store::open(state_file)?;
    let first = store.instances()?.pop().context("there is no instance to copy")?;
    let (identifier, at) = (first.desired.identifier.as_str(), first.created_at);
    let domain = first.desired.endpoint.trim_start_matches(identifier);
    let copies = (1..size).map(|number| copy(&first, number, domain, group));
    let copies = copies.collect::<Result<Vec<_>>>()?;
    store.durably(|state| {
        for instance in &copies {
            state.insert_instance(instance, at)?;
            state.append_events(&[Event {
                source: EventSource::DbInstance,
                source_identifier: instance.desired.identifier.to_string(),
                source_arn: arn(instance.desired.identifier.as_str()),
                category: EventCategory::Notification,
                message: "DB instance stopped.".to_owned(),
                at,
            }])?;
        }
        Ok(())
    })?;
    let count = store.instances()?.len();
    ensure!(count == size, "{count} rows instead of {size}");
    Ok(())
}

fn copy(first: &DbInstance, number: usize, domain: &str, group: &str) -> Result<DbInstance> {
    let mut copy = first.clone();
    let identifier = format!("bench-{number}");
    let [.., high, low] = number.to_be_bytes();
    // Beside the range that new instances get theirs from.
    copy.desired.address = Ipv4Addr::new(127, 76, high, low).into();
    copy.desired.endpoint = format!("{identifier}{domain}");
    copy.desired.identifier = identifier.parse()?;
    group.clone_into(&mut copy.desired.parameter_group);
    if let Some(parameters) = &mut copy.applied.parameters {
        group.clone_into(&mut parameters.group);
    }
    copy.resource_id = resource_id(number);
    if let Some(certificate) = &mut copy.applied.certificate {
        certificate.endpoint.clone_from(&copy.desired.endpoint);
        certificate.serial = format!("{number:032x}");
    }
    copy.applied.proved.clone_from(&copy.applied.certificate);
    Ok(copy)
}

/// The resource id of a copy.
pub(super) fn resource_id(number: usize) -> DbiResourceId {
    let mut bytes = [0; 17];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    DbiResourceId::from_random(bytes)
}

/// The resource name of a copy, in the region and account that are pgkeep's own.
pub(super) fn arn(identifier: &str) -> String {
    format!("arn:aws:rds:us-east-1:123456789012:db:{identifier}")
}
