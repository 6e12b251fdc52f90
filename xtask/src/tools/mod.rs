//! What the checks need besides Rust: found, or installed where that can be done.
//!
//! Everything is checked directly or by a stamp, so a second run costs nothing. What is installed
//! by name from PyPI and npm goes into a cache outside the checkout; only packages of the
//! distribution change the machine, and only with the rights for it.

mod go;
mod node;
mod prometheus;
mod python;
mod system;
mod terraform;
mod versions;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The tools, ready to use.
pub(crate) struct Tools {
    python: python::Environment,
    scanners: python::Environment,
    node_modules: PathBuf,
    go_path: PathBuf,
    prometheus: PathBuf,
    terraform: Result<terraform::Terraform, String>,
}

impl Tools {
    /// Finds every tool, and with `install` brings in what is missing.
    pub(crate) fn ensure(install: bool) -> Result<Self> {
        system::ensure(install)?;
        let cache = open_cache()?;
        let python = python::ensure(&cache.folder("python"), versions::PYTHON, install)?;
        let scanners = ensure_sslyze(&cache, install)?;
        let node_modules = node::ensure(&cache.folder("node"), versions::NODE, install)?;
        let go_path = go::ensure(&cache.folder("go"), versions::GO, install)?;
        let prometheus = prometheus::ensure(&cache.folder("prometheus"), install)?;
        let terraform = terraform::find();
        Ok(Self { python, scanners, node_modules, go_path, prometheus, terraform })
    }

    /// A program of the Python environment, `aws` or `cargo-nextest`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.python.program(name)
    }

    /// What tells the tests where the tools are.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let mut environment = vec![
            ("PGKEEP_AWS", self.program("aws")),
            ("PGKEEP_PYTHON", self.program("python")),
            ("PGKEEP_SSLYZE", self.scanners.program("sslyze")),
            ("PGKEEP_OPENSSL_PYTHON", self.scanners.program("python")),
            ("PGKEEP_NODE_PATH", self.node_modules.clone()),
            ("PGKEEP_GOPATH", self.go_path.clone()),
            ("PGKEEP_JDBC_JAR", versions::JDBC_JAR.into()),
            ("PGKEEP_PROMETHEUS", self.prometheus.clone()),
        ];
        if let Ok(terraform) = &self.terraform {
            environment.push(("PGKEEP_TERRAFORM", terraform.program.clone()));
            environment.push(("PGKEEP_TERRAFORM_PLUGINS", terraform.plugins.clone()));
        }
        environment
    }

    /// Why the test of Terraform cannot be run, if it cannot.
    pub(crate) fn lacks_terraform(&self) -> Option<&str> {
        self.terraform.as_ref().err().map(String::as_str)
    }
}

/// The Python of the environment that has moto.
pub(crate) fn ensure_bench_python() -> Result<PathBuf> {
    let cache = open_cache()?;
    let python = python::ensure(&cache.folder("bench"), versions::BENCH_PYTHON, true)?;
    Ok(python.program("python"))
}

/// The scanners of TLS: sslscan, nmap and testssl on the path, and the sslyze that is returned.
pub(crate) fn ensure_scanners() -> Result<PathBuf> {
    system::ensure_all(system::SCANNERS, true)?;
    let cache = open_cache()?;
    Ok(ensure_sslyze(&cache, true)?.program("sslyze"))
}

fn ensure_sslyze(cache: &Cache, install: bool) -> Result<python::Environment> {
    python::ensure(&cache.folder("scanners"), versions::SCANNERS_PYTHON, install)
}

/// The cache, held so that two runs do not install into the same folder.
struct Cache {
    folder: PathBuf,
    _held: fs::File,
}

impl Cache {
    fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn open_cache() -> Result<Cache> {
    let folder = cache_folder()?.join("development");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let held = fs::File::create(folder.join("lock"))?;
    held.lock()?;
    Ok(Cache { folder, _held: held })
}

/// `$PGKEEP_CACHE_DIR`, or pgkeep's usual cache.
fn cache_folder() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("PGKEEP_CACHE_DIR") {
        return Ok(std::path::absolute(chosen)?);
    }
    if rustix::process::geteuid().is_root() {
        return Ok("/var/cache/pgkeep".into());
    }
    if let Some(xdg) = std::env::var_os("XDG_CACHE_HOME") {
        return Ok(Path::new(&xdg).join("pgkeep"));
    }
    let home = std::env::var_os("HOME").context("set HOME or PGKEEP_CACHE_DIR")?;
    Ok(Path::new(&home).join(".cache/pgkeep"))
}

/// Fills `folder` by `fill` unless it holds exactly these packages already. The stamp is written
/// last, so that what a kill left half-way is made anew.
fn ensure_folder(
    folder: &Path,
    packages: &[&str],
    install: bool,
    fill: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let stamp = folder.join("installed.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !install {
        bail!("{} lacks {}: run without --no-install", folder.display(), packages.join(", "));
    }
    eprintln!("installing into {}: {}", folder.display(), packages.join(", "));
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    fill()?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
