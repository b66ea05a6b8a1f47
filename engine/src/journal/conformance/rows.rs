//! The product's rows and the engine's hold together.

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use super::harness::{JournalHarness, claim, delivery, finish, new_run, order, refusal, user};
use crate::decide::{Command, Refusal};
use crate::event::OnItemFailure;
use crate::journal::{CommandRequest, JournalError};
use crate::new_run::NewRun;

async fn users(harness: &JournalHarness) -> i64 {
    let mut count = sea_orm::sea_query::Query::select();
    count.expr(sea_orm::sea_query::Expr::cust("COUNT(*)")).from("users");
    harness.db().query_one(&count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

fn with_user(id: Uuid) -> NewRun {
    NewRun { rows: vec![user(id)], ..new_run() }
}

pub(super) async fn rows_hold_with_their_run_or_not_at_all(harness: JournalHarness) {
    let taken = Uuid::new_v4();
    let first = with_user(taken);
    harness.journal.submit(vec![first.clone()]).await.unwrap();
    let second = NewRun { rows: vec![user(Uuid::new_v4()), user(taken)], ..new_run() };
    let conflict = harness.journal.submit(vec![second.clone()]).await;
    assert!(matches!(conflict, Err(JournalError::Conflict(_))), "{conflict:?}");
    assert_eq!(harness.journal.run(second.id).await.unwrap(), None);
    assert_eq!(users(&harness).await, 1);

    let claimed = harness.claim(first.id, 0, None, 1).await;
    let stale = CommandRequest {
        run: first.id,
        command: Command::Claim {
            delivery: delivery(first.id, 0, None, 1),
            worker: super::harness::worker("w-2"),
        },
        rows: vec![user(Uuid::new_v4())],
    };
    assert!(matches!(refusal(harness.journal.apply(stale).await), Refusal::Held(_)));
    assert_eq!(users(&harness).await, 1, "a refused order writes no rows");
    let lose = Command::Lose { claim: claimed };
    let guilty = CommandRequest { run: first.id, command: lose, rows: vec![user(taken)] };
    assert!(matches!(harness.journal.apply(guilty).await, Err(JournalError::Conflict(_))));
    assert_eq!(harness.history(first.id).await.len(), 2, "events go with the rows that can't be");

    harness.cancel(first.id).await;
    let refused = harness.journal.erase(first.id, vec![user(taken)]).await;
    assert!(matches!(refused, Err(JournalError::Conflict(_))), "{refused:?}");
    assert_eq!(harness.history(first.id).await.len(), 3, "nothing is erased without its rows");
}

pub(super) async fn only_the_guilty_one_of_a_crowd_fails(harness: JournalHarness) {
    let taken = Uuid::new_v4();
    harness.journal.submit(vec![with_user(taken)]).await.unwrap();
    let crowd: Vec<NewRun> =
        (0..60).map(|at| with_user(if at == 30 { taken } else { Uuid::new_v4() })).collect();
    let answers = join_all(crowd.iter().map(|new| harness.journal.submit(vec![new.clone()]))).await;
    for (at, (answer, new)) in answers.into_iter().zip(&crowd).enumerate() {
        assert_eq!(matches!(answer, Err(JournalError::Conflict(_))), at == 30, "{answer:?}");
        assert_eq!(harness.journal.run(new.id).await.unwrap().is_some(), at != 30);
    }
    assert_eq!(users(&harness).await, 60);
}

pub(super) async fn a_projection_writes_in_the_same_transaction(harness: JournalHarness) {
    let run = harness.submit().await;
    harness.cancel(run).await;
    assert_eq!(users(&harness).await, 1, "the projection wrote a user for the cancelled run");
    let blocked = new_run();
    harness.journal.submit(vec![NewRun { rows: vec![user(blocked.id.0)], ..blocked.clone() }]).await.unwrap();
    let cancel = harness.journal.apply(order(blocked.id, Command::Cancel)).await;
    assert!(matches!(cancel, Err(JournalError::Conflict(_))), "{cancel:?}");
    assert_eq!(harness.history(blocked.id).await.len(), 1, "not cancelled without its row");
}

pub(super) async fn a_panicking_projection_spares_the_others(harness: JournalHarness) {
    let poison = NewRun { tenant: "poison".to_owned(), ..new_run() };
    let (good, poisoned) = (new_run(), poison.id);
    let (answer, other) =
        tokio::join!(harness.journal.submit(vec![poison]), harness.journal.submit(vec![good.clone()]));
    assert!(matches!(answer, Err(JournalError::Corrupt(_))), "{answer:?}");
    assert!(other.is_ok(), "{other:?}");
    assert_eq!(harness.journal.run(poisoned).await.unwrap(), None);
    harness.history(good.id).await;
}

pub(super) async fn a_caller_that_goes_away_undoes_nothing(harness: JournalHarness) {
    let left = new_run();
    let mut asked = harness.journal.submit(vec![left.clone()]).boxed();
    assert!(poll!(&mut asked).is_pending(), "asked, not answered");
    drop(asked);
    // Written in the order in which it was asked.
    harness.submit().await;
    assert_eq!(harness.history(left.id).await.len(), 1);
}

pub(super) async fn megabytes_come_back_as_they_were(harness: JournalHarness) {
    let run = harness.submit_pages(2, OnItemFailure::Fail).await;
    let text = json!({"text": "größer\u{0}".repeat(600_000)});
    let page = claim(&*harness.journal, delivery(run, 1, Some(1), 1), "w-1").await.unwrap();
    finish(&*harness.journal, &page, text.clone(), None).await.unwrap();
    let items = harness.journal.items(run, 1, 0, 2).await.unwrap();
    assert_eq!(items[0].output, json!(null), "nothing yet");
    assert!(items[1].output == text);
    assert_eq!(harness.history(run).await.len(), 6, "the history does not carry it");
}
