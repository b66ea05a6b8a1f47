//! Notifications of pushes, also by other processes. A notification is a hint: a
//! waiting worker also polls, more often while the subscription is disconnected.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::Server;
use super::keys::Keys;
use crate::backoff::Backoff;
use crate::queue::QueueError;

/// How often a waiting worker polls without a notification; ten times as often
/// while none can arrive.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const POLL_INTERVAL_DISCONNECTED: Duration = Duration::from_millis(100);

/// One topic: its keys, and the workers of this process that wait for it.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) keys: Keys,
    pub(super) pushed: Notify,
    /// When a pull of this process was last told to tidy up.
    tidied: Mutex<Option<Instant>>,
}

impl Topic {
    /// Whether it is time to tidy up, which is then thought done.
    pub(super) fn tidies(&self, every: Duration) -> bool {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = tidied.is_none_or(|at| at.elapsed() >= every);
        if is_time {
            *tidied = Some(Instant::now());
        }
        is_time
    }
}

/// The topics of this process, and the subscription to their channels.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    /// A topic was added, or the connection is to be made anew.
    changed: Notify,
    connected: AtomicBool,
}

impl Notifier {
    pub(super) fn topic(&self, name: &str) -> Arc<Topic> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(name) {
            return Arc::clone(topic);
        }
        let topic = Topic {
            name: name.to_owned(),
            keys: Keys::of(name),
            pushed: Notify::new(),
            tidied: Mutex::default(),
        };
        let topic = Arc::clone(topics.entry(name.to_owned()).or_insert_with(|| Arc::new(topic)));
        self.changed.notify_one();
        topic
    }

    pub(super) fn topics(&self) -> Vec<Arc<Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn poll_interval(&self) -> Duration {
        if self.connected.load(Ordering::Relaxed) { POLL_INTERVAL } else { POLL_INTERVAL_DISCONNECTED }
    }

    /// The server did not answer: the connection that listens may be dead too,
    /// and would be the last to notice.
    pub(super) fn mark_disconnected(&self) {
        if self.connected.swap(false, Ordering::Relaxed) {
            self.changed.notify_one();
        }
    }

    /// Listens for ever.
    pub(super) async fn listen(self: Arc<Self>, server: Server) {
        let mut backoff = Backoff::default();
        loop {
            // An end of the connection shows in the calls too, which say so.
            if self.listen_once(&server).await.is_ok() {
                backoff = Backoff::default();
            }
            self.connected.store(false, Ordering::Relaxed);
            backoff.wait().await;
        }
    }

    /// Listens to the topics there are now, until one is added or the connection
    /// ends.
    async fn listen_once(&self, server: &Server) -> Result<(), QueueError> {
        let topics = self.topics();
        if topics.is_empty() {
            self.changed.notified().await;
            return Ok(());
        }
        let mut connection = server.listen().await?;
        let channels: Vec<&str> = topics.iter().map(|topic| topic.keys.channel.as_str()).collect();
        let subscribed = connection.subscribe(&channels).await;
        subscribed.map_err(|error| QueueError::Unavailable(error.to_string()))?;
        self.connected.store(true, Ordering::Relaxed);
        // For what was pushed while nobody listened.
        topics.iter().for_each(|topic| topic.pushed.notify_waiters());
        let mut heard = connection.on_message();
        loop {
            let message = tokio::select! {
                message = heard.next() => message,
                () = self.changed.notified() => None,
            };
            let Some(message) = message else { return Ok(()) };
            let channel = message.get_channel_name();
            if let Some(topic) = topics.iter().find(|topic| topic.keys.channel == channel) {
                topic.pushed.notify_waiters();
            }
        }
    }
}
