//! `pgkeep snippets`: what to write in a driver to connect to an instance and verify it.

use clap::ValueEnum as _;

use crate::args::SnippetsArgs;
use crate::data_directory::DataDirectory;
use crate::instances::{database, find};
use crate::output;
use crate::snippets::{Driver, Target};

pub(super) fn run(args: &SnippetsArgs) -> anyhow::Result<()> {
    let data = DataDirectory::open(&args.data)?;
    let instance = find(&data.state()?, &args.instance)?;
    let bundle = data.bundle_pem();
    let target = Target {
        host: &instance.desired.endpoint,
        port: instance.desired.port,
        user: &instance.desired.master_username,
        dbname: database(&instance),
        bundle: &bundle,
    };
    output::write(match args.driver {
        Some(driver) => driver.snippet(&target),
        None => render_all(&target),
    })
}

fn render_all(target: &Target<'_>) -> String {
    let one = |driver: &Driver| {
        let value = driver.to_possible_value();
        let name = value.as_ref().map(clap::builder::PossibleValue::get_name).unwrap_or_default();
        format!("==> {name} <==\n{}", driver.snippet(target))
    };
    Driver::value_variants().iter().map(one).collect::<Vec<_>>().join("\n")
}
