//! The way of a commit breaks, at each of its places in turn. Whatever was
//! acknowledged can be read by others; what was refused is not there, unless
//! nobody knows; and the next commit works without a restart.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use serde_json::json;
use untxt_stack::faulty_proxy::Cut;
use uuid::Uuid;

use super::harness::{JournalHarness, START, empty_database, new_run, on_database, order, user};
use super::proxy;
use crate::controls::ControlChange;
use crate::decide::Command;
use crate::id::RunId;
use crate::journal::audit::AuditEntry;
use crate::journal::database::connect;
use crate::journal::{Journal, JournalError};
use crate::new_run::NewRun;
use crate::state::RunStatus;

/// More messages or pages than any of the acts takes.
const PLACES_MAX: u64 = 200;

/// What somebody has the journal do.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// On PostgreSQL one statement that is a transaction of its own.
    Submit,
    /// A transaction of several statements.
    SubmitWithRows,
    Cancel,
    Erase,
    Control,
    Change,
}

impl Act {
    fn makes_room(self) -> bool {
        matches!(self, Self::Cancel | Self::Erase)
    }
}

const ACTS: [Act; 6] = [Act::Submit, Act::SubmitWithRows, Act::Cancel, Act::Erase, Act::Control, Act::Change];

/// An act with what it is about, and how others see whether it was done.
struct Tried {
    act: Act,
    id: RunId,
}

impl Tried {
    /// With a run for it to be about, if it needs one.
    async fn prepared(act: Act, healthy: &dyn Journal) -> Self {
        let id = RunId::new();
        let runs = vec![NewRun { id, ..new_run() }];
        match act {
            Act::Cancel => drop(healthy.submit(runs).await.unwrap()),
            Act::Erase => {
                healthy.submit(runs).await.unwrap();
                healthy.apply(order(id, Command::Cancel)).await.unwrap();
            }
            Act::Submit | Act::SubmitWithRows | Act::Control | Act::Change => {}
        }
        Self { act, id }
    }

    async fn run(&self, journal: &dyn Journal) -> Result<(), JournalError> {
        let id = self.id;
        match self.act {
            Act::Submit => journal.submit(vec![NewRun { id, ..new_run() }]).await.map(drop),
            Act::SubmitWithRows => {
                journal.submit(vec![NewRun { id, rows: vec![user(id.0)], ..new_run() }]).await.map(drop)
            }
            Act::Cancel => journal.apply(order(id, Command::Cancel)).await.map(drop),
            Act::Erase => journal.erase(id, Vec::new()).await,
            Act::Control => {
                let change = ControlChange::Workflow { name: id.to_string(), paused: true };
                journal.control(change, "somebody", START).await.map(drop)
            }
            Act::Change => journal.change(user(id.0), entry(id.0)).await.map(drop),
        }
    }

    async fn is_done(&self, healthy: &dyn Journal) -> bool {
        let run = healthy.run(self.id).await.unwrap();
        match self.act {
            Act::Submit | Act::SubmitWithRows => run.is_some(),
            Act::Cancel => run.unwrap().status == RunStatus::Cancelled,
            Act::Erase => run.is_none(),
            Act::Control => {
                let controls = healthy.controls(0).await.unwrap().unwrap_or_default();
                controls.paused_workflows.contains(&self.id.to_string())
            }
            Act::Change => {
                let lines = healthy.audited(None, 1_000).await.unwrap();
                lines.iter().any(|line| line.entry.subject == self.id.to_string())
            }
        }
    }
}

fn entry(subject: Uuid) -> AuditEntry {
    AuditEntry {
        at: START,
        actor: "somebody".to_owned(),
        action: "test".to_owned(),
        subject: subject.to_string(),
        detail: json!({}),
    }
}

