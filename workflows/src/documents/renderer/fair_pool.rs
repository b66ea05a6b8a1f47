//! So many children at once. Who wants one waits for a place; places are given
//! to tenants in turn, so that nobody waits for all the pages of somebody else's
//! document.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::documents::error::DocumentError;

/// Callers that give up after a while and wait for one kind of place. What each
/// holds is a connection and a spooled file, which have bounds of their own; a
/// thousand looks of some milliseconds are over before the callers give up.
const WAITING_MAX: usize = 1_000;

/// Those of one tenant: nobody fills the queue for all others.
const WAITING_OF_TENANT_MAX: usize = WAITING_MAX / 4;

/// Places, each with something that stays in it from one use to the next.
#[derive(Debug)]
pub(crate) struct FairPool<S> {
    state: Arc<Mutex<State<S>>>,
}

#[derive(Debug)]
struct State<S> {
    /// The one that was left last is at the end.
    free: Vec<S>,
    /// Who waits, by tenant. No queue is empty.
    queues: HashMap<Arc<str>, VecDeque<oneshot::Sender<PoolGuard<S>>>>,
    /// The tenants of `queues`, who is next at the front.
    turns: VecDeque<Arc<str>>,
    /// Places that each tenant has now; none of the counts is 0.
    taken: HashMap<Arc<str>, usize>,
}

/// A place, and what is in it. It is free again, with whatever is in it then,
/// when this is dropped.
#[derive(Debug)]
pub(crate) struct PoolGuard<S> {
    tenant: Arc<str>,
    /// `Some` until the place is left.
    resource: Option<S>,
    state: Arc<Mutex<State<S>>>,
}

impl<S> FairPool<S> {
    pub(crate) fn new(resources: impl IntoIterator<Item = S>) -> Self {
        let free = resources.into_iter().collect();
        let state = State { free, queues: HashMap::new(), turns: VecDeque::new(), taken: HashMap::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// A place for `tenant`: of those that are free the one that `suits` best
    /// (the highest), else the first that is left when it is this tenant's turn.
    ///
    /// Without `patience` it waits however long it takes: only for callers that
    /// are bounded themselves, as a worker's steps are.
    ///
    /// # Errors
    /// [`DocumentError::Busy`] when `patience` is over, or at once when too many
    /// wait already.
    pub(crate) async fn take(
        &self,
        tenant: &Arc<str>,
        patience: Option<Duration>,
        suits: impl Fn(&S) -> u8,
    ) -> Result<PoolGuard<S>, DocumentError> {
        let turn = {
            let mut state = lock(&self.state);
            // Of equals the one that was left longest ago.
            if let Some(at) = (0..state.free.len()).rev().max_by_key(|at| suits(&state.free[*at])) {
                let resource = state.free.remove(at);
                return Ok(self.guard(&mut state, Arc::clone(tenant), resource));
            }
            if patience.is_some() {
                state.refuse_too_many(tenant)?;
            }
            state.queue(tenant)
        };
        let place = match patience {
            Some(patience) => timeout(patience, turn).await.map_err(|_| DocumentError::Busy)?,
            None => turn.await,
        };
        // Whoever waits is only forgotten together with the pool.
        place.map_err(|_| DocumentError::RendererUnavailable("it is being shut down".to_owned()))
    }

    /// Does `work` on what is in each place that is free.
    pub(crate) fn for_each_free(&self, work: impl FnMut(&mut S)) {
        lock(&self.state).free.iter_mut().for_each(work);
    }

    fn guard(&self, state: &mut State<S>, tenant: Arc<str>, resource: S) -> PoolGuard<S> {
        state.count(&tenant);
        PoolGuard { tenant, resource: Some(resource), state: Arc::clone(&self.state) }
    }
}

impl<S> State<S> {
    /// Those who gave up are only now looked for: they are passed over when their
    /// turn comes, and cost nothing until somebody would be refused for them.
    fn refuse_too_many(&mut self, tenant: &Arc<str>) -> Result<(), DocumentError> {
        let is_full = |state: &Self| {
            let of_tenant = state.queues.get(tenant).map_or(0, VecDeque::len);
            let all: usize = state.queues.values().map(VecDeque::len).sum();
            of_tenant >= WAITING_OF_TENANT_MAX || all >= WAITING_MAX
        };
        if !is_full(self) {
            return Ok(());
        }
        for queue in self.queues.values_mut() {
            queue.retain(|waiting| !waiting.is_closed());
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        self.turns.retain(|tenant| self.queues.contains_key(tenant));
        if is_full(self) { Err(DocumentError::Busy) } else { Ok(()) }
    }

    fn queue(&mut self, tenant: &Arc<str>) -> oneshot::Receiver<PoolGuard<S>> {
        let (sender, receiver) = oneshot::channel();
        let queue = self.queues.entry(Arc::clone(tenant)).or_default();
        if queue.is_empty() {
            self.turns.push_back(Arc::clone(tenant));
        }
        queue.push_back(sender);
        receiver
    }

    /// Who is next: of the tenants with the fewest places the one whose turn was
    /// longest ago.
    fn next(&mut self) -> Option<(Arc<str>, oneshot::Sender<PoolGuard<S>>)> {
        let taken = |tenant: &Arc<str>| self.taken.get(tenant).copied().unwrap_or(0);
        let at = (0..self.turns.len()).min_by_key(|at| taken(&self.turns[*at]))?;
        let tenant = self.turns.remove(at)?;
        let queue = self.queues.get_mut(&tenant)?;
        let first = queue.pop_front()?;
        if queue.is_empty() {
            self.queues.remove(&tenant);
        } else {
            self.turns.push_back(Arc::clone(&tenant));
        }
        Some((tenant, first))
    }

    fn count(&mut self, tenant: &Arc<str>) {
        *self.taken.entry(Arc::clone(tenant)).or_default() += 1;
    }

    fn discount(&mut self, tenant: &Arc<str>) {
        if let Some(count) = self.taken.get_mut(tenant) {
            *count -= 1;
            if *count == 0 {
                self.taken.remove(tenant);
            }
        }
    }
}

impl<S> PoolGuard<S> {
    /// What is in it; `None` only while it is being left.
    pub(crate) fn resource(&mut self) -> Option<&mut S> {
        self.resource.as_mut()
    }
}

impl<S> Drop for PoolGuard<S> {
    fn drop(&mut self) {
        let Some(mut resource) = self.resource.take() else { return };
        let mut state = lock(&self.state);
        state.discount(&self.tenant);
        while let Some((tenant, waiting)) = state.next() {
            state.count(&tenant);
            let place = Self {
                tenant: Arc::clone(&tenant),
                resource: Some(resource),
                state: Arc::clone(&self.state),
            };
            match waiting.send(place) {
                Ok(()) => return,
                // Gave up. Its place must not be dropped whole: we hold the lock.
                Err(mut place) => {
                    state.discount(&tenant);
                    let Some(back) = place.resource.take() else { return };
                    resource = back;
                }
            }
        }
        state.free.push(resource);
    }
}

fn lock<S>(state: &Mutex<State<S>>) -> MutexGuard<'_, State<S>> {
    // No panic leaves it half written.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Polled once: whether there was a place at once.
    fn at_once<T>(taking: impl Future<Output = T>) -> Option<T> {
        match pin!(taking).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place),
            Poll::Pending => None,
        }
    }

