//! For the tests: packages, and a registry on loopback that serves them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha512};
use tar::EntryType;

use super::check::check;
use super::pin::{Pin, pin, platform};
use pgkeep_model::EngineSource;

/// An entry of a package, written without any of the archive library's own checks.
pub(super) struct Entry<'a> {
    path: &'a str,
    content: &'a [u8],
    mode: u32,
    kind: EntryType,
    size: u64,
}

impl<'a> Entry<'a> {
    pub(super) fn file(path: &'a str, content: &'a [u8]) -> Self {
        let size = content.len() as u64;
        Self { path, content, mode: 0o644, kind: EntryType::Regular, size }
    }

    pub(super) fn folder(path: &'a str) -> Self {
        Self::file(path, b"").kind(EntryType::Directory)
    }

    pub(super) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn kind(self, kind: EntryType) -> Self {
        Self { kind, ..self }
    }

    /// States another size than the content has.
    pub(super) fn claiming(self, size: u64) -> Self {
        Self { size, ..self }
    }
}

/// A gzipped tarball of the entries.
pub(super) fn tarball(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
        header.set_mode(entry.mode);
        header.set_entry_type(entry.kind);
        header.set_size(entry.size);
        header.set_cksum();
        tar.append(&header, entry.content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// The programs of an engine that this machine's distribution installed.
pub(super) fn system_bin_dir() -> PathBuf {
    let majors = Path::new("/usr/lib/postgresql").read_dir().expect("the tests need PostgreSQL");
    let dirs = majors.map(|major| major.unwrap().path().join("bin"));
    dirs.filter(|dir| dir.join("initdb").is_file()).max().expect("the tests need PostgreSQL")
}

/// A package with the programs of this machine's PostgreSQL, which runs wherever it lies.
pub(super) fn engine_package() -> (Pin, Vec<u8>) {
    let system = system_bin_dir();
    let version = check(EngineSource::System, system.clone(), None).unwrap().version;
    let bytes = tarball(&[
        Entry::file("package/native/bin/initdb", b"#!/bin/sh\n"),
        Entry::file("package/native/bin/postgres", &fs::read(system.join("postgres")).unwrap()),
        Entry::file("package/native/lib/a", b"a"),
        Entry::file(
            "package/native/pg-symlinks.json",
            br#"[{"source":"native/lib/a","target":"native/lib/b"}]"#,
        ),
    ]);
    let package_version = format!("{version}.0-beta.1").leak();
    (pin_of((version.major, version.minor), package_version, &bytes), bytes)
}

/// The pin of a package.
pub(super) fn pin_of(version: (u16, u16), package_version: &'static str, bytes: &[u8]) -> Pin {
    let sha512 = BASE64_STANDARD.encode(Sha512::digest(bytes)).leak();
    pin(platform().unwrap(), package_version, version, bytes.len() as u64, sha512)
}

/// A registry that answers every request with one body, and keeps the requests' heads.
pub(super) struct FakeRegistry {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeRegistry {
    /// Serves `body` with a length of `claimed` bytes, until dropped.
    pub(super) fn serve(body: Vec<u8>, claimed: usize) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {claimed}\r\n\r\n");
        Self::answer([head.into_bytes(), body].concat())
    }

    /// Answers every request with these bytes and closes the connection.
    pub(super) fn answer(response: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let head = read_head(&stream);
                if head.is_empty() {
                    return;
                }
                kept.lock().unwrap().push(head);
                // A client that has read enough may hang up.
                _ = (&stream).write_all(&response);
            }
        });
        Self { address, requests, thread: Some(thread) }
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}/npm/", self.address)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for FakeRegistry {
    /// A connection without a request ends the thread.
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn read_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}
