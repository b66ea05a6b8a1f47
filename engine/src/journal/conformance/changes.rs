//! Word of commits.

use std::time::Duration;

use tokio::time::timeout;
use untxt_stack::faulty_proxy::NetworkFault;

use super::harness::{JournalHarness, empty_database, on_database};
use super::proxy;
use crate::journal::changes::Changes;

/// Longer than word takes on a machine that is busy, and than a server may be
/// silent before it counts as gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// Without word for so long, all word of what was done before has come.
const SILENCE: Duration = Duration::from_millis(500);

/// Waits until word comes, or until none can come.
async fn until_heard(changes: &mut Changes, are_notified: bool) {
    let hears = async {
        while changes.are_notified() != are_notified {
            changes.next().await;
        }
    };
    timeout(PATIENCE, hears).await.unwrap_or_else(|_| panic!("that word comes is not {are_notified}"));
}

/// Waits until word comes, and none is on its way.
async fn settled(changes: &mut Changes) {
    until_heard(changes, true).await;
    while timeout(SILENCE, changes.next()).await.is_ok() {}
}

pub(super) async fn word_comes_of_what_anybody_commits_and_of_nothing_else(harness: JournalHarness) {
    let mut changes = harness.other.changes();
    settled(&mut changes).await;
    for _ in 0..3 {
        let run = harness.submit().await;
        timeout(PATIENCE, changes.next()).await.expect("a submission");
        settled(&mut changes).await;
        harness.cancel(run).await;
        timeout(PATIENCE, changes.next()).await.expect("a command");
        settled(&mut changes).await;
    }
    harness.other.tail(None, 1).await.unwrap();
    let silent = timeout(SILENCE, changes.next()).await.is_err();
    assert!(silent && changes.are_notified(), "nothing was committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_or_silent_is_asked_until_word_comes_again() {
    let url = empty_database().await;
    let (proxy, through) = proxy::before(&url).await;
    let (here, far) = (on_database(&url).await, on_database(&through).await);
    let mut changes = far.journal.changes();
    for fault in [NetworkFault::Reset, NetworkFault::Stall] {
        settled(&mut changes).await;
        proxy.set(fault);
        until_heard(&mut changes, false).await;
        proxy.set(NetworkFault::None);
        settled(&mut changes).await;
        here.submit().await;
        timeout(PATIENCE, changes.next()).await.expect("word comes again");
        assert!(changes.are_notified());
    }
}
