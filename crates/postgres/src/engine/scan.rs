//! What there is on this machine, and which of it a request means.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pgkeep_model::{EngineSource, EngineVersion};

use super::{Engine, EngineError};

/// The engines of this machine at one moment.
#[derive(Debug)]
pub struct Engines {
    /// Engines that work, the preferred first: the distribution's before embedded ones, then the
    /// newest.
    pub offered: Vec<Engine>,
    /// What looked like an engine and is none that works.
    pub refused: Vec<RefusedEngine>,
    /// Embedded engines that can be downloaded, the newest first.
    pub available: Vec<EngineVersion>,
}

/// A folder that should hold an engine, and why it is not offered.
#[derive(Debug)]
pub struct RefusedEngine {
    /// The folder of the programs.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: EngineError,
}

/// An engine that can be had, now or after a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineChoice {
    /// The release of PostgreSQL.
    pub version: EngineVersion,
    /// Where it comes from.
    pub source: EngineSource,
    /// Whether it is there already.
    pub installed: bool,
}

impl Engines {
    /// Everything that can be had, the preferred first: what is there before downloads.
    pub fn choices(&self) -> impl Iterator<Item = EngineChoice> {
        let offered = self.offered.iter().map(|engine| EngineChoice {
            version: engine.version,
            source: engine.source,
            installed: true,
        });
        let available = self.available.iter().map(|version| EngineChoice {
            version: *version,
            source: EngineSource::Embedded,
            installed: false,
        });
        offered.chain(available)
    }

    /// The preferred choice for a request: a major version, an exact one, or any.
    ///
    /// # Errors
    /// The request is no version, or nothing fits.
    pub fn find(&self, request: Option<&str>) -> Result<EngineChoice, EngineError> {
        let fits: Box<dyn Fn(EngineVersion) -> bool> = match request {
            None => Box::new(|_| true),
            Some(text) => match (text.parse::<u16>(), text.parse::<EngineVersion>()) {
                (Ok(major), _) => Box::new(move |version| version.major == major),
                (_, Ok(exact)) => Box::new(move |version| version == exact),
                _ => return Err(EngineError::NotAVersion(text.to_owned())),
            },
        };
        let found = self.choices().find(|choice| fits(choice.version));
        found.ok_or_else(|| self.no_such_engine(request.unwrap_or("any version")))
    }

    /// Every version that can be had, the oldest first.
    pub fn versions(&self) -> Vec<EngineVersion> {
        self.choices().map(|choice| choice.version).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The error for a request that nothing fits.
    pub(super) fn no_such_engine(&self, request: &str) -> EngineError {
        let versions: Vec<String> = self.versions().iter().map(ToString::to_string).collect();
        let offered =
            if versions.is_empty() { "none at all".to_owned() } else { versions.join(", ") };
        EngineError::NoSuchEngine { request: request.to_owned(), offered }
    }
}

#[cfg(test)]
mod tests {
    use super::super::OpensslVersion;
    use super::*;

    fn engine(version: &str, source: EngineSource) -> Engine {
        let openssl = OpensslVersion {
            text: "3.0.2".to_owned(),
            released: None,
            end_of_life: None,
            library: PathBuf::new(),
        };
        let bin_dir = PathBuf::from("/bin");
        Engine { version: version.parse().unwrap(), source, bin_dir, lib_dir: None, openssl }
    }

    #[test]
    fn the_distributions_engine_is_preferred_unless_another_is_named() {
        let engines = Engines {
            offered: vec![
                engine("16.9", EngineSource::System),
                engine("15.18", EngineSource::System),
                engine("17.10", EngineSource::Embedded),
            ],
            refused: vec![],
            available: ["18.4", "16.14"].map(|version| version.parse().unwrap()).into(),
        };
        let found = |request| {
            let choice = engines.find(request).unwrap();
            (choice.version.to_string(), choice.source, choice.installed)
        };
        assert_eq!(found(None), ("16.9".into(), EngineSource::System, true));
        assert_eq!(found(Some("16")), ("16.9".into(), EngineSource::System, true));
        assert_eq!(found(Some("16.14")), ("16.14".into(), EngineSource::Embedded, false));
        assert_eq!(found(Some("17")), ("17.10".into(), EngineSource::Embedded, true));
        assert_eq!(found(Some("18")), ("18.4".into(), EngineSource::Embedded, false));
        let error = engines.find(Some("16.1")).unwrap_err().to_string();
        assert!(error.ends_with("16.1; there is 15.18, 16.9, 16.14, 17.10, 18.4"), "{error}");
        for request in ["", "sixteen", "16.x", "v16", "16.1.2"] {
            let found = engines.find(Some(request));
            assert!(matches!(found, Err(EngineError::NotAVersion(_))), "{request}");
        }
    }
}
