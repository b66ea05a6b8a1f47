//! The product's rows and the engine's hold together.

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use super::bench::{Bench, claim, delivery, finish, new_run, order, refusal, user};
use crate::decide::{Command, Refusal};
use crate::event::OnItemFailure;
use crate::journal::{CommandRequest, JournalError};
use crate::new_run::NewRun;

async fn users(bench: &Bench) -> i64 {
    let mut count = sea_orm::sea_query::Query::select();
    count.expr(sea_orm::sea_query::Expr::cust("COUNT(*)")).from("users");
    bench.db().query_one(&count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

fn with_user(id: Uuid) -> NewRun {
    NewRun { rows: vec![user(id)], ..new_run() }
}

pub(super) async fn rows_hold_with_their_run_or_not_at_all(bench: Bench) {
    let taken = Uuid::new_v4();
    let first = with_user(taken);
    bench.journal.submit(vec![first.clone()]).await.unwrap();
    let second = NewRun { rows: vec![user(Uuid::new_v4()), user(taken)], ..new_run() };
    let conflict = bench.journal.submit(vec![second.clone()]).await;
    assert!(matches!(conflict, Err(JournalError::Conflict(_))), "{conflict:?}");
    assert_eq!(bench.journal.run(second.id).await.unwrap(), None);
    assert_eq!(users(&bench).await, 1);

    let claimed = bench.claim(first.id, 0, None, 1).await;
    let stale = CommandRequest {
        run: first.id,
        command: Command::Claim {
            delivery: delivery(first.id, 0, None, 1),
            worker: super::bench::worker("w-2"),
        },
        rows: vec![user(Uuid::new_v4())],
    };
    assert!(matches!(refusal(bench.journal.apply(stale).await), Refusal::Held(_)));
    assert_eq!(users(&bench).await, 1, "a refused order writes no rows");
    let lose = Command::Lose { claim: claimed };
    let guilty = CommandRequest { run: first.id, command: lose, rows: vec![user(taken)] };
    assert!(matches!(bench.journal.apply(guilty).await, Err(JournalError::Conflict(_))));
    assert_eq!(bench.history(first.id).await.len(), 2, "events go with the rows that can't be");

    bench.cancel(first.id).await;
    let refused = bench.journal.erase(first.id, vec![user(taken)]).await;
    assert!(matches!(refused, Err(JournalError::Conflict(_))), "{refused:?}");
    assert_eq!(bench.history(first.id).await.len(), 3, "nothing is erased without its rows");
}

pub(super) async fn only_the_guilty_one_of_a_crowd_fails(bench: Bench) {
    let taken = Uuid::new_v4();
    bench.journal.submit(vec![with_user(taken)]).await.unwrap();
    let crowd: Vec<NewRun> =
        (0..60).map(|at| with_user(if at == 30 { taken } else { Uuid::new_v4() })).collect();
    let answers = join_all(crowd.iter().map(|new| bench.journal.submit(vec![new.clone()]))).await;
    for (at, (answer, new)) in answers.into_iter().zip(&crowd).enumerate() {
        assert_eq!(matches!(answer, Err(JournalError::Conflict(_))), at == 30, "{answer:?}");
        assert_eq!(bench.journal.run(new.id).await.unwrap().is_some(), at != 30);
    }
    assert_eq!(users(&bench).await, 60);
}

pub(super) async fn a_projection_writes_in_the_same_transaction(bench: Bench) {
    let run = bench.submit().await;
    bench.cancel(run).await;
    assert_eq!(users(&bench).await, 1, "the projection wrote a user for the cancelled run");
    let blocked = new_run();
    bench.journal.submit(vec![NewRun { rows: vec![user(blocked.id.0)], ..blocked.clone() }]).await.unwrap();
    let cancel = bench.journal.apply(order(blocked.id, Command::Cancel)).await;
    assert!(matches!(cancel, Err(JournalError::Conflict(_))), "{cancel:?}");
    assert_eq!(bench.history(blocked.id).await.len(), 1, "not cancelled without its row");
}

pub(super) async fn a_panicking_projection_spares_the_others(bench: Bench) {
    let poison = NewRun { tenant: "poison".to_owned(), ..new_run() };
    let (good, poisoned) = (new_run(), poison.id);
    let (answer, other) =
        tokio::join!(bench.journal.submit(vec![poison]), bench.journal.submit(vec![good.clone()]));
    assert!(matches!(answer, Err(JournalError::Corrupt(_))), "{answer:?}");
    assert!(other.is_ok(), "{other:?}");
    assert_eq!(bench.journal.run(poisoned).await.unwrap(), None);
    bench.history(good.id).await;
}

pub(super) async fn a_caller_that_goes_away_undoes_nothing(bench: Bench) {
    let left = new_run();
    let mut asked = bench.journal.submit(vec![left.clone()]).boxed();
    assert!(poll!(&mut asked).is_pending(), "asked, not answered");
    drop(asked);
    // Written in the order in which it was asked.
    bench.submit().await;
    assert_eq!(bench.history(left.id).await.len(), 1);
}

pub(super) async fn megabytes_come_back_as_they_were(bench: Bench) {
    let run = bench.submit_pages(2, OnItemFailure::Fail).await;
    let text = json!({"text": "größer\u{0}".repeat(600_000)});
    let page = claim(&*bench.journal, delivery(run, 1, Some(1), 1), "w-1").await.unwrap();
    finish(&*bench.journal, &page, text.clone(), None).await.unwrap();
    let items = bench.journal.items(run, 1, 0, 2).await.unwrap();
    assert_eq!(items[0].output, json!(null), "nothing yet");
    assert!(items[1].output == text);
    assert_eq!(bench.history(run).await.len(), 6, "the history does not carry it");
}
