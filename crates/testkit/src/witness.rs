//! A client that connects again and again while a test does what might cut it off.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use crate::{ControlPlane, Instance, MASTER_PASSWORD, Psql, wait_until};

/// A connection takes milliseconds.
const LIMIT: Duration = Duration::from_mins(1);

/// Connects with `verify-full` and the bundle of when it began, until this goes. Each connection
/// is a psql of its own.
#[derive(Debug)]
pub struct Witness {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_over: AtomicBool,
    verified: AtomicUsize,
    /// What it did not accept, or could not reach.
    complaints: Mutex<Vec<String>>,
}

impl Witness {
    /// Begins, as the master user.
    #[track_caller]
    pub fn of(plane: &ControlPlane, instance: &Instance) -> Self {
        Self::with(plane, instance, MASTER_PASSWORD)
    }

    /// The same with another password than tests usually have.
    #[track_caller]
    pub fn with(plane: &ControlPlane, instance: &Instance, password: &str) -> Self {
        let bundle = plane.desk().join("bundle-of-before.pem");
        fs::copy(plane.bundle(), &bundle).expect("a copy of the bundle");
        let psql = Psql::to(plane, instance)
            .with("sslrootcert", &bundle.display().to_string())
            .with("password", password);
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let thread = spawn(move || {
            while !own.is_over.load(Ordering::Relaxed) {
                let outcome = psql.run("SELECT 1");
                if outcome.status.success() {
                    own.verified.fetch_add(1, Ordering::Relaxed);
                } else {
                    own.complaints.lock().expect("no panic").push(outcome.stderr);
                }
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// Waits for a connection that began after this was called, and holds that since the last
    /// call every connection was accepted by either side.
    #[track_caller]
    pub fn assert_served(&self) {
        let complaints = self.wait_verified();
        assert_eq!(complaints, [""; 0], "a client that verifies was not served");
    }

    /// The same, but that the server may have been down.
    #[track_caller]
    pub fn assert_not_misled(&self) {
        let complaints = self.wait_verified();
        // Of libpq: what `be_tls` served is not accepted, or there is no TLS.
        let bad = |it: &&String| {
            let is_cut_off = it.contains("unexpected eof");
            let words = ["certificate", "SSL error", "does not support SSL"];
            !is_cut_off && words.iter().any(|word| it.contains(word))
        };
        let bad: Vec<_> = complaints.iter().filter(bad).collect();
        assert_eq!(bad, [""; 0], "a client that verifies did not accept what was served");
    }

    #[track_caller]
    fn wait_verified(&self) -> Vec<String> {
        let from = self.shared.verified.load(Ordering::Relaxed);
        wait_until("a client connects", LIMIT, || {
            let now = self.shared.verified.load(Ordering::Relaxed);
            // One may have been under way.
            if now >= from + 2 { Ok(()) } else { Err(format!("{:?}", self.shared.complaints)) }
        });
        std::mem::take(&mut *self.shared.complaints.lock().expect("no panic"))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
