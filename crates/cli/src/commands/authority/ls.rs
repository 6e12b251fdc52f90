//! `pgkeep authority ls`.

use pgkeep_model::{Clock as _, DbInstance};
use pgkeep_workflow::{AuthorityInfo, CertificateInfo};
use serde::Serialize;
use time::OffsetDateTime;

use crate::args::AuthorityLsArgs;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::instances::{days_between, render_time};
use crate::table::{self, Row};

pub(super) fn run(data: &DataDirectory, args: &AuthorityLsArgs) -> anyhow::Result<()> {
    let (instances, now) = (data.instances()?, SystemClock.now());
    let authorities = data.authorities()?;
    let rows: Vec<_> = authorities.into_iter().map(|it| Line::of(it, &instances, now)).collect();
    table::print(&rows, args.json.json, "There are no authorities.")
}

/// The DB instances that serve a certificate of an authority.
pub(super) fn users(authority: &AuthorityInfo, instances: &[DbInstance]) -> Vec<String> {
    let uses = |it: &&DbInstance| {
        let certificate = it.applied.certificate.as_ref();
        certificate.is_some_and(|it| it.ca_identifier == authority.identifier)
    };
    instances.iter().filter(uses).map(|it| it.desired.identifier.to_string()).collect()
}

/// Names are stable: docs/api.md lists them.
#[derive(Serialize)]
struct Line {
    identifier: String,
    key: String,
    root: String,
    root_not_after: String,
    root_days_left: i64,
    subordinate: String,
    subordinate_not_after: String,
    subordinate_days_left: i64,
    next_roots: Vec<String>,
    instances: Vec<String>,
}

impl Line {
    fn of(authority: AuthorityInfo, instances: &[DbInstance], now: OffsetDateTime) -> Self {
        let next = authority.roots.iter().skip_while(|it| **it != authority.root).skip(1);
        let next = next.map(name).collect();
        Self {
            key: authority.signer.key_algorithm.clone(),
            root: name(&authority.root),
            root_not_after: render_time(authority.not_after),
            root_days_left: days_between(now, authority.not_after),
            subordinate: name(&authority.signer),
            subordinate_not_after: render_time(authority.signs_until),
            subordinate_days_left: days_between(now, authority.signs_until),
            next_roots: next,
            instances: users(&authority, instances),
            identifier: authority.identifier,
        }
    }
}

fn name(certificate: &CertificateInfo) -> String {
    certificate.common_name.as_ref().unwrap_or(&certificate.subject).clone()
}

impl Row for Line {
    const HEADS: &'static [&'static str] =
        &["IDENTIFIER", "KEY", "ROOT", "ENDS", "SUBORDINATE", "ENDS", "NEXT ROOT", "INSTANCES"];

    fn cells(&self) -> Vec<String> {
        let date = |time: &str| time.get(..10).unwrap_or(time).to_owned();
        let list = |names: &[String]| {
            if names.is_empty() { "-".to_owned() } else { names.join(", ") }
        };
        vec![
            self.identifier.clone(),
            self.key.clone(),
            self.root.clone(),
            date(&self.root_not_after),
            self.subordinate.clone(),
            date(&self.subordinate_not_after),
            list(&self.next_roots),
            list(&self.instances),
        ]
    }
}
