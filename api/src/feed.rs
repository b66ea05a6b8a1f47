//! What happens to tasks, read from the engine once and told to the sockets of
//! each task's user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use untxt_engine::event::Event;
use untxt_engine::watch::Watcher;
use untxt_workflows::platform::Platform;
use untxt_workflows::updates::{Narrator, TaskUpdate};
use uuid::Uuid;

/// Updates a socket may lag behind before it is dropped: some seconds of a
/// machine that recognises hundreds of pages a second.
const BEHIND_MAX: usize = 4_096;

/// How often a journal that is away is asked again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// All updates of this process's engine and, through the journal, of others'.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    listeners: Arc<Mutex<Listeners>>,
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
    updates: mpsc::Sender<Arc<TaskUpdate>>,
}

/// The updates of one user's tasks, in order, without gaps.
#[derive(Debug)]
pub struct Subscription {
    feed: Feed,
    user: Uuid,
    id: u64,
    updates: mpsc::Receiver<Arc<TaskUpdate>>,
}

impl Subscription {
    /// The next update. `None` when the next one is missing: whoever listens was
    /// too slow, or the engine could not be followed for a while.
    pub async fn next(&mut self) -> Option<Arc<TaskUpdate>> {
        self.updates.recv().await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.feed.lock();
        if let Some(of_user) = listeners.by_user.get_mut(&self.user) {
            of_user.retain(|listener| listener.id != self.id);
            if of_user.is_empty() {
                listeners.by_user.remove(&self.user);
            }
        }
    }
}

impl Feed {
    /// Begins to read, and returns once it does or knows that it can't for now;
    /// ends with `shutdown`.
    pub async fn start(platform: Arc<Platform>, shutdown: CancellationToken) -> Self {
        let feed = Self::default();
        let watcher = platform.engine().watch().await.ok();
        feed.lock().following = watcher.is_some();
        let reading = feed.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = reading.read(&platform, watcher) => {}
            }
        });
        feed
    }

    /// The updates of the user's tasks from now on; `None` while the engine
    /// can't be followed.
    #[must_use]
    pub fn subscribe(&self, user: Uuid) -> Option<Subscription> {
        let mut listeners = self.lock();
        if !listeners.following {
            return None;
        }
        let (sender, updates) = mpsc::channel(BEHIND_MAX);
        let id = listeners.next_id;
        listeners.next_id += 1;
        listeners.by_user.entry(user).or_default().push(Listener { id, updates: sender });
        Some(Subscription { feed: self.clone(), user, id, updates })
    }

    async fn read(&self, platform: &Platform, mut watcher: Option<Watcher>) {
        let mut pace = interval(RETRY_EVERY);
        loop {
            // A journal that is away is the engine's to report; its health says so.
            pace.tick().await;
            if watcher.is_none() {
                watcher = platform.engine().watch().await.ok();
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
        let mut narrator = Narrator::default();
        while let Ok(event) = watcher.next().await {
            if self.lock().by_user.is_empty() {
                // Nobody listens; what it remembers would be out of date.
                narrator = Narrator::default();
            } else if !self.tell(platform, &mut narrator, &event).await {
                return;
            }
        }
    }

    /// Whether it was told, or there was nothing to tell.
    async fn tell(&self, platform: &Platform, narrator: &mut Narrator, event: &Event) -> bool {
        match narrator.tell(platform.engine(), event).await {
            Ok(Some(update)) => self.publish(update),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(run = %event.run, seq = event.seq, %error, "an update could not be told; sockets are closed, so that clients ask for what they missed");
                return false;
            }
        }
        true
    }

    fn publish(&self, update: TaskUpdate) {
        let mut listeners = self.lock();
        let user = update.user;
        let Some(of_user) = listeners.by_user.get_mut(&user) else { return };
        let update = Arc::new(update);
        // Whoever is too far behind is dropped; its socket finds the end.
        of_user.retain(|listener| listener.updates.try_send(Arc::clone(&update)).is_ok());
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
