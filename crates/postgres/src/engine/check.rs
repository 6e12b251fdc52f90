//! Whether the programs in a folder are an engine that works on this machine.
//!
//! Two runs of `postgres`: one in which the loader only lists the libraries it would load, which
//! names a missing one and finds the OpenSSL in use, and one that reports the version.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgkeep_model::{EngineSource, EngineVersion};

use super::{Engine, EngineError, OpensslVersion};

/// The programs without which an engine is of no use.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// Checks an engine's programs and reads what they are.
///
/// # Errors
/// A missing program or library, a server without OpenSSL, an unreadable version.
pub(super) fn check(
    source: EngineSource,
    bin_dir: PathBuf,
    lib_dir: Option<PathBuf>,
) -> Result<Engine, EngineError> {
    for program in PROGRAMS.map(|name| bin_dir.join(name)) {
        if !program.is_file() {
            return Err(EngineError::NoProgram(program));
        }
    }
    let program = bin_dir.join("postgres");
    let lib_dir_ref = lib_dir.as_deref();
    let libraries = list_libraries(&program, lib_dir_ref)?;
    let openssl = read_openssl(&program, &libraries)?;
    let version = run_version(&program, lib_dir_ref)?;
    Ok(Engine { version, source, bin_dir, lib_dir, openssl })
}

/// A program of an engine in a clean environment.
fn command(program: &Path, lib_dir: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C");
    if let Some(lib_dir) = lib_dir {
        command.env("LD_LIBRARY_PATH", lib_dir);
    }
    command
}

fn run(command: &mut Command, program: &Path) -> Result<Output, EngineError> {
    command.output().map_err(EngineError::io("run", program))
}

/// A library that a program needs; no path where the loader did not find it.
#[derive(Debug, PartialEq, Eq)]
struct Library {
    name: String,
    path: Option<PathBuf>,
}

/// Asks the loader for a program's libraries, as `ldd` does.
///
/// `--version` keeps a loader that does not know the variable from starting a server.
fn list_libraries(program: &Path, lib_dir: Option<&Path>) -> Result<Vec<Library>, EngineError> {
    let mut command = command(program, lib_dir);
    let output = run(command.arg("--version").env("LD_TRACE_LOADED_OBJECTS", "1"), program)?;
    let libraries = parse_libraries(&String::from_utf8_lossy(&output.stdout));
    let missing = libraries.iter().filter(|library| library.path.is_none());
    let mut missing: Vec<String> = missing.map(|library| library.name.clone()).collect();
    missing.sort();
    missing.dedup();
    if missing.is_empty() {
        Ok(libraries)
    } else {
        Err(EngineError::MissingLibraries { program: program.to_owned(), libraries: missing })
    }
}

/// Reads the loader's lines: `name => path (address)` or `name => not found`.
fn parse_libraries(listing: &str) -> Vec<Library> {
    let library = |line: &str| {
        let (name, rest) = line.trim().split_once(" => ")?;
        let path = rest.rsplit_once(" (").map(|(path, _)| PathBuf::from(path));
        Some(Library { name: name.to_owned(), path })
    };
    listing.lines().filter_map(library).collect()
}

fn read_openssl(program: &Path, libraries: &[Library]) -> Result<OpensslVersion, EngineError> {
    let no_openssl = || EngineError::NoOpenssl(program.to_owned());
    let libcrypto = libraries.iter().find(|library| library.name.starts_with("libcrypto.so"));
    let path = libcrypto.and_then(|library| library.path.as_ref()).ok_or_else(no_openssl)?;
    let version = OpensslVersion::read(path).map_err(EngineError::io("read", path))?;
    version.ok_or_else(no_openssl)
}

fn run_version(program: &Path, lib_dir: Option<&Path>) -> Result<EngineVersion, EngineError> {
    let output = run(command(program, lib_dir).arg("--version"), program)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let version = output.status.success().then(|| parse_version(&stdout)).flatten();
    version.ok_or_else(|| EngineError::Program {
        program: program.to_owned(),
        output: format!("{}{}", stdout, String::from_utf8_lossy(&output.stderr)).trim().to_owned(),
    })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; betas are no releases.
fn parse_version(text: &str) -> Option<EngineVersion> {
    let (_, rest) = text.split_once("(PostgreSQL) ")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::fixture::system_bin_dir;
    use super::*;

    #[test]
    fn the_loaders_listing_is_read() {
        let listing = "\tlinux-vdso.so.1 (0x00007ffd5a5f2000)\n\
            \tlibcrypto.so.1.1 => /a folder (x)/libcrypto.so.1.1 (0x00007f51e2c00000)\n\
            \tlibicuuc.so.60 => not found\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f51e3ba3000)\n";
        let library = |name: &str, path: Option<&str>| Library {
            name: name.to_owned(),
            path: path.map(PathBuf::from),
        };
        assert_eq!(
            parse_libraries(listing),
            [
                library("libcrypto.so.1.1", Some("/a folder (x)/libcrypto.so.1.1")),
                library("libicuuc.so.60", None),
            ]
        );
    }

    #[test]
    fn only_releases_have_a_version() {
        let version = |text| parse_version(text).map(|version| version.to_string());
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(version(debian).as_deref(), Some("15.18"));
        assert_eq!(version("postgres (PostgreSQL) 10.23\n").as_deref(), Some("10.23"));
        assert_eq!(version("postgres (PostgreSQL) 19beta1\n"), None);
        assert_eq!(version("postgres (EnterpriseDB) 15.1\n"), None);
    }

    /// The oracle is the distribution's openssl command, which loads the same library.
    #[test]
    fn a_system_engine_uses_the_systems_openssl() {
        let engine = check(EngineSource::System, system_bin_dir(), None).unwrap();
        let output = Command::new("openssl").arg("version").output().unwrap();
        let openssl = String::from_utf8(output.stdout).unwrap();
        assert!(openssl.contains(&format!("Library: OpenSSL {} ", engine.openssl.text)));
        assert!(openssl.contains(engine.openssl.released.as_deref().unwrap()));
    }

    #[test]
    fn what_is_no_engine_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let checked = || check(EngineSource::System, dir.path().to_owned(), None);
        assert!(matches!(checked(), Err(EngineError::NoProgram(_))));
        // Links, as a program that was just written may be busy for a moment.
        symlink("/bin/true", dir.path().join("initdb")).unwrap();
        symlink("/bin/true", dir.path().join("postgres")).unwrap();
        assert!(matches!(checked(), Err(EngineError::NoOpenssl(_))));
        fs::remove_file(dir.path().join("postgres")).unwrap();
        fs::write(dir.path().join("postgres"), "no program").unwrap();
        assert!(matches!(checked(), Err(EngineError::Io { action: "run", .. })));
    }
}
