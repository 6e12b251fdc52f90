//! What comes from the distribution: PostgreSQL and its clients, Java, Node, Go, openssl, sslscan.
//!
//! What matters is that a thing is there, not which package brought it, so each need is a direct
//! look. Missing ones are installed with apt where this process has the rights; elsewhere the
//! error is the command to type.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::versions::JDBC_JAR;
use crate::workspace::run;

pub(super) struct Need {
    what: &'static str,
    package: &'static str,
    is_met: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need { what: "PostgreSQL's server", package: "postgresql", is_met: has_postgresql },
    Need { what: "psql", package: "postgresql-client", is_met: || is_on_path("psql") },
    Need {
        what: "PostgreSQL's JDBC driver",
        package: "libpostgresql-jdbc-java",
        is_met: || Path::new(JDBC_JAR).exists(),
    },
    Need { what: "javac", package: "default-jdk-headless", is_met: || is_on_path("javac") },
    Need { what: "openssl", package: "openssl", is_met: || is_on_path("openssl") },
    SSLSCAN,
    Need { what: "Python's venv", package: "python3-venv", is_met: has_venv },
    Need { what: "node", package: "nodejs", is_met: || is_on_path("node") },
    Need { what: "go", package: "golang-go", is_met: || is_on_path("go") },
    Need { what: "npm", package: "npm", is_met: || is_on_path("npm") },
    Need { what: "systemd-analyze", package: "systemd", is_met: || is_on_path("systemd-analyze") },
    Need { what: "adduser", package: "adduser", is_met: || is_on_path("adduser") },
];

/// Read by Debian's postgresql-common when a server is installed.
const CLUSTER_CONF: &str = "/etc/postgresql-common/createcluster.d/pgkeep-tests.conf";

/// The scanner that tests set `pgkeep probe` beside.
const SSLSCAN: Need =
    Need { what: "sslscan", package: "sslscan", is_met: || is_on_path("sslscan") };

/// The scanners that `cargo xtask bench` sets it beside.
pub(super) const SCANNERS: &[Need] = &[
    SSLSCAN,
    Need { what: "nmap", package: "nmap", is_met: || is_on_path("nmap") },
    Need { what: "testssl", package: "testssl.sh", is_met: || is_on_path("testssl") },
];

/// Looks for what the checks need, and with `install` brings in what is missing.
pub(super) fn ensure(install: bool) -> Result<()> {
    ensure_all(NEEDS, install)
}

pub(super) fn ensure_all(needs: &[Need], install: bool) -> Result<()> {
    let missing: Vec<_> = needs.iter().filter(|need| !(need.is_met)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    match Administrator::find() {
        Some(administrator) if install => administrator.install(&packages)?,
        _ => bail!("not on this machine: {}\n{}", render(&missing), hint(&packages)),
    }
    let missing: Vec<_> = missing.into_iter().filter(|need| !(need.is_met)()).collect();
    if !missing.is_empty() {
        bail!("not found, although its package was just installed: {}", render(&missing));
    }
    Ok(())
}

fn render(missing: &[&Need]) -> String {
    missing.iter().map(|need| need.what).collect::<Vec<_>>().join(", ")
}

fn hint(packages: &[&str]) -> String {
    if is_on_path("apt-get") {
        let packages = packages.join(" ");
        format!(
            "type: sudo apt-get update && sudo apt-get install --no-install-recommends {packages}"
        )
    } else {
        format!("install what Debian calls {}", packages.join(", "))
    }
}

/// How this process may change the machine.
enum Administrator {
    Root,
    Sudo,
}

impl Administrator {
    fn find() -> Option<Self> {
        if !is_on_path("apt-get") {
            None
        } else if rustix::process::geteuid().is_root() {
            Some(Self::Root)
        } else {
            succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Self::Sudo)
        }
    }

    fn command(&self, program: &str) -> Command {
        match self {
            Self::Root => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", program]);
                command
            }
        }
    }

    /// Installs packages, but starts no PostgreSQL: on a machine without one, Debian's server
    /// package would make a cluster and run it. Clusters that exist are left alone.
    fn install(&self, packages: &[&str]) -> Result<()> {
        eprintln!("installing {}", packages.join(", "));
        run(self.command("apt-get").args(["update", "-qq"]))?;
        let without_cluster = !Path::new("/usr/bin/pg_createcluster").exists();
        if without_cluster {
            self.write_cluster_conf()?;
        }
        let installed = run(self
            .command("env")
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq"])
            .args(["-y", "--no-install-recommends"])
            .args(packages));
        if without_cluster {
            run(self.command("rm").arg(CLUSTER_CONF))?;
        }
        installed
    }

    fn write_cluster_conf(&self) -> Result<()> {
        let own = std::env::temp_dir().join(format!("pgkeep-{}.conf", std::process::id()));
        fs::write(&own, "create_main_cluster = false\n")?;
        let copied =
            run(self.command("install").args(["-D", "-m", "644"]).arg(&own).arg(CLUSTER_CONF));
        fs::remove_file(&own)?;
        copied
    }
}

fn has_postgresql() -> bool {
    fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|majors| majors.flatten().any(|major| major.path().join("bin/initdb").exists()))
}

fn has_venv() -> bool {
    succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

fn is_on_path(program: &str) -> bool {
    find_on_path(program).is_some()
}

/// A program by its name, as a shell finds it.
pub(super) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|at| at.join(program)).find(|at| at.is_file())
}

/// Unpacks packages into a folder without installing them.
pub(super) fn unpack(packages: &[&str], folder: &Path) -> Result<()> {
    let download = || {
        let mut apt = Command::new("apt-get");
        run(apt.args(["download", "-qq"]).args(packages).current_dir(folder))
    };
    match (download(), Administrator::find()) {
        (Ok(()), _) => {}
        // The lists of packages may be old, or not there yet.
        (Err(_), Some(administrator)) => {
            run(administrator.command("apt-get").args(["update", "-qq"]))?;
            download()?;
        }
        (Err(error), None) => return Err(error.context(hint(packages))),
    }
    for entry in fs::read_dir(folder)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(folder))?;
            fs::remove_file(&package)?;
        }
    }
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
