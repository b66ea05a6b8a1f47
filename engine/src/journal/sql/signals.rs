//! How processes that share a database tell each other that they committed
//! something. PostgreSQL passes the word on (`NOTIFY`); of a SQLite file the
//! kernel tells when what is written ahead of it grows (inotify). Nothing is lost
//! with a word that does not come: whoever follows the journal also looks by
//! itself, and does so all the time while no word can come.

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::{Backoff, pause};
use crate::journal::changes::{ChangeNotifier, Changes};
use crate::journal::database::Database;

/// Where PostgreSQL passes the word on.
const CHANNEL: &str = "untxt_commits";

/// What tells the others. The word has a transaction of its own: within one that
/// writes, all processes' commits would wait for one lock. It is not worth a sync
/// of the disk.
const TELL: &str = "SET LOCAL synchronous_commit = off; NOTIFY untxt_commits";

/// How often a process tells and hears of commits, at most: a busy one commits
/// more than a thousand times a second.
const WORD_EVERY: Duration = Duration::from_millis(25);

/// How long nothing is heard until PostgreSQL is asked whether it is still there.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// Room for what the kernel tells at once; the name of a file is at most 255 bytes.
const INOTIFY_BYTES: usize = 4_096;

/// The word of one process's journal.
pub(super) struct Signals {
    db: Database,
    notifier: Arc<ChangeNotifier>,
    /// This process committed something.
    committed: Arc<Notify>,
    /// Since somebody first wanted to hear.
    hearing: OnceLock<AbortOnDropHandle<()>>,
    _telling: Option<AbortOnDropHandle<()>>,
}

impl Signals {
    pub(super) fn over(db: Database) -> Self {
        let committed = Arc::<Notify>::default();
        let tells = db.get_database_backend() == DbBackend::Postgres;
        let telling = tells.then(|| tokio::spawn(tell(db.clone(), Arc::clone(&committed))));
        let (notifier, hearing) = (Arc::default(), OnceLock::new());
        Self { db, notifier, committed, hearing, _telling: telling.map(AbortOnDropHandle::new) }
    }

    /// To be notified after each commit.
    pub(super) fn committed(&self) -> Arc<Notify> {
        Arc::clone(&self.committed)
    }

    pub(super) fn changes(&self) -> Changes {
        self.hearing.get_or_init(|| {
            let hearing = hear(self.db.clone(), Arc::clone(&self.notifier));
            AbortOnDropHandle::new(tokio::spawn(hearing))
        });
        self.notifier.changes()
    }
}

/// Tells the others what this process commits, for ever.
async fn tell(db: Database, committed: Arc<Notify>) {
    loop {
        committed.notified().await;
        if let Err(error) = db.execute_unprepared(TELL).await {
            tracing::debug!(%error, "can't notify other processes of a commit; they poll");
        }
        pause(WORD_EVERY).await;
    }
}

/// Hears what others tell, for ever. A database in memory has no others.
async fn hear(db: Database, notifier: Arc<ChangeNotifier>) {
    let (file, mut backoff) = (db.wal_path(), Backoff::default());
    if file.is_none() && db.get_database_backend() == DbBackend::Sqlite {
        return;
    }
    loop {
        let ended = match &file {
            Some(file) => {
                hear_of_file(file, &notifier, &mut backoff).await.map_err(|error| error.to_string())
            }
            None => hear_of_postgres(&db, &notifier, &mut backoff).await.map_err(|error| error.to_string()),
        };
        if let Err(error) = ended {
            tracing::debug!(error, "no notifications of other processes' commits; polling the journal");
        }
        notifier.disconnect();
        backoff.wait().await;
    }
}

/// Until the connection ends.
async fn hear_of_postgres(
    db: &Database,
    notifier: &ChangeNotifier,
    backoff: &mut Backoff,
) -> Result<(), DbErr> {
    let mut listener = db.listen(CHANNEL).await?;
    *backoff = Backoff::default();
    // For what was committed while nobody listened.
    notifier.notify();
    loop {
        match timeout(PROBE_EVERY, listener.next()).await {
            Ok(told) => told.map(|()| notifier.notify())?,
            Err(_silent) => listener.probe().await?,
        }
    }
}

/// Until the file is replaced by another one.
async fn hear_of_file(file: &Path, notifier: &ChangeNotifier, backoff: &mut Backoff) -> io::Result<()> {
    let watching = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    // Its attributes change when it is removed while somebody has it open.
    let wanted = WatchFlags::MODIFY | WatchFlags::ATTRIB | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    inotify::add_watch(&watching, file, wanted)?;
    let watching = awaited(watching)?;
    *backoff = Backoff::default();
    notifier.notify();
    loop {
        let mut ready = watching.readable().await?;
        let only_grew = only_grew(&watching)?;
        ready.clear_ready();
        if !only_grew {
            return Ok(());
        }
        notifier.notify();
        pause(WORD_EVERY).await;
    }
}

#[expect(unsafe_code, reason = "the safe way to wait for a descriptor is deprecated")]
fn awaited(watching: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is the same open descriptor until it is dropped, and
    // nothing takes it out of what is made of it here.
    let awaited = unsafe { AsyncFd::register_with_interest(watching, Interest::READABLE) };
    awaited.map_err(io::Error::from)
}

/// Takes what the kernel has told; whether the file was written to and nothing
/// else.
fn only_grew(watching: &AsyncFd<OwnedFd>) -> io::Result<bool> {
    let mut room = [MaybeUninit::uninit(); INOTIFY_BYTES];
    let (mut told, mut only_grew) = (Reader::new(watching, &mut room), true);
    loop {
        match told.next() {
            Ok(event) => only_grew &= event.events() == ReadFlags::MODIFY,
            Err(Errno::WOULDBLOCK) => return Ok(only_grew),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::database::connect;

    #[tokio::test]
    async fn of_a_database_in_memory_nothing_is_waited_for_and_whoever_follows_it_looks() {
        let notifier = Arc::<ChangeNotifier>::default();
        let db = connect("sqlite::memory:").await.unwrap();
        assert_eq!(db.wal_path(), None);
        timeout(PROBE_EVERY, hear(db, Arc::clone(&notifier))).await.expect("it waits for word");
        assert!(!notifier.changes().are_notified());
    }
}
