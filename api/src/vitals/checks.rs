//! What a process depends on, and whether it can be reached.

use std::time::Duration;

use metrics::gauge;
use serde_json::{Value, json};
use tokio::time::timeout;
use untxt_workflows::ocr::WORKFLOW;
use untxt_workflows::platform::Platform;

/// How long a dependency may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// It answers clients. Nothing is lost while the queue is away, so it needs
    /// none.
    Serve,
    /// It works, with or without answering clients.
    Work,
}

/// What was reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// The database answers.
    pub database: bool,
    /// It is laid out for this program.
    pub migrations: bool,
    /// The object store answers.
    pub objects: bool,
    /// The queue answers.
    pub queue: bool,
}

impl Checks {
    /// Asks all at once.
    pub async fn of(platform: &Platform) -> Self {
        let (database, migrations, objects, queue) = tokio::join!(
            answers(platform.database().ping()),
            answers(untxt_migrations::pending(platform.database())),
            // The SDK's future is large.
            answers(Box::pin(platform.bench().objects.check())),
            answers(platform.engine().depth(WORKFLOW)),
        );
        Self {
            database: database.is_some(),
            migrations: migrations == Some(0),
            objects: objects.is_some(),
            queue: queue.is_some(),
        }
    }

    /// What is missing for `duty`, by name.
    #[must_use]
    pub fn lacks(self, duty: Duty) -> Vec<&'static str> {
        let needed = self.named().into_iter().filter(|(name, _)| duty == Duty::Work || *name != "queue");
        needed.filter(|(_, up)| !up).map(|(name, _)| name).collect()
    }

    /// `up` or `down` for each dependency.
    #[must_use]
    pub fn view(self) -> Value {
        let word = |up: bool| if up { "up" } else { "down" };
        json!({ "database": word(self.database), "objects": word(self.objects), "queue": word(self.queue) })
    }

    /// Sets the gauge of each.
    pub(super) fn measure(self) {
        for (name, up) in self.named() {
            gauge!("untxt_dependency_up", "dependency" => name).set(u8::from(up));
        }
    }

    fn named(self) -> [(&'static str, bool); 4] {
        [
            ("database", self.database),
            ("migrations", self.migrations),
            ("objects", self.objects),
            ("queue", self.queue),
        ]
    }
}

async fn answers<T, E>(asked: impl Future<Output = Result<T, E>>) -> Option<T> {
    timeout(PATIENCE, asked).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_works_needs_the_queue() {
        let all = Checks { database: true, migrations: true, objects: true, queue: true };
        assert_eq!(all.lacks(Duty::Work), [""; 0]);
        let no_queue = Checks { queue: false, ..all };
        assert_eq!(no_queue.lacks(Duty::Serve), [""; 0]);
        assert_eq!(no_queue.lacks(Duty::Work), ["queue"]);
        let old = Checks { migrations: false, objects: false, ..all };
        assert_eq!(old.lacks(Duty::Serve), ["migrations", "objects"]);
    }
}
