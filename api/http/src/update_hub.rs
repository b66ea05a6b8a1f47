//! What happens to tasks, read from the engine once and told to the sockets of
//! each task's user. Of a user to whom nobody listens nothing is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::boxed;
use chrono::{DateTime, Utc};
use lru::LruCache;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use untxt_engine::event::{Event, EventKind};
use untxt_engine::journal::JournalError;
use untxt_engine::watch::Watcher;
use untxt_workflows::platform::Platform;
use untxt_workflows::updates::{Owners, Past, TaskUpdate, UpdateProjector};
use uuid::Uuid;

/// Updates a socket may lag behind before it is dropped: some seconds of a
/// machine that recognises hundreds of pages a second.
const BEHIND_MAX: usize = 4_096;

/// How often a journal that is away is asked again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// How often it is looked for tasks that were erased, while somebody listens:
/// nobody waits for it as for a result.
const ERASED_EVERY: Duration = Duration::from_millis(500);

/// Erased tasks that are remembered, so that each is told once: more than one
/// process erases within the minute in which they are found again.
const ERASED_MAX: usize = 20_000;

/// All updates of this process's engine and, through the journal, of others'.
#[derive(Clone, Debug, Default)]
pub struct UpdateHub {
    listeners: Arc<Mutex<Listeners>>,
    /// Somebody begins to listen.
    arrived: Arc<Notify>,
}

/// What a listener is told.
#[derive(Clone, Debug)]
pub enum Notification {
    /// Something happened to a task.
    Update(Arc<TaskUpdate>),
    /// The task was erased: nothing more is told of it.
    Erased(Uuid),
}

/// What is remembered between events.
#[derive(Debug)]
struct Memory {
    projector: UpdateProjector,
    owners: Owners,
    /// Tasks of whose erasure was told.
    erased: LruCache<Uuid, ()>,
    /// From when on it is looked for erased tasks; `None` while nobody listens.
    erased_since: Option<DateTime<Utc>>,
}

impl Default for Memory {
    fn default() -> Self {
        let (projector, owners) = (UpdateProjector::default(), Owners::default());
        Self { projector, owners, erased: LruCache::unbounded(), erased_since: None }
    }
}

#[derive(Debug, Default)]
struct Listeners {
    by_user: HashMap<Uuid, Vec<Listener>>,
    /// Whether the engine is followed, so that nothing is missed from here on.
    following: bool,
    next_id: u64,
}

#[derive(Debug)]
struct Listener {
    id: u64,
    news: mpsc::Sender<Notification>,
}

/// What happens to one user's tasks, in order, without gaps.
#[derive(Debug)]
pub struct Subscription {
    hub: UpdateHub,
    user: Uuid,
    id: u64,
    news: mpsc::Receiver<Notification>,
}

impl Subscription {
    /// What happens next. `None` when that is missing: whoever listens was too
    /// slow, or the engine could not be followed for a while.
    pub async fn next(&mut self) -> Option<Notification> {
        self.news.recv().await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.hub.lock();
        if let Some(of_user) = listeners.by_user.get_mut(&self.user) {
            of_user.retain(|listener| listener.id != self.id);
            if of_user.is_empty() {
                listeners.by_user.remove(&self.user);
            }
        }
    }
}

