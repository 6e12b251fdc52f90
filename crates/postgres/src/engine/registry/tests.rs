//! Addresses, credentials and folders.

use super::super::fixture::{FakeRegistry, pin_of};
use super::*;

fn resolve(setting: &str, npmrc: &str) -> Result<Registry, EngineError> {
    Registry::resolve(Some(setting), || NpmConfig::of_text(npmrc))
}

fn fetched(registry: &Registry) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    let mut body = registry.open(&pin_of((16, 1), "16.1.0-beta.1", b"body"))?;
    body.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

#[test]
fn a_package_is_asked_for_by_npms_protocol_with_npms_token() {
    let server = FakeRegistry::serve(b"body".to_vec(), 4);
    let address = server.base();
    let npmrc = format!("{}:_authToken=s3cr3t", address.strip_prefix("http:").unwrap());
    let registry = resolve(&address, &npmrc).unwrap();
    assert!(!format!("{registry:?}").contains("s3cr3t"));
    assert_eq!(fetched(&registry).unwrap(), b"body");
    let platform = super::super::pin::platform().unwrap();
    let path = format!("/npm/@embedded-postgres/{platform}/-/{platform}-16.1.0-beta.1.tgz");
    let request = server.requests().concat();
    assert!(request.starts_with(&format!("GET {path} HTTP/1.1\n")), "{request}");
    assert!(request.to_lowercase().contains("\nauthorization: bearer s3cr3t\n"), "{request}");
}

#[test]
fn npms_registry_is_used_where_none_is_set() {
    let server = FakeRegistry::serve(b"body".to_vec(), 4);
    let npmrc = format!("@embedded-postgres:registry={}", server.base());
    let registry = Registry::resolve(None, || NpmConfig::of_text(&npmrc)).unwrap();
    assert_eq!(fetched(&registry).unwrap(), b"body");
    assert!(!server.requests().concat().to_lowercase().contains("authorization"));
    let none = Registry::resolve(Some(""), || NpmConfig::of_text("")).unwrap_err();
    assert!(matches!(none, EngineError::NoRegistry));
    assert!(none.hint().unwrap().contains("PGKEEP_ENGINE_REGISTRY"));
}

#[test]
fn credentials_in_an_address_become_a_header_and_are_never_shown() {
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let server = FakeRegistry::answer(missing);
    let registry = resolve(&server.base().replace("://", "://me:s3%63r3t@"), "").unwrap();
    let error = fetched(&registry).unwrap_err();
    assert!(matches!(&error, EngineError::Request { source, .. }
        if matches!(**source, ureq::Error::StatusCode(404))));
    assert!(!format!("{error} {error:?} {registry:?}").contains("s3cr3t"));
    let request = server.requests().concat().to_lowercase();
    assert!(request.contains("\nauthorization: basic bwu6cznjcjn0\n"), "{request}");
    let unusable = resolve("ftp://me:s3cr3t@host/", "").unwrap_err();
    assert!(!format!("{unusable} {unusable:?}").contains("s3cr3t"));
}

#[test]
fn a_folder_serves_packages_of_either_layout() {
    let dir = tempfile::tempdir().unwrap();
    let pin = pin_of((16, 1), "16.1.0-beta.1", b"body");
    let npm = || panic!("a folder needs no npm");
    for setting in [dir.path().display().to_string(), format!("file://{}", dir.path().display())] {
        let registry = Registry::resolve(Some(&setting), npm).unwrap();
        assert!(matches!(fetched(&registry), Err(EngineError::NotInFolder { .. })));
        fs::write(dir.path().join(pin.packed_name()), b"packed").unwrap();
        assert_eq!(fetched(&registry).unwrap(), b"packed");
        let mirrored = dir.path().join(pin.registry_path());
        fs::create_dir_all(mirrored.parent().unwrap()).unwrap();
        fs::write(&mirrored, b"mirrored").unwrap();
        assert_eq!(fetched(&registry).unwrap(), b"mirrored");
        fs::remove_file(mirrored).unwrap();
        fs::remove_file(dir.path().join(pin.packed_name())).unwrap();
    }
}
