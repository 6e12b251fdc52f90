//! Where packages are fetched from: an npm registry, or a folder of packages.
//!
//! The address is a setting, or the one that this machine's npm uses, never one in the code.
//! Credentials go into the `Authorization` header of the registry's own host and nowhere else.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use super::EngineError;
use super::npm::NpmConfig;
use super::pin::Pin;

/// For the name, the connection and the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the registry may send nothing at all.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A source of packages.
#[derive(Debug)]
pub(super) enum Registry {
    /// A folder: laid out as a registry's addresses are, or as `npm pack` fills one.
    Folder(PathBuf),
    /// A server that speaks npm's protocol.
    Http(HttpRegistry),
}

/// A registry on a server.
pub(super) struct HttpRegistry {
    /// The address without credentials and without a slash at the end.
    base: String,
    /// The `Authorization` header.
    authorization: Option<String>,
    agent: Agent,
}

impl fmt::Debug for HttpRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRegistry").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Registry {
    /// The registry that the setting names, else the one of npm's configuration.
    ///
    /// # Errors
    /// There is none, its address is unusable, or no authority could vouch for it.
    pub(super) fn resolve(
        setting: Option<&str>,
        npm: impl FnOnce() -> NpmConfig,
    ) -> Result<Self, EngineError> {
        let setting = setting.filter(|setting| !setting.is_empty());
        if let Some(folder) = setting.and_then(as_folder) {
            return Ok(Self::Folder(folder));
        }
        let npm = npm();
        let address = setting.or_else(|| npm.registry()).ok_or(EngineError::NoRegistry)?;
        match as_folder(address) {
            Some(folder) => Ok(Self::Folder(folder)),
            None => HttpRegistry::new(address, &npm).map(Self::Http),
        }
    }

    /// Opens a package for reading.
    ///
    /// # Errors
    /// The registry is out of reach, or does not have the package.
    pub(super) fn open(&self, pin: &Pin) -> Result<Box<dyn Read>, EngineError> {
        match self {
            Self::Folder(folder) => Ok(Box::new(open_in_folder(folder, pin)?)),
            Self::Http(registry) => registry.open(pin),
        }
    }
}

impl HttpRegistry {
    fn new(address: &str, npm: &NpmConfig) -> Result<Self, EngineError> {
        let address = address.trim_end_matches('/');
        // The address is not repeated in the error: it may hold credentials.
        let unusable = || {
            let (scheme, _) = address.split_once(':').unwrap_or((address, ""));
            EngineError::UnusableRegistry(scheme.to_owned())
        };
        let (scheme, rest) = address.split_once("://").ok_or_else(unusable)?;
        if !["http", "https"].contains(&scheme) || rest.is_empty() {
            return Err(unusable());
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match host.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, host),
        };
        let base = format!("{scheme}://{host}{path}");
        let basic = |user| {
            let user: Vec<u8> = percent_decode_str(user).collect();
            format!("Basic {}", BASE64_STANDARD.encode(user))
        };
        let bearer = || npm.token(&base).map(|token| format!("Bearer {token}"));
        let authorization = user.map(basic).or_else(bearer);
        let agent = agent(npm, scheme == "https")?;
        Ok(Self { base, authorization, agent })
    }

    fn open(&self, pin: &Pin) -> Result<Box<dyn Read>, EngineError> {
        let mut request = self.agent.get(format!("{}/{}", self.base, pin.registry_path()));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let response = request.call().map_err(|source| EngineError::Request {
            package: pin.package(),
            registry: self.base.clone(),
            source: Box::new(source),
        })?;
        Ok(Box::new(response.into_body().into_reader()))
    }
}

/// The folder that an address means: anything but an address of another scheme.
fn as_folder(address: &str) -> Option<PathBuf> {
    let path = address.strip_prefix("file://").unwrap_or(address);
    (!path.contains("://")).then(|| PathBuf::from(path))
}

fn open_in_folder(folder: &Path, pin: &Pin) -> Result<File, EngineError> {
    for path in [pin.registry_path(), pin.packed_name()].map(|name| folder.join(name)) {
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map_err(EngineError::io("open", path)),
        }
    }
    Err(EngineError::NotInFolder { package: pin.package(), folder: folder.to_owned() })
}

/// A client that reaches the registry as npm does: its proxy and its authorities, and the
/// system's of both.
fn agent(npm: &NpmConfig, tls: bool) -> Result<Agent, EngineError> {
    let authorities = authorities(npm);
    if tls && authorities.is_empty() {
        return Err(EngineError::NoAuthorities);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(authorities)))
        .build();
    let proxy = Proxy::try_from_env().or_else(|| npm.proxy().and_then(|url| Proxy::new(url).ok()));
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy)
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(STALL_TIMEOUT))
        .timeout_per_read(Some(STALL_TIMEOUT))
        .build();
    Ok(config.new_agent())
}

/// The system's authorities (or those of `SSL_CERT_FILE`), npm's, and Node's further ones.
fn authorities(npm: &NpmConfig) -> Vec<Certificate<'static>> {
    let system = rustls_native_certs::load_native_certs().certs;
    let system = system.iter().map(|der| Certificate::from_der(der).to_owned());
    let node = env::var_os("NODE_EXTRA_CA_CERTS").map(PathBuf::from);
    let files = npm.authorities().map(Path::to_owned).into_iter().chain(node);
    let pem = files.filter_map(|file| fs::read(file).ok());
    let further = pem.flat_map(|pem| {
        let certificate = |item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        };
        ureq::tls::parse_pem(&pem).filter_map(certificate).collect::<Vec<_>>()
    });
    system.chain(further).collect()
}

#[cfg(test)]
mod tests;
