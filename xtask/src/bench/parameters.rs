//! DB parameter groups: until a change is proved, and what the list of parameters costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::api::Api;
use super::control_plane::ControlPlane;
use super::create::newest_system_engine;
use super::median;
use super::moto::Moto;
use super::reload;
use super::report::Row;
use super::server::Workbench;
use crate::os_user::OsUser;
use crate::tools;

/// The group, which both have.
pub(super) const GROUP: [(&str, &str); 1] = [("DBParameterGroupName", "bench")];
/// Readings of the whole list in a turn: together they take long enough for the clock.
const READINGS: u32 = 10;
/// The service's bound of parameters in one call.
const MOST_PARAMETERS: usize = 20;

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Vec<Row>> {
    let python = tools::ensure_bench_python()?;
    let user = OsUser::find()?;
    let (major, bin) = newest_system_engine()?;
    eprintln!("== parameters: PostgreSQL {major} of {}, {repetitions} times", bin.display());
    let plane = ControlPlane::start(pgkeep, &user, 1).await?;
    create_group(&plane.api, &major)?;
    let reload =
        reload::measure(&plane, &Workbench::new(&user, &bin)?, &major, repetitions).await?;

    let names = all_parameters(&plane.api)?;
    eprintln!("{} parameters", names.len());
    let moto = Moto::start(&python, 0)?;
    create_group(&moto.api, &major)?;
    set_all(&moto.api, &names)?;
    let (mut ours, mut other) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        ours.push(time_to_read(&plane.api, names.len())?);
        other.push(time_to_read(&moto.api, names.len())?);
    }
    let name = format!("DescribeDBParameters, all {} of a family", names.len());
    Ok(vec![reload, Row::faster(&name, median(ours), ("moto", median(other)), None)])
}

fn create_group(api: &Api, major: &str) -> Result<()> {
    let family = format!("postgres{major}");
    let about = [("DBParameterGroupFamily", &*family), ("Description", "bench")];
    api.call("CreateDBParameterGroup", &[&GROUP[..], &about].concat()).map(drop)
}

/// Gives every parameter a value.
fn set_all(api: &Api, names: &[String]) -> Result<()> {
    for names in names.chunks(MOST_PARAMETERS) {
        let mut fields = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let field = |it: &str| format!("Parameters.Parameter.{}.Parameter{it}", index + 1);
            fields.push((field("Name"), name.as_str()));
            fields.push((field("Value"), "1"));
        }
        let fields = fields.iter().map(|(name, value)| (name.as_str(), *value));
        let fields: Vec<_> = GROUP.into_iter().chain(fields).collect();
        api.call("ModifyDBParameterGroup", &fields)?;
    }
    Ok(())
}

/// How long all pages of the list take. What came is checked apart from that time.
fn time_to_read(api: &Api, expected: usize) -> Result<Duration> {
    let mut took = Duration::ZERO;
    for _ in 0..READINGS {
        let begun = Instant::now();
        let pages = api.pages("DescribeDBParameters", &GROUP)?;
        took += begun.elapsed();
        let count: usize = pages.iter().map(|page| page.matches("<ParameterName>").count()).sum();
        ensure!(count == expected, "{count} parameters instead of {expected}");
    }
    Ok(took / READINGS)
}

fn all_parameters(api: &Api) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for page in api.pages("DescribeDBParameters", &GROUP)? {
        for rest in page.split("<ParameterName>").skip(1) {
            let name = rest.split('<').next().context("the answer is cut off")?;
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
