//! Installs that succeed, fail, die and meet.

use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

use super::super::fixture::{Entry, FakeRegistry, pin_of, tarball};
use super::super::npm::NpmConfig;
use super::*;

fn package() -> (Pin, Vec<u8>) {
    let bytes = tarball(&[Entry::file("package/native/bin/postgres", &vec![7; 200_000])]);
    (pin_of((16, 1), "16.1.0-beta.1", &bytes), bytes)
}

fn install(dir: &Path, pin: &Pin, server: &FakeRegistry) -> Result<PathBuf, EngineError> {
    let base = server.base();
    let registry = || Registry::resolve(Some(&base), || NpmConfig::of_text(""));
    ensure_installed(dir, pin, registry, &mut |_| {})
}

fn names(dir: &Path) -> Vec<String> {
    let names = dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_engine_is_installed_once() {
    let cache = tempfile::tempdir().unwrap();
    let dir = cache.path().join("new/engines");
    let (pin, bytes) = package();
    let server = FakeRegistry::serve(bytes.clone(), bytes.len());
    let place = install(&dir, &pin, &server).unwrap();
    assert_eq!(place, dir.join(pin.id()));
    assert_eq!(fs::read(place.join("bin/postgres")).unwrap().len(), 200_000);
    assert_eq!(names(&dir), [".lock".to_owned(), pin.id()]);
    for folder in [cache.path().join("new"), dir.clone(), place.clone()] {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o755, "{folder:?}");
    }
    assert_eq!(install(&dir, &pin, &server).unwrap(), place);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn nothing_is_left_of_a_bad_download() {
    let dir = tempfile::tempdir().unwrap();
    let (pin, bytes) = package();
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    let half = bytes[..bytes.len() / 2].to_vec();
    let endless = [bytes.clone(), vec![0; 1 << 20]].concat();
    let servers = [
        FakeRegistry::serve(other, bytes.len()),
        FakeRegistry::serve(half.clone(), half.len()),
        FakeRegistry::serve(half, bytes.len()),
        FakeRegistry::serve(endless, usize::MAX >> 1),
        FakeRegistry::answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec()),
        FakeRegistry::answer(b"no http".to_vec()),
    ];
    let failures = servers.map(|server| install(dir.path(), &pin, &server).unwrap_err());
    assert!(matches!(
        failures,
        [
            EngineError::WrongHash { .. },
            EngineError::WrongSize { .. },
            EngineError::Io { action: "receive", .. },
            EngineError::WrongSize { .. },
            EngineError::Request { .. },
            EngineError::Request { .. },
        ]
    ));
    assert_eq!(names(dir.path()), [".lock"]);
}

#[test]
fn nothing_is_left_of_a_hostile_package_whose_hash_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = tarball(&[
        Entry::file("package/native/bin/postgres", b"x"),
        Entry::file("package/native/../../../../escaped", b"x"),
    ]);
    let pin = pin_of((16, 1), "16.1.0-beta.1", &bytes);
    let server = FakeRegistry::serve(bytes.clone(), bytes.len());
    let failure = install(dir.path(), &pin, &server).unwrap_err();
    assert!(matches!(failure, EngineError::RefusedEntry { .. }));
    assert_eq!(names(dir.path()), [".lock"]);
}

#[test]
fn what_a_killed_process_left_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join(".partial-abc123/tree/bin");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("postgres"), b"half").unwrap();
    let (pin, bytes) = package();
    let server = FakeRegistry::serve(bytes.clone(), bytes.len());
    install(dir.path(), &pin, &server).unwrap();
    assert_eq!(names(dir.path()), [".lock".to_owned(), pin.id()]);
}

#[test]
fn concurrent_installs_fetch_once() {
    let dir = tempfile::tempdir().unwrap();
    let (pin, bytes) = package();
    let server = FakeRegistry::serve(bytes.clone(), bytes.len());
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                install(dir.path(), &pin, &server).unwrap();
            });
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert_eq!(names(dir.path()), [".lock".to_owned(), pin.id()]);
}
