//! Runs that begin with an event of another.

use super::harness::{JournalHarness, START, finish, heralded, new_run, order};
use crate::decide::Command;
use crate::id::{Delivery, Slot};
use crate::journal::JournalError;
use crate::new_run::NewRun;
use crate::state::RunStatus;

pub(super) async fn what_begins_with_an_end_is_there_if_and_only_if_that_is(harness: JournalHarness) {
    let of = |tenant: &str| NewRun { tenant: tenant.to_owned(), ..new_run() };
    let (quiet, herald, liar) = (new_run(), of("herald"), of("liar"));
    harness.journal.submit(vec![quiet.clone(), herald.clone(), liar.clone()]).await.unwrap();
    assert_eq!(harness.cancel(quiet.id).await.begun, []);

    let committed = harness.cancel(herald.id).await;
    let id = heralded(herald.id, 2);
    let begun = &committed.begun[0];
    assert_eq!((committed.begun.len(), begun.run.id, begun.run.status), (1, id, RunStatus::Queued));
    assert_eq!((begun.events.len(), begun.deliveries.len()), (1, 1));
    let delivery = Delivery { slot: Slot { run: id, step: 0, item: None }, attempt: 1 };
    let due = harness.other.due("plain", START, None, 10).await.unwrap().rows;
    assert_eq!(due.iter().map(|due| due.delivery).collect::<Vec<_>>(), [delivery]);
    harness.history(id).await;
    // It is a run like any other.
    let claim = harness.claim(id, 0, None, 1).await;
    finish(&*harness.journal, &claim, serde_json::Value::Null, None).await.unwrap();
    assert_eq!(harness.run(id).await.status, RunStatus::Completed);
    assert_eq!(harness.history(herald.id).await.len(), 2);

    // One that can't begin takes back what it would have begun with.
    let refused = harness.journal.apply(order(liar.id, Command::Cancel)).await;
    assert!(matches!(refused, Err(JournalError::UnknownDefinition(_))), "{refused:?}");
    assert_eq!(harness.run(liar.id).await.status, RunStatus::Queued);
    assert_eq!(harness.run(quiet.id).await.status, RunStatus::Cancelled);
}
