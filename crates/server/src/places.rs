//! Places for connections, of which there are so many. Who comes when all are taken gets that of
//! the connection that has waited longest for its client. One whose request is being answered
//! keeps its place until then, so that in turn all who ask are answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How many connections are served at a time; a service manager gives a process 1024 files, and
/// each instance takes two. The kernel keeps more waiting.
pub(crate) const CONNECTIONS: usize = 256;
/// How long each may take at least: a client on this machine sends its whole request at once, but
/// may not have a processor for some time before. As many as connect all the time are served in
/// turn, 256 in 50 ms, which is 5120 a second.
const PATIENCE: Duration = Duration::from_millis(50);
/// The turn of a connection that does not wait for its client.
const NONE: u64 = 0;

/// All places.
#[derive(Default)]
pub(crate) struct Places {
    book: Mutex<Book>,
    /// A place was left, or a connection waits for its client that did not before.
    changed: Notify,
}

#[derive(Default)]
struct Book {
    taken: usize,
    /// Whether somebody waits for a place.
    is_wanted: bool,
    last_turn: u64,
    /// Since when connections wait for their clients, with what tells them to go.
    waiting: BTreeMap<u64, (Instant, Arc<Notify>)>,
}

/// The place of a connection, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    /// Its number in [`Book::waiting`], changed under the lock of the book alone.
    turn: AtomicU64,
    told: Arc<Notify>,
}

impl Places {
    /// Waits for a place, which another connection may have to leave.
    pub(crate) async fn take(self: &Arc<Self>) -> Arc<Place> {
        loop {
            // From here on no change is missed.
            let changed = self.changed.notified();
            match self.try_take() {
                Ok(()) => break,
                Err(Some(retry_at)) => drop(timeout_at(retry_at, changed).await),
                Err(None) => changed.await,
            }
        }
        let (places, turn) = (Arc::clone(self), AtomicU64::new(NONE));
        let place = Arc::new(Place { places, turn, told: Arc::default() });
        place.wait();
        place
    }

    /// Takes a place, or has one left; the error is when to look again if nothing changes before.
    fn try_take(&self) -> Result<(), Option<Instant>> {
        let mut book = self.book();
        if book.taken < CONNECTIONS {
            book.taken += 1;
            book.is_wanted = false;
            return Ok(());
        }
        book.is_wanted = true;
        let Some(longest) = book.waiting.first_entry() else { return Err(None) };
        let may_stay_until = longest.get().0 + PATIENCE;
        if Instant::now() < may_stay_until {
            return Err(Some(may_stay_until));
        }
        longest.remove().1.notify_one();
        Err(None)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// A request is there as a whole: its answer is not to be lost.
    pub(crate) fn keep(&self) {
        let mut book = self.places.book();
        let turn = self.turn.swap(NONE, Ordering::Relaxed);
        if turn != NONE && book.waiting.remove(&turn).is_none() {
            // It was told to leave and does not: another has to.
            self.places.changed.notify_waiters();
        }
    }

    /// It is for the client to do something: to send a request, or to read its answer, which is to
    /// be the last one if another client wants the place.
    pub(crate) fn wait(&self) -> bool {
        let mut book = self.places.book();
        book.waiting.remove(&self.turn.load(Ordering::Relaxed));
        book.last_turn += 1;
        let turn = book.last_turn;
        book.waiting.insert(turn, (Instant::now(), Arc::clone(&self.told)));
        self.turn.store(turn, Ordering::Relaxed);
        self.places.changed.notify_waiters();
        book.is_wanted
    }

    /// Resolves when another connection is to have this place.
    pub(crate) async fn lost(&self) {
        loop {
            self.told.notified().await;
            let book = self.places.book();
            let turn = self.turn.load(Ordering::Relaxed);
            if turn != NONE && !book.waiting.contains_key(&turn) {
                return;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.places.book();
        book.waiting.remove(&self.turn.load(Ordering::Relaxed));
        book.taken -= 1;
        self.places.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_waited_longest_makes_room() {
        let places = Arc::<Places>::default();
        let mut taken = Vec::new();
        for _ in 0..CONNECTIONS {
            taken.push(places.take().await);
        }
        taken[0].keep();
        assert!(!taken[1].wait(), "nobody else wants the place");
        let next = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        taken[2].lost().await;
        assert!(taken[0].wait(), "this answer is to be the last one");
        // Its request came after all: the next one leaves.
        taken[2].keep();
        taken[3].lost().await;
        assert!(!next.is_finished());
        drop(taken.remove(3));
        next.await.unwrap();
    }
}