/// What every break ends with: the next commit is there for all to see.
async fn goes_on(harness: &JournalHarness, healthy: &dyn Journal) {
    let run = harness.submit().await;
    assert!(healthy.run(run).await.unwrap().is_some(), "what was acknowledged can be read by others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_postgres_is_cut_at_each_message() {
    let url = empty_database().await;
    let (proxy, through) = proxy::before(&url).await;
    let (harness, direct) = (on_database(&through).await, on_database(&url).await);
    let healthy = &*direct.journal;
    for (act, cut) in ACTS.into_iter().flat_map(|act| [(act, Cut::Request), (act, Cut::Response)]) {
        for message in 1.. {
            assert!(message < PLACES_MAX, "{act:?} has no end");
            let tried = Tried::prepared(act, healthy).await;
            proxy.cut_at(message, cut);
            let said = tried.run(&*harness.journal).await;
            let was_cut = proxy.was_cut();
            let done = tried.is_done(healthy).await;
            let place = format!("{act:?}, {cut:?} at message {message}: {said:?}");
            match &said {
                Ok(()) => assert!(done, "acknowledged and not there: {place}"),
                Err(JournalError::Unavailable(_)) => {
                    assert!(!done || cut == Cut::Response, "refused and there: {place}");
                }
                Err(_) => panic!("{place}"),
            }
            goes_on(&harness, healthy).await;
            if !was_cut {
                break;
            }
        }
    }
}

/// A file system of its own in memory, which can be filled up. It goes with this.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, and why on standard error, where this process may not mount.
    #[expect(clippy::print_stderr, reason = "it is said why a test did nothing")]
    fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Program::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: a full disk takes the right to mount a tmpfs, which this process has not");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Leaves `pages` of 4 KiB free.
    fn fill_but(&self, pages: u64) {
        let mut filler = File::create(self.filler()).unwrap();
        let free = rustix::fs::fstatvfs(filler.as_fd()).unwrap();
        let free = free.f_bavail * free.f_frsize / 4_096;
        for _ in pages..free {
            filler.write_all(&[1; 4_096]).unwrap();
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Program::new("umount").arg("-l").arg(self.path()).status());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_sqlite_is_full_at_each_page() {
    let Some(disk) = SmallDisk::mount(24 << 20) else { return };
    let url = format!("sqlite://{}/journal.db", disk.path().display());
    untxt_migrations::up(&connect(&url).await.unwrap().for_layout()).await.unwrap();
    let (harness, direct) = (on_database(&url).await, on_database(&url).await);
    let healthy = &*direct.journal;
    let database = connect(&url).await.unwrap();
    let reserve = database.reserve().unwrap();
    for act in ACTS {
        let mut refused = 0;
        for pages in 0.. {
            assert!(pages < PLACES_MAX, "{act:?} has no end");
            assert!(reserve.restore().unwrap(), "there is room to keep");
            let tried = Tried::prepared(act, healthy).await;
            disk.fill_but(pages);
            // Twice, as a client does: it is the second failure that once left
            // the connection inside a transaction.
            let said = tried.run(&*harness.journal).await;
            let again = if said.is_err() { tried.run(&*harness.journal).await } else { Ok(()) };
            disk.empty();
            let done = tried.is_done(healthy).await;
            let place = format!("{act:?} with {pages} pages free: {said:?}, {again:?}");
            match (&said, &again) {
                (Ok(()), _) | (_, Ok(())) => assert!(done, "acknowledged and not there: {place}"),
                (Err(JournalError::Full(_)), Err(JournalError::Full(_))) => {
                    assert!(!done, "refused and there: {place}");
                    refused += 1;
                }
                _ => panic!("{place}"),
            }
            assert!(act.makes_room() || reserve.missing_bytes().unwrap() == 0, "room is gone: {place}");
            goes_on(&harness, healthy).await;
            if said.is_ok() && pages > 2 {
                break;
            }
        }
        if act.makes_room() {
            assert_eq!(refused, 0, "{act:?} makes room, for which some is kept");
        } else {
            assert!(refused > 2, "{act:?} was refused {refused} times: the disk was never full");
        }
    }
}
