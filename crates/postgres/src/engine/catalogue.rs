//! The one way in: which engines there are, and the one that is wanted, installed if need be.

use std::cmp::Reverse;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pgkeep_model::{EngineSource, EngineVersion, MAJORS};

use super::candidate::Candidate;
use super::checked::Checked;
use super::download::Progress;
use super::install::ensure_installed;
use super::npm::NpmConfig;
use super::owner::check_owner;
use super::pin::{Pin, platform};
use super::pins::PINS;
use super::registry::Registry;
use super::scan::{Engines, RefusedEngine};
use super::{Engine, EngineError};

/// Where engines are looked for and fetched from.
#[derive(Clone)]
pub struct EngineSettings {
    /// The folder of downloaded engines, `/var/cache/pgkeep/engines` for root. Users that run
    /// engines must be able to traverse it.
    pub folder: PathBuf,
    /// The folder with a folder for each major version: `/usr/lib/postgresql`.
    pub system_root: PathBuf,
    /// The address of an npm registry, or a folder of packages; npm's own configuration if none.
    /// May hold credentials, so it is not in the debug output.
    pub registry: Option<String>,
}

impl fmt::Debug for EngineSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineSettings")
            .field("folder", &self.folder)
            .field("system_root", &self.system_root)
            .finish_non_exhaustive()
    }
}

/// The engines of this machine and those that can be fetched.
#[derive(Debug)]
pub struct EngineCatalogue {
    settings: EngineSettings,
    pins: Vec<Pin>,
    npm: NpmConfig,
    checked: Checked,
}

impl EngineCatalogue {
    /// The catalogue of this machine. Reads npm's configuration, which a process that gives root
    /// up could not read later; looks at no engine yet.
    pub fn new(settings: EngineSettings) -> Self {
        let pins = PINS.iter().filter(|pin| Some(pin.platform) == platform());
        let npm = NpmConfig::read();
        Self { settings, pins: pins.copied().collect(), npm, checked: Checked::default() }
    }

    /// Looks at every engine; for one that is new or was replaced, runs two short processes.
    pub fn scan(&self) -> Engines {
        let (candidates, unreadable) = self.candidates();
        let mut engines = Engines { offered: vec![], refused: vec![], available: vec![] };
        engines.refused.extend(unreadable);
        for candidate in candidates {
            match self.checked.check(&candidate) {
                Ok(engine) => engines.offered.push(engine),
                Err(reason) => {
                    engines.refused.push(RefusedEngine { path: candidate.bin_dir, reason });
                }
            }
        }
        engines.offered.sort_by_key(|engine| (engine.source, Reverse(engine.version)));
        let missing = self.pins.iter().filter(|pin| !self.settings.folder.join(pin.id()).is_dir());
        engines.available = missing.map(|pin| pin.version).collect();
        engines.available.sort_unstable_by_key(|version| Reverse(*version));
        engines
    }

    /// The engines that are there and work, the preferred first.
    pub fn installed(&self) -> Vec<Engine> {
        self.scan().offered
    }

    /// Every version that can be had, the oldest first.
    pub fn versions(&self) -> Vec<EngineVersion> {
        self.scan().versions()
    }

    /// The version that an unspecific request gets.
    pub fn default_version(&self) -> Option<EngineVersion> {
        self.find(None).map(|(_, version)| version)
    }

    /// The preferred engine for a request: a major version, an exact one, or any. Why there is
    /// none, [`Engines::find`] says.
    pub fn find(&self, request: Option<&str>) -> Option<(EngineSource, EngineVersion)> {
        let choice = self.scan().find(request).ok()?;
        Some((choice.source, choice.version))
    }

