//! The child's side: its bounds, and its requests.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Bounds this process to so many bytes of address space. It writes no file, and
/// leaves no core behind. A refused allocation aborts it.
///
/// # Errors
/// The kernel's.
pub fn confine(memory_bytes_max: u64) -> io::Result<()> {
    let at_most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::As, at_most(memory_bytes_max))?;
    Ok(setrlimit(Resource::Fsize, at_most(0))?)
}

/// Bounds the CPU seconds of this process since its start. `SIGXCPU` ends it at
/// `seconds_max`, which can be set anew up to `ceiling`.
///
/// # Errors
/// The kernel's.
pub fn limit_cpu_time(seconds_max: u64, ceiling: Option<u64>) -> io::Result<()> {
    let current = ceiling.map_or(seconds_max, |ceiling| seconds_max.min(ceiling - 1));
    Ok(setrlimit(Resource::Cpu, Rlimit { current: Some(current), maximum: ceiling })?)
}

/// The requests of the parent, in order. The parent keeps the child's standard input
/// open while it wants an answer, so the end of the input means that the parent is
/// gone, even if it was killed; a child at work is then aborted.
#[derive(Debug)]
pub struct Requests<T> {
    receiver: Receiver<T>,
    unanswered: Arc<AtomicUsize>,
}

impl<T: Send + 'static> Requests<T> {
    /// Reads requests on a thread of its own, until `read` returns none. The parent
    /// waits for each answer, so there is at most one at a time.
    pub fn read(mut read: impl FnMut() -> Option<T> + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        let unanswered = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&unanswered);
        thread::spawn(move || {
            while let Some(request) = read() {
                count.fetch_add(1, Ordering::SeqCst);
                if sender.send(request).is_err() {
                    return;
                }
            }
            if count.load(Ordering::SeqCst) > 0 {
                std::process::abort();
            }
        });
        Self { receiver, unanswered }
    }

    /// Answers requests with `answer` until there are no more.
    ///
    /// # Errors
    /// The first error of `answer`.
    pub fn answer_all(&self, mut answer: impl FnMut(T) -> io::Result<()>) -> io::Result<()> {
        while let Ok(request) = self.receiver.recv() {
            answer(request)?;
            self.unanswered.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(())
    }
}
