//! The one way in: which engines there are, and the one that is wanted, installed if need be.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pgkeep_model::{EngineSource, EngineVersion, MAJORS};

use super::check::check;
use super::download::Progress;
use super::install::ensure_installed;
use super::npm::NpmConfig;
use super::pin::{Pin, platform};
use super::pins::PINS;
use super::registry::Registry;
use super::scan::{EngineChoice, Engines, RefusedEngine};
use super::{Engine, EngineError};

/// Where engines are looked for and fetched from.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The folder of downloaded engines, `/var/cache/pgkeep` for root. Users that run engines
    /// must be able to traverse it.
    pub cache_dir: PathBuf,
    /// The folder with a folder for each major version: `/usr/lib/postgresql`.
    pub system_root: PathBuf,
    /// The address of an npm registry, or a folder of packages; npm's own configuration if none.
    /// May hold credentials.
    pub registry: Option<String>,
}

/// The engines of this machine and those that can be fetched.
#[derive(Debug)]
pub struct EngineCatalogue {
    settings: EngineSettings,
    pins: Vec<Pin>,
}

impl EngineCatalogue {
    /// The catalogue of this machine; looks at nothing yet.
    pub fn new(settings: EngineSettings) -> Self {
        let pins = PINS.iter().filter(|pin| Some(pin.platform) == platform());
        Self {
            settings,
            pins: pins.copied().collect(),
        }
    }

    /// Looks at every engine and runs its checks: two short processes an engine.
    pub fn scan(&self) -> Engines {
        let mut engines = Engines {
            offered: vec![],
            refused: vec![],
            available: vec![],
        };
        for (path, checked) in self.system_engines().chain(self.embedded_engines()) {
            match checked {
                Ok(engine) => engines.offered.push(engine),
                Err(reason) => engines.refused.push(RefusedEngine { path, reason }),
            }
        }
        engines
            .offered
            .sort_by_key(|engine| (engine.source, Reverse(engine.version)));
        let missing = self
            .pins
            .iter()
            .filter(|pin| !self.place(&pin.id()).is_dir());
        engines.available = missing.map(|pin| pin.version).collect();
        engines
            .available
            .sort_unstable_by_key(|version| Reverse(*version));
        engines
    }

    /// The preferred choice for a request: a major version, an exact one, or any.
    ///
    /// # Errors
    /// The request is no version, or nothing fits.
    pub fn find(&self, request: Option<&str>) -> Result<EngineChoice, EngineError> {
        self.scan().find(request)
    }

    /// The engine itself, downloaded if it is an embedded one that is not there.
    ///
    /// # Errors
    /// There is none, it cannot be fetched, or it does not work on this machine.
    pub fn ensure(
        &self,
        version: EngineVersion,
        source: EngineSource,
        progress: &mut Progress<'_>,
    ) -> Result<Engine, EngineError> {
        let wanted = |engine: &Engine| engine.version == version && engine.source == source;
        let mut engines = self.scan();
        if let Some(index) = engines.offered.iter().position(wanted) {
            return Ok(engines.offered.swap_remove(index));
        }
        let pin = self.pins.iter().find(|pin| pin.version == version);
        let Some(pin) = pin.filter(|_| source == EngineSource::Embedded) else {
            return Err(engines.no_such_engine(&version.to_string()));
        };
        let setting = self.settings.registry.as_deref();
        let registry = || Registry::resolve(setting, NpmConfig::load);
        let place = ensure_installed(&self.engines_dir(), pin, registry, progress)?;
        check_embedded(&place, pin.platform)
    }

    fn engines_dir(&self) -> PathBuf {
        self.settings.cache_dir.join("engines")
    }

    fn place(&self, id: &str) -> PathBuf {
        self.engines_dir().join(id)
    }

    /// The distribution's engines. A folder without a server holds client programs only.
    fn system_engines(&self) -> impl Iterator<Item = (PathBuf, Result<Engine, EngineError>)> {
        let dirs = MAJORS.map(|major| {
            (
                major,
                self.settings
                    .system_root
                    .join(major.to_string())
                    .join("bin"),
            )
        });
        let servers = dirs.filter(|(_, bin_dir)| bin_dir.join("postgres").is_file());
        servers.map(|(major, bin_dir)| {
            let engine = check(EngineSource::System, bin_dir.clone(), None);
            let engine = engine.and_then(|engine| {
                expect_version(engine.version.major == major, &major.to_string(), engine)
            });
            (bin_dir, engine)
        })
    }

