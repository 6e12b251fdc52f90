//! `pgkeep ls`: the DB instances, from the state file, whether pgkeep runs or not.

use pgkeep_model::{Clock as _, DbInstance};
use serde::Serialize;
use time::OffsetDateTime;

use crate::args::LsArgs;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::instances::days_between;
use crate::table::{self, Row};

pub(super) fn run(args: &LsArgs) -> anyhow::Result<()> {
    let data = DataDirectory::open(&args.data)?;
    let instances = data.instances()?;
    let now = SystemClock.now();
    let rows: Vec<Line> = instances.iter().map(|instance| Line::of(instance, now)).collect();
    table::print(&rows, args.json.json, "There are no DB instances.")
}

#[derive(Serialize)]
struct Line {
    identifier: String,
    status: &'static str,
    engine_version: String,
    endpoint: String,
    port: u16,
    address: String,
    ca_identifier: String,
    certificate_days_left: Option<i64>,
    force_ssl: bool,
}

impl Line {
    fn of(instance: &DbInstance, now: OffsetDateTime) -> Self {
        let desired = &instance.desired;
        let certificate = instance.applied.certificate.as_ref();
        Self {
            identifier: desired.identifier.to_string(),
            status: instance.status.as_str(),
            engine_version: desired.engine_version.to_string(),
            endpoint: desired.endpoint.clone(),
            port: desired.port,
            address: desired.address.to_string(),
            ca_identifier: desired.ca_identifier.clone(),
            certificate_days_left: certificate.map(|it| days_between(now, it.not_after)),
            force_ssl: instance.force_ssl(),
        }
    }
}

impl Row for Line {
    const HEADS: &'static [&'static str] =
        &["IDENTIFIER", "STATUS", "VERSION", "ENDPOINT", "CA", "DAYS LEFT", "FORCE_SSL"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.identifier.clone(),
            self.status.to_owned(),
            self.engine_version.clone(),
            format!("{}:{}", self.endpoint, self.port),
            self.ca_identifier.clone(),
            self.certificate_days_left.map_or("-".to_owned(), |days| days.to_string()),
            u8::from(self.force_ssl).to_string(),
        ]
    }
}
