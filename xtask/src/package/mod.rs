//! `cargo xtask package`: a Debian package of the release build, and the check that installs one.
//!
//! `dpkg-deb` does the packing; what goes where, and with which rights, is [`stage`]. The scripts
//! and the unit are in `packaging/`.

mod sbom;

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::workspace;

const PAGES: &str = "usr/share/man/man1";
const DOCUMENTS: &str = "usr/share/doc/pgkeep";

/// The options of `cargo xtask package`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder to put the package in [default: target/package]
    #[arg(long, value_name = "D")]
    out: Option<PathBuf>,
    /// Install it as well, where nobody else sees it, use it and remove it
    #[arg(long)]
    check: bool,
}

/// Builds the release and packs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    workspace::run(workspace::cargo()?.args(["build", "--release", "--package", "pgkeep"]))?;
    let target = workspace::target_directory()?;
    let out = options.out.clone().unwrap_or_else(|| target.join("package"));
    let program = target.join("release/pgkeep");
    let package = make(&program, &out, "-Zxz")?;
    let linked = workspace::output(Command::new("ldd").arg(&program))?;
    println!("{:>9.1} MB  {}", megabytes(&program)?, program.display());
    println!("{:>9.1} MB  {}", megabytes(&package)?, package.display());
    println!("linked with:");
    linked.lines().for_each(|line| println!("  {}", line.trim()));
    if options.check { install(&package) } else { Ok(()) }
}

/// Makes a package of `program` and installs it.
pub(crate) fn check(program: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    // What a test builds is large: pressing it well would take longer than everything else.
    install(&make(program, folder.path(), "-Zgzip")?)
}

/// Installs a package where nobody else sees it, uses what it brings and removes it.
fn install(package: &Path) -> Result<()> {
    let may = Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("LEFT OUT: the package is made, not installed: that takes root and namespaces");
        return Ok(());
    }
    let script = workspace::root()?.join("packaging/check.sh");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"]);
    let folder = tempfile::tempdir()?;
    command.arg(script).arg(package).arg(folder.path());
    workspace::run(command.env_remove("PGKEEP_CACHE_DIR"))
}

/// Packs `program` and returns the package.
fn make(program: &Path, out: &Path, compression: &str) -> Result<PathBuf> {
    let staging = tempfile::tempdir()?;
    let root = staging.path().join("root");
    stage(program, &root)?;
    fs::create_dir_all(out)?;
    let mut command = Command::new("dpkg-deb");
    command.args(["--root-owner-group", compression, "--build"]).arg(&root).arg(out);
    workspace::output(&mut command)?;
    let name = format!("pgkeep_{}_{}.deb", env!("CARGO_PKG_VERSION"), architecture()?);
    Ok(out.join(name))
}

/// Puts every file where the package will.
fn stage(program: &Path, root: &Path) -> Result<()> {
    let sources = workspace::root()?.join("packaging");
    let source = |name: &str| fs::read(sources.join(name)).context(name.to_owned());
    put(root, "usr/bin/pgkeep", 0o755, &fs::read(program)?)?;
    put(root, "lib/systemd/system/pgkeep.service", 0o644, &source("pgkeep.service")?)?;
    put(root, "etc/default/pgkeep", 0o644, &source("pgkeep.default")?)?;
    for script in ["postinst", "prerm", "postrm"] {
        put(root, &format!("DEBIAN/{script}"), 0o755, &source(script)?)?;
    }
    put(root, "DEBIAN/conffiles", 0o644, b"/etc/default/pgkeep\n")?;
    put(root, &format!("{DOCUMENTS}/sbom.cdx.json"), 0o644, sbom::render()?.as_bytes())?;
    let licence = fs::read(workspace::root()?.join("LICENSE"))?;
    put(root, &format!("{DOCUMENTS}/copyright"), 0o644, &licence)?;
    documents(program, root)?;
    let size = fs::metadata(program)?.len().div_ceil(1024);
    let control = control(&libc_needed(&fs::read(program)?)?, size)?;
    put(root, "DEBIAN/control", 0o644, control.as_bytes())
}

/// The man pages and completions, which the program writes itself.
fn documents(program: &Path, root: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    workspace::run(Command::new(program).arg("documents").arg(folder.path()))?;
    for entry in fs::read_dir(folder.path())? {
        let path = entry?.path();
        let (name, text) =
            (path.file_name().context("a name")?.to_string_lossy(), fs::read(&path)?);
        match name.as_ref() {
            "completions.bash" => {
                put(root, "usr/share/bash-completion/completions/pgkeep", 0o644, &text)?;
            }
            "completions.fish" => {
                put(root, "usr/share/fish/vendor_completions.d/pgkeep.fish", 0o644, &text)?;
            }
            "completions.zsh" => {
                put(root, "usr/share/zsh/vendor-completions/_pgkeep", 0o644, &text)?;
            }
            page => {
                let mut pressed = GzEncoder::new(Vec::new(), Compression::best());
                pressed.write_all(&text)?;
                put(root, &format!("{PAGES}/{page}.gz"), 0o644, &pressed.finish()?)?;
            }
        }
    }
    Ok(())
}

fn put(root: &Path, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    let path = root.join(path);
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(&path, Permissions::from_mode(mode))?;
    // Whatever the umask: everyone enters the folders of a package.
    let folders = folder.ancestors().take_while(|it| *it != root).chain([root]);
    for folder in folders {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn control(libc: &str, size: u64) -> Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    let architecture = architecture()?;
    Ok(format!(
        "Package: pgkeep\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The pgkeep developers <pgkeep@localhost>\n\
         Installed-Size: {size}\n\
         Depends: adduser, libc6 (>= {libc}), libgcc-s1\n\
         Recommends: postgresql, postgresql-client\n\
         Section: database\n\
         Priority: optional\n\
         Description: Amazon RDS for PostgreSQL's TLS on your own machine\n \
         Real PostgreSQL servers with a certificate for each, driven by the RDS API.\n"
    ))
}

/// Debian's name of this machine's architecture.
fn architecture() -> Result<String> {
    Ok(workspace::output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned())
}

/// The newest version of glibc whose symbols the program names: `2.34`.
fn libc_needed(program: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(program);
    let versions = text.split("GLIBC_2.").skip(1).filter_map(|rest| {
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        minor.parse::<u32>().ok()
    });
    let newest = versions.max().context("the program names no version of glibc")?;
    ensure!(newest < 100, "2.{newest} is no version of glibc");
    Ok(format!("2.{newest}"))
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn megabytes(path: &Path) -> Result<f64> {
    Ok(fs::metadata(path)?.len() as f64 / 1e6)
}