    /// Every engine in the cache, pinned or not: an update of pgkeep brings other pins, and
    /// instances go on with the engine that they were made with.
    fn embedded_engines(&self) -> impl Iterator<Item = (PathBuf, Result<Engine, EngineError>)> {
        let dir = self.engines_dir();
        let names = match fs::read_dir(&dir) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
            Err(error) => Err(error),
        };
        let (names, failure) = match names {
            Ok(names) => (names, None),
            Err(error) => (
                vec![],
                Some((dir.clone(), Err(EngineError::io("read", &dir)(error)))),
            ),
        };
        let of_platform = names.into_iter().filter_map(|name| {
            let platform = platform()?;
            let ours = name.to_str()?.strip_prefix(platform)?.starts_with('-');
            let place = dir.join(&name);
            ours.then(|| (place.join("bin"), check_embedded(&place, platform)))
        });
        failure.into_iter().chain(of_platform.collect::<Vec<_>>())
    }
}

fn check_embedded(place: &Path, platform: &str) -> Result<Engine, EngineError> {
    let engine = check(
        EngineSource::Embedded,
        place.join("bin"),
        Some(place.join("lib")),
    )?;
    let id = place
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let matches = id.starts_with(&format!("{platform}-{}.", engine.version));
    expect_version(matches, &id, engine)
}

fn expect_version(matches: bool, expected: &str, engine: Engine) -> Result<Engine, EngineError> {
    if matches {
        return Ok(engine);
    }
    Err(EngineError::WrongVersion {
        program: engine.bin_dir.join("postgres"),
        found: engine.version,
        expected: expected.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::fixture::{FakeRegistry, engine_package, system_bin_dir};
    use super::*;

    /// A catalogue in a folder of its own: no system engines, one pin, served on loopback.
    fn catalogue(dir: &Path) -> (EngineCatalogue, Pin, FakeRegistry) {
        let (pin, bytes) = engine_package();
        let server = FakeRegistry::serve(bytes.clone(), bytes.len());
        let settings = EngineSettings {
            cache_dir: dir.join("cache"),
            system_root: dir.join("system"),
            registry: Some(server.base()),
        };
        (
            EngineCatalogue {
                settings,
                pins: vec![pin],
            },
            pin,
            server,
        )
    }

    #[test]
    fn an_embedded_engine_is_found_fetched_checked_and_offered() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, server) = catalogue(dir.path());
        let choice = catalogue.find(None).unwrap();
        assert_eq!((choice.version, choice.installed), (pin.version, false));
        let mut last = (0, 0);
        let mut progress = |received, total| last = (received, total);
        let engine = catalogue
            .ensure(choice.version, choice.source, &mut progress)
            .unwrap();
        assert_eq!(last, (pin.size, pin.size));
        let place = dir.path().join("cache/engines").join(pin.id());
        assert_eq!(engine.bin_dir, place.join("bin"));
        assert_eq!(engine.lib_dir, Some(place.join("lib")));
        let engines = catalogue.scan();
        assert_eq!(engines.offered, [engine]);
        assert!(engines.refused.is_empty() && engines.available.is_empty());
        catalogue
            .ensure(choice.version, choice.source, &mut |_, _| {})
            .unwrap();
        assert_eq!(server.requests().len(), 1);
    }

    #[test]
    fn an_engine_that_fails_its_check_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, _server) = catalogue(dir.path());
        let mut other = pin;
        other.package_version = "9.6.0-beta.1";
        let catalogue = EngineCatalogue {
            pins: vec![other],
            ..catalogue
        };
        let result = catalogue.ensure(pin.version, EngineSource::Embedded, &mut |_, _| {});
        assert!(matches!(result, Err(EngineError::WrongVersion { .. })));
        let engines = catalogue.scan();
        assert!(engines.offered.is_empty());
        assert!(matches!(
            engines.refused[0].reason,
            EngineError::WrongVersion { .. }
        ));
    }

    #[test]
    fn the_distributions_engines_are_those_with_a_server() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, _server) = catalogue(dir.path());
        let (real, system) = (system_bin_dir(), dir.path().join("system"));
        let version = check(EngineSource::System, real.clone(), None)
            .unwrap()
            .version;
        let other = if version.major == 10 { 11 } else { 10 };
        for folder in [
            format!("{}", version.major),
            other.to_string(),
            "12/bin".to_owned(),
        ] {
            fs::create_dir_all(system.join(folder)).unwrap();
        }
        symlink(&real, system.join(format!("{}/bin", version.major))).unwrap();
        symlink(&real, system.join(format!("{other}/bin"))).unwrap();
        let engines = catalogue.scan();
        let offered: Vec<_> = engines
            .offered
            .iter()
            .map(|e| (e.version, e.source))
            .collect();
        assert_eq!(offered, [(version, EngineSource::System)]);
        assert_eq!(engines.offered[0].lib_dir, None);
        assert_eq!(engines.refused[0].path, system.join(format!("{other}/bin")));
        assert_eq!(engines.refused.len(), 1);
        assert_eq!(engines.available, [pin.version]);
        let missing = EngineVersion {
            major: version.major,
            minor: 9999,
        };
        let result = catalogue.ensure(missing, EngineSource::System, &mut |_, _| {});
        assert!(matches!(result, Err(EngineError::NoSuchEngine { .. })));
    }
}
