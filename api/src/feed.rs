//! What happens to tasks, read from the engine once and told to every socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use untxt_engine::event::Event;
use untxt_engine::watch::Watcher;
use untxt_workflows::platform::Platform;
use untxt_workflows::updates::{Narrator, TaskUpdate};

/// Updates a socket may lag behind before it is dropped: some seconds of a
/// machine that recognises hundreds of pages a second.
const UPDATES_MAX: usize = 4_096;

/// How often a journal that is away is asked again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// All updates of this process's engine and, through the journal, of others'.
#[derive(Clone, Debug)]
pub struct Feed {
    updates: broadcast::Sender<Arc<TaskUpdate>>,
}

impl Feed {
    /// Begins to read; ends with `shutdown`.
    #[must_use]
    pub fn start(platform: Arc<Platform>, shutdown: CancellationToken) -> Self {
        let (updates, _) = broadcast::channel(UPDATES_MAX);
        let feed = Self { updates: updates.clone() };
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = read(&platform, &updates) => {}
            }
        });
        feed
    }

    /// All updates from now on. A receiver that lags further behind than the
    /// feed keeps is told so.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<TaskUpdate>> {
        self.updates.subscribe()
    }
}

async fn read(platform: &Platform, updates: &broadcast::Sender<Arc<TaskUpdate>>) {
    let mut narrator = Narrator::default();
    let mut pace = interval(RETRY_EVERY);
    loop {
        // A journal that is away is the engine's to report; its health says so.
        pace.tick().await;
        if let Ok(mut watcher) = platform.engine().watch().await {
            follow(platform, &mut watcher, &mut narrator, updates).await;
        }
    }
}

async fn follow(
    platform: &Platform,
    watcher: &mut Watcher,
    narrator: &mut Narrator,
    updates: &broadcast::Sender<Arc<TaskUpdate>>,
) {
    while let Ok(event) = watcher.next().await {
        if let Some(update) = told(platform, narrator, &event).await {
            // Without sockets nobody listens, which is all right.
            drop(updates.send(Arc::new(update)));
        }
    }
}

async fn told(platform: &Platform, narrator: &mut Narrator, event: &Event) -> Option<TaskUpdate> {
    match narrator.tell(platform.engine(), event).await {
        Ok(update) => update,
        Err(error) => {
            tracing::warn!(run = %event.run, seq = event.seq, %error, "an update could not be told; a client sees it when it asks");
            None
        }
    }
}
