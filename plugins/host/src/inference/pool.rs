//! The children: how many there may be, which wait for another page, and when one is
//! ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use metrics::{Label, counter};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::process::{Process, Stopped};
use crate::child_process::ChildProgram;
use crate::metric_labels::metric_labels;

/// A child that waited this long for a page ends, at the latest after twice the time:
/// it holds its models in memory, and loading them again costs less than a page.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Calls of a child before it ends, so that what each leaves behind in it does not add
/// up.
const CALLS_MAX: u32 = 1_000;

/// Whom a child serves, and within which bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) engine: String,
    /// SHA-256 of its component.
    pub(crate) digest: String,
    pub(crate) memory_bytes_max: u64,
}

/// All children of a host.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `None`: this host computes no models.
    program: Option<ChildProgram>,
    children_max: usize,
    /// In the order in which they are asked for. A worker makes no more calls at once
    /// than there are turns, so tenants wait for each other nowhere but in its queue.
    turns: Arc<Semaphore>,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that has waited longest is the first.
    idle: Vec<Idle>,
    /// Whether a task ends those that have waited too long.
    is_watched: bool,
}

#[derive(Debug)]
struct Idle {
    owner: Owner,
    process: Process,
    since: Instant,
}

/// A turn, with the child that is used in it. At its end the child waits for another.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) owner: Owner,
    /// `None` while it is being asked, and when it is gone.
    pub(super) process: Option<Process>,
    /// Whether it served no call before.
    pub(super) is_new: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool of at most so many children, working or waiting.
    pub(crate) fn new(program: Option<ChildProgram>, children_max: usize, runtime: Handle) -> Arc<Self> {
        let children_max = children_max.max(1);
        let turns = Arc::new(Semaphore::new(children_max));
        Arc::new(Self { program, children_max, turns, runtime, state: Mutex::default() })
    }

    /// A turn for `owner`, with a child that waits for it, if there is one.
    pub(super) async fn turn(self: &Arc<Self>, owner: &Owner) -> Result<Turn, Stopped> {
        let permit = Arc::clone(&self.turns).acquire_owned().await;
        let permit = permit.map_err(|_| Stopped::Unavailable("the host is shutting down".to_owned()))?;
        let mut state = self.lock();
        let kept = state.idle.iter().rposition(|idle| idle.owner == *owner);
        let process = kept.map(|at| state.idle.remove(at).process);
        let working = self.children_max - self.turns.available_permits();
        while state.idle.len() + working > self.children_max && !state.idle.is_empty() {
            count_end(&state.idle.remove(0).owner, "displaced");
        }
        drop(state);
        let is_new = process.is_none();
        Ok(Turn { owner: owner.clone(), process, is_new, pool: Arc::clone(self), _permit: permit })
    }

    fn keep(self: &Arc<Self>, owner: Owner, mut process: Process) {
        process.calls += 1;
        if process.calls >= CALLS_MAX {
            count_end(&owner, "used_up");
            return;
        }
        let mut state = self.lock();
        state.idle.push(Idle { owner, process, since: Instant::now() });
        if !state.is_watched {
            state.is_watched = true;
            self.runtime.spawn(end_idle(Arc::downgrade(self)));
        }
    }

    /// Ends the children that have waited for `at_least`. Returns whether any are left.
    fn end_idle(&self, at_least: Duration) -> bool {
        let mut state = self.lock();
        for ended in state.idle.extract_if(.., |idle| idle.since.elapsed() >= at_least) {
            count_end(&ended.owner, "idle");
        }
        state.is_watched = !state.idle.is_empty();
        state.is_watched
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No panic leaves it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The child, or a new one. It is killed unless it is put back.
    pub(super) fn process(&mut self) -> Result<Process, Stopped> {
        if let Some(process) = self.process.take() {
            return Ok(process);
        }
        self.is_new = true;
        let program = self.pool.program.as_ref();
        let none = || Stopped::Unavailable("this host computes no models".to_owned());
        Process::start(program.ok_or_else(none)?)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match self.process.take() {
            Some(process) => self.pool.keep(self.owner.clone(), process),
            None => count_end(&self.owner, "stopped"),
        }
    }
}

fn count_end(owner: &Owner, reason: &'static str) {
    let mut labels = metric_labels(&owner.engine, &owner.digest);
    labels.push(Label::new("reason", reason));
    counter!("untxt_plugin_model_processes_ended_total", labels).increment(1);
}

async fn end_idle(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE_MAX).await;
        if !pool.upgrade().is_some_and(|pool| pool.end_idle(IDLE_MAX)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn owner(engine: &str) -> Owner {
        Owner { engine: engine.to_owned(), digest: String::new(), memory_bytes_max: 1 << 30 }
    }

    fn pool(children_max: usize) -> Arc<Pool> {
        // It waits for its input, as a child does.
        let program = ChildProgram { program: PathBuf::from("/bin/cat"), arguments: Vec::new() };
        Pool::new(Some(program), children_max, Handle::current())
    }

    /// Uses a child as a call does.
    async fn used(pool: &Arc<Pool>, engine: &str) -> bool {
        let mut turn = pool.turn(&owner(engine)).await.unwrap();
        let process = turn.process().unwrap();
        turn.process = Some(process);
        turn.is_new
    }

    fn waiting(pool: &Pool) -> Vec<String> {
        pool.lock().idle.iter().map(|idle| idle.owner.engine.clone()).collect()
    }

    #[tokio::test]
    async fn a_child_waits_for_its_own_engine_and_the_least_recently_used_makes_room() {
        let pool = pool(2);
        assert!(used(&pool, "a").await);
        assert!(used(&pool, "b").await);
        assert!(!used(&pool, "a").await, "it was kept");
        assert_eq!(waiting(&pool), ["b", "a"]);
        assert!(used(&pool, "c").await);
        assert_eq!(waiting(&pool), ["a", "c"]);
    }

    #[tokio::test]
    async fn calls_beyond_the_bound_wait_for_their_turn() {
        let pool = pool(1);
        let first = pool.turn(&owner("a")).await.unwrap();
        let other = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { used(&pool, "b").await }
        });
        tokio::task::yield_now().await;
        assert!(!other.is_finished());
        drop(first);
        assert!(other.await.unwrap());
    }

    #[tokio::test]
    async fn a_child_that_waited_too_long_or_served_too_often_is_ended() {
        let pool = pool(2);
        used(&pool, "a").await;
        assert!(pool.end_idle(Duration::from_secs(3_600)), "it may wait");
        assert!(!pool.end_idle(Duration::ZERO));
        assert!(waiting(&pool).is_empty());
        used(&pool, "a").await;
        pool.lock().idle[0].process.calls = CALLS_MAX - 1;
        used(&pool, "a").await;
        assert!(waiting(&pool).is_empty());
    }
}