impl UpdateHub {
    /// Begins to read, and returns once it does or knows that it can't for now;
    /// ends with `shutdown`.
    #[boxed]
    pub async fn start(platform: Arc<Platform>, shutdown: CancellationToken) -> Self {
        let hub = Self::default();
        let watcher = platform.records.engine().watch().await.ok();
        hub.lock().following = watcher.is_some();
        let reading = hub.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = reading.read(&platform, watcher) => {}
            }
        });
        hub
    }

    /// The updates of the user's tasks from now on; `None` while the engine
    /// can't be followed.
    #[must_use]
    pub fn subscribe(&self, user: Uuid) -> Option<Subscription> {
        let mut listeners = self.lock();
        if !listeners.following {
            return None;
        }
        let (sender, news) = mpsc::channel(BEHIND_MAX);
        let id = listeners.next_id;
        listeners.next_id += 1;
        listeners.by_user.entry(user).or_default().push(Listener { id, news: sender });
        self.arrived.notify_one();
        Some(Subscription { hub: self.clone(), user, id, news })
    }

    async fn read(&self, platform: &Platform, mut watcher: Option<Watcher>) {
        let mut pace = interval(RETRY_EVERY);
        loop {
            // A journal that is away is the engine's to report; its health says so.
            pace.tick().await;
            if watcher.is_none() {
                watcher = platform.records.engine().watch().await.ok();
            }
            if let Some(mut watcher) = watcher.take() {
                self.lock().following = true;
                self.follow(platform, &mut watcher).await;
                self.lose_all();
            }
        }
    }

    /// Until something is missing.
    async fn follow(&self, platform: &Platform, watcher: &mut Watcher) {
        let mut memory = Memory::default();
        let mut looks = interval(ERASED_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let anybody = !self.lock().by_user.is_empty();
            if !anybody {
                // What is remembered would be out of date; whose runs are stays true.
                memory.projector = UpdateProjector::default();
                memory.erased_since = None;
            }
            tokio::select! {
                event = watcher.next() => match event {
                    Ok(event) => if !self.tell(platform.records.engine(), &mut memory, &event).await {
                        return;
                    },
                    Err(_) => return,
                },
                _ = looks.tick(), if anybody => self.look(platform, &mut memory).await,
                () = self.arrived.notified(), if !anybody => {}
            }
        }
    }

    /// Whether it was told, or there was nobody to tell.
    async fn tell(&self, past: &impl Past, memory: &mut Memory, event: &Event) -> bool {
        let told = async {
            let Memory { projector, owners, erased, .. } = memory;
            let Some(user) = self.listened_to(past, owners, event).await? else { return Ok(None) };
            if erased.contains(&event.run.0) {
                return Ok(None);
            }
            Ok(projector.tell(past, event).await?.filter(|update| update.user == user))
        };
        match told.await {
            Ok(Some(update)) => self.publish(update.user, &Notification::Update(Arc::new(update))),
            Ok(None) => {}
            Err(error) => {
                let error: JournalError = error;
                tracing::warn!(run = %event.run, seq = event.seq, %error, "an update can't be sent; sockets are closed so that clients resume");
                return false;
            }
        }
        true
    }

    /// The user whose task `event` is about, if anybody listens to that user's.
    async fn listened_to(
        &self,
        past: &impl Past,
        owners: &mut Owners,
        event: &Event,
    ) -> Result<Option<Uuid>, JournalError> {
        let nobody = self.lock().by_user.is_empty();
        // Whose a run is that was submitted here or now costs nothing to know.
        if nobody && !matches!(event.kind, EventKind::Submitted { .. }) {
            return Ok(None);
        }
        let owner = owners.of(past, event).await?;
        Ok(owner.filter(|user| self.lock().by_user.contains_key(user)))
    }

    /// Tells which tasks were erased, here or by others.
    async fn look(&self, platform: &Platform, memory: &mut Memory) {
        let since = *memory.erased_since.get_or_insert_with(|| platform.records.erasures_begin());
        match platform.records.erased_since(since).await {
            Ok((erasures, next)) => {
                for erasure in erasures {
                    self.tell_erased(memory, erasure.user_id, erasure.task_id);
                }
                memory.erased_since = Some(next);
            }
            Err(error) => tracing::debug!(%error, "could not look for erased tasks; the next look does"),
        }
    }

    fn tell_erased(&self, memory: &mut Memory, user: Uuid, task: Uuid) {
        if memory.erased.put(task, ()).is_some() {
            return;
        }
        if memory.erased.len() > ERASED_MAX {
            memory.erased.pop_lru();
        }
        self.publish(user, &Notification::Erased(task));
    }

    fn publish(&self, user: Uuid, news: &Notification) {
        let mut listeners = self.lock();
        let Some(of_user) = listeners.by_user.get_mut(&user) else { return };
        // Whoever is too far behind is dropped; its socket finds the end.
        of_user.retain(|listener| listener.news.try_send(news.clone()).is_ok());
        if of_user.is_empty() {
            listeners.by_user.remove(&user);
        }
    }

    /// Something was missed, and nobody knows whose it was.
    fn lose_all(&self) {
        let mut listeners = self.lock();
        listeners.by_user.clear();
        listeners.following = false;
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use serde_json::Value;
    use untxt_engine::id::RunId;
    use untxt_engine::new_run::NewRun;
    use untxt_engine::time::Timestamp;
    use untxt_workflows::ocr::WORKFLOW;

    use super::*;

    /// One run's past, which counts how often it is read.
    struct Counted {
        events: Vec<Event>,
        owner: Uuid,
        histories: AtomicUsize,
        owners: AtomicUsize,
    }

    #[async_trait]
    impl Past for Counted {
        async fn history(&self, _: RunId, after_seq: u64, _: u32) -> Result<Vec<Event>, JournalError> {
            self.histories.fetch_add(1, Ordering::Relaxed);
            Ok(self.events.iter().filter(|event| event.seq > after_seq).cloned().collect())
        }

        async fn owner(&self, _: RunId) -> Result<Option<Uuid>, JournalError> {
            self.owners.fetch_add(1, Ordering::Relaxed);
            Ok(Some(self.owner))
        }
    }

    impl Counted {
        /// A run of `owner`'s with 30 events.
        fn of(owner: Uuid) -> Self {
            let first = NewRun::new(WORKFLOW, owner, Value::Null).submitted(1, Timestamp(0));
            let kind = EventKind::Opened { step: 3, items: None };
            let opened = (2..=30).map(|seq| Event { seq, kind: kind.clone(), ..first });
            let events = iter::once(first.clone()).chain(opened).collect();
            Self { events, owner, histories: AtomicUsize::new(0), owners: AtomicUsize::new(0) }
        }

        fn reads(&self) -> (usize, usize) {
            (self.histories.load(Ordering::Relaxed), self.owners.load(Ordering::Relaxed))
        }
    }

    fn followed() -> UpdateHub {
        let hub = UpdateHub::default();
        hub.lock().following = true;
        hub
    }

    #[tokio::test]
    async fn nothing_is_read_of_a_user_to_whom_nobody_listens() {
        let (hub, mut memory) = (followed(), Memory::default());
        let other = Counted::of(Uuid::from_u128(1));
        for event in &other.events[5..] {
            assert!(hub.tell(&other, &mut memory, event).await);
        }
        assert_eq!(other.reads(), (0, 0), "nobody listens at all");

        let listened = Counted::of(Uuid::from_u128(2));
        let mut subscription = hub.subscribe(listened.owner).unwrap();
        let known = Counted::of(other.owner);
        for event in &known.events {
            assert!(hub.tell(&known, &mut memory, event).await);
        }
        assert_eq!(known.reads(), (0, 0), "its submission said whose it is");
        for event in &other.events[5..] {
            assert!(hub.tell(&other, &mut memory, event).await);
        }
        assert_eq!(other.reads(), (0, 1), "whose it is, once, and no history");
        for event in &listened.events[5..] {
            assert!(hub.tell(&listened, &mut memory, event).await);
        }
        assert_eq!(listened.reads(), (1, 1));
        for event in &listened.events[5..] {
            let Notification::Update(update) = subscription.next().await.unwrap() else { panic!("erased") };
            assert_eq!((update.user, update.seq), (listened.owner, event.seq));
        }
    }

    #[tokio::test]
    async fn an_erased_task_is_told_of_once_to_its_user_and_nothing_after_it() {
        let (hub, mut memory) = (followed(), Memory::default());
        let past = Counted::of(Uuid::from_u128(2));
        let (task, run) = (past.events[0].run.0, past.events[0].run);
        let mut subscription = hub.subscribe(past.owner).unwrap();
        let mut foreign = hub.subscribe(Uuid::from_u128(3)).unwrap();
        hub.tell(&past, &mut memory, &past.events[0]).await;
        hub.tell_erased(&mut memory, past.owner, task);
        hub.tell_erased(&mut memory, past.owner, task);
        hub.tell(&past, &mut memory, &past.events[1]).await;
        hub.lose_all();
        let mut told = Vec::new();
        while let Some(news) = subscription.next().await {
            told.push(match news {
                Notification::Update(update) => (RunId(update.task), "update"),
                Notification::Erased(task) => (RunId(task), "erased"),
            });
        }
        assert_eq!(told, [(run, "update"), (run, "erased")]);
        assert!(foreign.next().await.is_none());
    }
}