    fn tenant(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    #[tokio::test]
    async fn tenants_take_turns_however_long_their_lines_are() {
        let pool = Arc::new(FairPool::new([()]));
        let first = pool.take(&tenant("a"), None, |()| 0).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for name in ["a", "a", "a", "b", "c", "b"] {
            let (pool, order) = (Arc::clone(&pool), Arc::clone(&order));
            let queued = lock(&pool.state).queue(&tenant(name));
            waiting.push(tokio::spawn(async move {
                let _place = queued.await.unwrap();
                order.lock().unwrap().push(name);
            }));
        }
        drop(first);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(order.lock().unwrap().join(""), "abcaba");
        assert_eq!(lock(&pool.state).free.len(), 1, "the place is free again");
        assert!(lock(&pool.state).taken.is_empty());
    }

    #[tokio::test]
    async fn who_has_no_place_comes_before_who_has_one() {
        let pool = FairPool::new([1, 2]);
        let a = pool.take(&tenant("a"), None, |_| 0).await.unwrap();
        let b = pool.take(&tenant("b"), None, |_| 0).await.unwrap();
        let mut of_a = lock(&pool.state).queue(&tenant("a"));
        let mut of_c = lock(&pool.state).queue(&tenant("c"));
        drop(b);
        let _of_c = of_c.try_recv().expect("c has none yet");
        assert!(of_a.try_recv().is_err(), "a has one");
        drop(a);
        assert!(of_a.try_recv().is_ok());
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_place_to_the_next() {
        let pool = Arc::new(FairPool::new([()]));
        let held = pool.take(&tenant("a"), None, |()| 0).await.unwrap();
        let late = pool.take(&tenant("b"), Some(Duration::ZERO), |()| 0).await.unwrap_err();
        assert_eq!((late.code(), late.is_permanent()), ("RENDERER_BUSY", false));
        drop(held);
        assert!(at_once(pool.take(&tenant("c"), None, |()| 0)).is_some(), "it was not lost");
    }

    #[test]
    fn no_more_wait_than_may() {
        let pool = FairPool::new([()]);
        let _held = at_once(pool.take(&tenant("a"), None, |()| 0)).unwrap().unwrap();
        let of_a: Vec<_> =
            (0..WAITING_OF_TENANT_MAX).map(|_| lock(&pool.state).queue(&tenant("a"))).collect();
        let asked = |name: &str| at_once(pool.take(&tenant(name), Some(Duration::MAX), |()| 0));
        assert_eq!(asked("a").unwrap().unwrap_err().code(), "RENDERER_BUSY", "a has its share");
        let of_others: Vec<_> = (WAITING_OF_TENANT_MAX..WAITING_MAX)
            .map(|number| lock(&pool.state).queue(&tenant(&number.to_string())))
            .collect();
        assert_eq!(asked("b").unwrap().unwrap_err().code(), "RENDERER_BUSY");
        assert!(at_once(pool.take(&tenant("a"), None, |()| 0)).is_none(), "a worker waits all the same");
        drop((of_a, of_others));
        lock(&pool.state).refuse_too_many(&tenant("b")).expect("those who gave up do not count");
    }

    #[tokio::test]
    async fn the_place_that_suits_best_is_taken() {
        let pool = FairPool::new([1, 2, 3]);
        let mut place = pool.take(&tenant("a"), None, |resource| u8::from(*resource == 2)).await.unwrap();
        assert_eq!(place.resource(), Some(&mut 2));
    }
}
