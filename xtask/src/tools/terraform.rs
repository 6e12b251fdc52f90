//! Terraform and its AWS provider: found, never installed, since no package registry has them.

use std::fs;
use std::path::{Path, PathBuf};

use super::system::find_on_path;

const PROGRAM: &str = "terraform";
/// A folder of providers, in the form of `terraform providers mirror`.
const PLUGINS: &str = "PGKEEP_TERRAFORM_PLUGINS";
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// What the test of Terraform needs.
pub(super) struct Terraform {
    pub(super) program: PathBuf,
    pub(super) plugins: PathBuf,
}

/// Finds both.
///
/// # Errors
/// What is missing, and what to do about it.
pub(super) fn find() -> Result<Terraform, String> {
    let program = find_on_path(PROGRAM).ok_or("terraform is not on the PATH")?;
    let plugins = places().into_iter().find(|place| place.join(PROVIDER).is_dir());
    let plugins = plugins
        .ok_or_else(|| format!("no folder with {PROVIDER} was found; name one in {PLUGINS}"))?;
    Ok(Terraform { program, plugins })
}

/// The folder that was named; else where Terraform itself looks, and the add-ons of the machine.
fn places() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os(PLUGINS) {
        return vec![named.into()];
    }
    let mut places: Vec<PathBuf> =
        ["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"]
            .map(Into::into)
            .into();
    let home = std::env::var_os("HOME");
    places.extend(home.map(|home| Path::new(&home).join(".terraform.d/plugins")));
    let add_ons = fs::read_dir("/opt").into_iter().flatten().flatten();
    places.extend(add_ons.map(|entry| entry.path()));
    places
}