    /// The engine itself, downloaded if it is an embedded one that is not there. The
    /// distribution's engine is updated in place, so any release of the major version is meant.
    ///
    /// # Errors
    /// There is none, it cannot be fetched, or it does not work on this machine.
    pub fn ensure(
        &self,
        source: EngineSource,
        version: EngineVersion,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Engine, EngineError> {
        let mut failure = None;
        let (mut candidates, _) = self.candidates();
        candidates.retain(|candidate| candidate.source == source && candidate.fits(version));
        for candidate in candidates {
            match self.checked.check(&candidate) {
                Ok(engine) => return Ok(engine),
                Err(error) => failure = Some(error),
            }
        }
        let pin = self.pins.iter().find(|pin| pin.version == version);
        let Some(pin) = pin.filter(|_| source == EngineSource::Embedded) else {
            let none = || self.scan().no_such_engine(&version.to_string());
            return Err(failure.unwrap_or_else(none));
        };
        let setting = self.settings.registry.as_deref();
        let registry = || Registry::resolve(setting, || self.npm.with_answers());
        let place = ensure_installed(&self.settings.folder, pin, registry, progress)?;
        self.checked.check(&Candidate::embedded(&place))
    }

    /// Every folder that should hold an engine, and the cache where it cannot be read or trusted.
    fn candidates(&self) -> (Vec<Candidate>, Option<RefusedEngine>) {
        let system = MAJORS.map(|major| {
            Candidate::system(major, &self.settings.system_root.join(major.to_string()))
        });
        // A folder without a server holds client programs only.
        let system = system.filter(|candidate| candidate.bin_dir.join("postgres").is_file());
        let path = &self.settings.folder;
        match cached(path) {
            Ok(places) => {
                let embedded = places.iter().map(|place| Candidate::embedded(place));
                (system.chain(embedded).collect(), None)
            }
            Err(reason) => (system.collect(), Some(RefusedEngine { path: path.clone(), reason })),
        }
    }
}

/// Every engine of this platform in the cache, pinned or not: an update of pgkeep brings other
/// pins, and instances go on with the engine that they were made with.
fn cached(engines_dir: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let failed = || EngineError::io("read", engines_dir);
    let entries = match fs::read_dir(engines_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.map_err(failed())?,
    };
    check_owner(engines_dir)?;
    let prefix = platform().map(|platform| format!("{platform}-"));
    let mut places = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed())?;
        let name = entry.file_name();
        if prefix.as_ref().is_some_and(|prefix| name.to_string_lossy().starts_with(prefix)) {
            places.push(entry.path());
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::check::check;
    use super::super::fixture::{FakeRegistry, engine_package, system_bin_dir};
    use super::*;

    /// A catalogue in a folder of its own: no system engines, one pin, served on loopback.
    fn catalogue(dir: &Path) -> (EngineCatalogue, Pin, FakeRegistry) {
        let (pin, bytes) = engine_package();
        let server = FakeRegistry::serve(bytes.clone(), bytes.len());
        let settings = EngineSettings {
            folder: dir.join("cache/engines"),
            system_root: dir.join("system"),
            registry: Some(server.base()),
        };
        (
            EngineCatalogue {
                settings,
                pins: vec![pin],
                npm: NpmConfig::read(),
                checked: Checked::default(),
            },
            pin,
            server,
        )
    }

    #[test]
    fn an_embedded_engine_is_found_fetched_checked_and_offered() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, server) = catalogue(dir.path());
        let (source, version) = catalogue.find(None).unwrap();
        assert_eq!((source, version), (EngineSource::Embedded, pin.version));
        let mut last = (0, 0);
        let mut progress = |step: Progress| last = (step.received_bytes, step.total_bytes);
        let engine = catalogue.ensure(source, version, &mut progress).unwrap();
        assert_eq!(last, (pin.size, pin.size));
        let place = dir.path().join("cache/engines").join(pin.id());
        assert_eq!(engine.bin_dir, place.join("bin"));
        assert_eq!(engine.lib_dir, Some(place.join("lib")));
        let engines = catalogue.scan();
        assert_eq!(engines.offered, [engine]);
        assert!(engines.refused.is_empty() && engines.available.is_empty());
        catalogue.ensure(source, version, &mut |_| {}).unwrap();
        assert_eq!(server.requests().len(), 1);
    }

    #[test]
    fn an_engine_that_fails_its_check_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, _server) = catalogue(dir.path());
        let mut other = pin;
        other.package_version = "9.6.0-beta.1";
        let catalogue = EngineCatalogue { pins: vec![other], ..catalogue };
        let result = catalogue.ensure(EngineSource::Embedded, pin.version, &mut |_| {});
        assert!(matches!(result, Err(EngineError::WrongVersion { .. })));
        let engines = catalogue.scan();
        assert!(engines.offered.is_empty());
        assert!(matches!(engines.refused[0].reason, EngineError::WrongVersion { .. }));
    }

    #[test]
    fn no_program_of_a_cache_that_others_can_change_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, _server) = catalogue(dir.path());
        let ensure = || catalogue.ensure(EngineSource::Embedded, pin.version, &mut |_| {});
        let engine = ensure().unwrap();
        let engines = dir.path().join("cache/engines");
        let chmod = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for folder in [engines.clone(), engines.join(pin.id())] {
            chmod(&folder, 0o777);
            assert!(matches!(ensure(), Err(EngineError::OfOthers(path)) if path == folder));
            let scanned = catalogue.scan();
            assert!(scanned.offered.is_empty());
            assert!(matches!(scanned.refused[0].reason, EngineError::OfOthers(_)));
            chmod(&folder, 0o755);
            assert_eq!(ensure().unwrap(), engine);
        }
        // What is above is not judged.
        chmod(&dir.path().join("cache"), 0o777);
        assert_eq!(ensure().unwrap(), engine);
    }

    #[test]
    fn an_engine_whose_server_is_replaced_is_checked_again() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, _server) = catalogue(dir.path());
        let bin_dir = dir.path().join(format!("system/{}/bin", pin.version.major));
        fs::create_dir_all(&bin_dir).unwrap();
        symlink("/bin/true", bin_dir.join("initdb")).unwrap();
        let postgres = bin_dir.join("postgres");
        symlink(system_bin_dir().join("postgres"), &postgres).unwrap();
        let first = catalogue.installed();
        assert_eq!(first.len(), 1);
        assert_eq!(catalogue.installed(), first);
        fs::remove_file(&postgres).unwrap();
        symlink("/bin/true", &postgres).unwrap();
        assert_eq!(catalogue.installed(), []);
    }

    #[test]
    fn the_distributions_engines_are_those_with_a_server() {
        let dir = tempfile::tempdir().unwrap();
        let (catalogue, pin, _server) = catalogue(dir.path());
        let (real, system) = (system_bin_dir(), dir.path().join("system"));
        let version = check(EngineSource::System, real.clone(), None).unwrap().version;
        let other = if version.major == 10 { 11 } else { 10 };
        for folder in [format!("{}", version.major), other.to_string(), "12/bin".to_owned()] {
            fs::create_dir_all(system.join(folder)).unwrap();
        }
        symlink(&real, system.join(format!("{}/bin", version.major))).unwrap();
        symlink(&real, system.join(format!("{other}/bin"))).unwrap();
        let engines = catalogue.scan();
        let offered: Vec<_> = engines.offered.iter().map(|e| (e.version, e.source)).collect();
        assert_eq!(offered, [(version, EngineSource::System)]);
        assert_eq!(engines.offered[0].lib_dir, None);
        assert_eq!(engines.refused[0].path, system.join(format!("{other}/bin")));
        assert_eq!(engines.refused.len(), 1);
        assert_eq!(engines.available, [pin.version]);
        let ensure = |version| catalogue.ensure(EngineSource::System, version, &mut |_| {});
        let earlier = EngineVersion { major: version.major, minor: 0 };
        assert_eq!(ensure(earlier).unwrap().version, version);
        assert!(matches!(
            ensure(EngineVersion { major: other, minor: 0 }),
            Err(EngineError::WrongVersion { .. })
        ));
        let result = ensure(EngineVersion { major: 13, minor: 0 });
        assert!(matches!(result, Err(EngineError::NoSuchEngine { .. })));
    }
}
