//! The engine that an instance runs on, and the OpenSSL that it brings.

use pgkeep_model::parameters::openssl_release;
use pgkeep_model::{DbInstance, EngineSource};
use pgkeep_postgres::{Engine, EngineCatalogue};

use crate::Control;

impl Control {
    /// The OpenSSL of an instance's engine; of one that is not installed yet, that of all embedded
    /// ones.
    pub fn openssl_of(&self, instance: &DbInstance) -> (u16, u16, u16) {
        openssl_of(&self.settings.engines, instance)
    }

    /// The engine that an instance runs on, if it is installed.
    pub(crate) fn engine_of(&self, instance: &DbInstance) -> Option<Engine> {
        engine_of(&self.settings.engines, instance)
    }
}

/// The OpenSSL of the engine that an instance would run on, as [`Control::openssl_of`].
pub fn openssl_of(engines: &EngineCatalogue, instance: &DbInstance) -> (u16, u16, u16) {
    openssl_in(engine_of(engines, instance).as_ref())
}

fn engine_of(engines: &EngineCatalogue, instance: &DbInstance) -> Option<Engine> {
    engines.installed().into_iter().find(|engine| crate::pool::runs_on(instance, engine))
}

/// The OpenSSL of an engine; of one that is not installed yet, that of all embedded ones.
pub(crate) fn openssl_in(engine: Option<&Engine>) -> (u16, u16, u16) {
    engine.and_then(|engine| openssl_release(&engine.openssl.text)).unwrap_or((1, 1, 1))
}

/// The release to record for an instance: that of the system engine that now runs it.
pub(crate) fn release_in_use(instance: &mut DbInstance, engine: &Engine) {
    if instance.desired.engine_source == EngineSource::System {
        instance.desired.engine_version = engine.version;
    }
}
