//! Word of commits.

use std::time::Duration;

use tokio::time::timeout;

use super::bench::Bench;
use crate::journal::changes::Changes;

/// Longer than word takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// Without word for so long, all word of what was done before has come.
const SILENCE: Duration = Duration::from_millis(500);

/// Waits until word comes, and none is on its way.
async fn settled(changes: &mut Changes) {
    let hears = async {
        while !changes.are_heard() {
            changes.next().await;
        }
    };
    timeout(PATIENCE, hears).await.expect("no word comes of this journal");
    while timeout(SILENCE, changes.next()).await.is_ok() {}
}

pub(super) async fn word_comes_of_what_anybody_commits_and_of_nothing_else(bench: Bench) {
    let mut changes = bench.other.changes();
    settled(&mut changes).await;
    for _ in 0..3 {
        let run = bench.submit().await;
        timeout(PATIENCE, changes.next()).await.expect("a submission");
        settled(&mut changes).await;
        bench.cancel(run).await;
        timeout(PATIENCE, changes.next()).await.expect("a command");
        settled(&mut changes).await;
    }
    bench.other.tail(None, 1).await.unwrap();
    let silent = timeout(SILENCE, changes.next()).await.is_err();
    assert!(silent && changes.are_heard(), "nothing was committed");
}
