//! What a process depends on, and whether it can be reached.

use std::time::Duration;

use metrics::gauge;
use serde_json::{Value, json};
use tokio::time::timeout;
use untxt_workflows::disk_space::DiskUse;
use untxt_workflows::ocr::WORKFLOW;
use untxt_workflows::platform::Platform;

/// How long a dependency may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessRole {
    /// It answers clients. Nothing is lost while the queue is away, so it needs
    /// none.
    Serve,
    /// It works, with or without answering clients.
    Work,
}

/// What was reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    /// The database answers.
    pub database: bool,
    /// It may be written to, as far as it said: a PostgreSQL that was demoted may
    /// not.
    pub writes: bool,
    /// It is laid out for this program.
    pub migrations: bool,
    /// The object store answers.
    pub objects: bool,
    /// The queue answers.
    pub queue: bool,
    /// The disks that taking work needs can be asked, and have room for more than
    /// what is kept free on them.
    pub disk: bool,
    /// What has no such room on its disk: `spool`, `objects` (of the embedded
    /// store), `database` (one that is a file).
    pub full: Vec<&'static str>,
}

impl Checks {
    /// Asks all at once.
    pub async fn of(platform: &Platform) -> Self {
        let (writes, migrations, objects, queue, disk) = tokio::join!(
            answers(platform.records.database().takes_writes()),
            answers(untxt_migrations::pending(platform.records.database())),
            // The SDK's future is large.
            answers(Box::pin(platform.objects().check())),
            answers(platform.records.engine().depth(WORKFLOW)),
            answers(platform.tasks.disk_space().full()),
        );
        Self {
            database: writes.is_some(),
            writes: writes != Some(false),
            migrations: migrations == Some(0),
            objects: objects.is_some(),
            queue: queue.is_some(),
            disk: disk.as_ref().is_some_and(Vec::is_empty),
            full: disk.unwrap_or_default().into_iter().map(DiskUse::word).collect(),
        }
    }

    /// What is missing for `role`, by name.
    #[must_use]
    pub fn missing(&self, role: ProcessRole) -> Vec<&'static str> {
        let needed =
            self.named().into_iter().filter(|(name, _)| role == ProcessRole::Work || *name != "queue");
        needed.filter(|(_, up)| !up).map(|(name, _)| name).collect()
    }

    /// `up` or `down` for each dependency.
    #[must_use]
    pub fn view(&self) -> Value {
        let word = |up: bool| if up { "up" } else { "down" };
        json!({
            "database": word(self.database && self.writes),
            "objects": word(self.objects),
            "queue": word(self.queue),
            "disk": word(self.disk),
        })
    }

    /// Sets the gauge of each.
    pub(super) fn measure(&self) {
        for (name, up) in self.named() {
            gauge!("untxt_dependency_up", "dependency" => name).set(u8::from(up));
        }
    }

    fn named(&self) -> [(&'static str, bool); 6] {
        [
            ("database", self.database),
            ("database writes", self.writes),
            ("migrations", self.migrations),
            ("objects", self.objects),
            ("queue", self.queue),
            ("disk space", self.disk),
        ]
    }
}

async fn answers<T, E>(asked: impl Future<Output = Result<T, E>>) -> Option<T> {
    timeout(PATIENCE, asked).await.ok()?.ok()
}

#[cfg(test)]
impl Checks {
    /// Everything answers.
    pub(crate) fn all_up() -> Self {
        Self {
            database: true,
            writes: true,
            migrations: true,
            objects: true,
            queue: true,
            disk: true,
            full: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_works_needs_the_queue() {
        let all = Checks::all_up();
        assert_eq!(all.missing(ProcessRole::Work), [""; 0]);
        let no_queue = Checks { queue: false, ..all.clone() };
        assert_eq!(no_queue.missing(ProcessRole::Serve), [""; 0]);
        assert_eq!(no_queue.missing(ProcessRole::Work), ["queue"]);
        let old = Checks { migrations: false, objects: false, ..all.clone() };
        assert_eq!(old.missing(ProcessRole::Serve), ["migrations", "objects"]);
        let stuck = Checks { writes: false, disk: false, ..all };
        assert_eq!(stuck.missing(ProcessRole::Serve), ["database writes", "disk space"]);
        assert_eq!(stuck.view()["database"], "down");
    }
}
