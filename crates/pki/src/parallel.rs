//! Jobs side by side: key generation is nothing but computing, and takes seconds for RSA-4096.

use std::panic::resume_unwind;
use std::thread;

/// Runs each job on a thread of its own; the answers come in the order of the jobs.
pub(crate) fn in_parallel<T, J, const N: usize>(jobs: [J; N]) -> [T; N]
where
    T: Send,
    J: FnOnce() -> T + Send,
{
    thread::scope(|scope| {
        let threads = jobs.map(|job| scope.spawn(job));
        threads.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
