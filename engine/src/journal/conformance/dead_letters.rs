//! Dead letters: what they say, how they are found, what becomes of them.

use std::slice::from_ref;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::harness::{JournalHarness, START, claim, delivery, finish, new_run, order, refusal, worker};
use crate::decide::{Command, Discard, Outcome, Redrive, RedriveItems, RedriveRefusal, Refusal};
use crate::error::{Budget, StepError};
use crate::event::OnItemFailure;
use crate::id::RunId;
use crate::journal::dead_letters::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterStatus, ReasonKind,
};
use crate::journal::{Committed, JournalError};
use crate::new_run::NewRun;
use crate::retry::DeadReason;
use crate::state::{ItemStatus, RunStatus};

impl JournalHarness {
    pub(super) async fn letters(&self, filter: DeadLetterFilter) -> Vec<DeadLetter> {
        let (letters, total) = self.journal.dead_letters(&filter, 100, 0).await.unwrap();
        assert_eq!(letters.len() as u64, total);
        letters
    }

    pub(super) async fn redrive(&self, run: RunId, redrive: Redrive) -> Result<Committed, JournalError> {
        self.journal.apply(order(run, Command::Redrive(redrive))).await
    }

    pub(super) async fn discard(&self, letter: &DeadLetter) -> Result<Committed, JournalError> {
        let discard = Discard {
            letter: (letter.step, letter.item),
            by: "ann".to_owned(),
            reason: "not worth it".to_owned(),
            bulk: None,
        };
        self.journal.apply(order(letter.run, Command::Discard(discard))).await
    }

    /// A run of three pages: one done, one dead, one held. The run has failed.
    async fn with_a_dead_page(&self, error: StepError) -> RunId {
        let run = self.submit_pages(3, OnItemFailure::Fail).await;
        let done = self.claim(run, 1, Some(0), 1).await;
        self.done(&done).await;
        self.claim(run, 1, Some(2), 1).await;
        let dead = self.claim(run, 1, Some(1), 1).await;
        self.fail(&dead, error).await;
        run
    }
}

fn torn() -> StepError {
    StepError::permanent("TORN", "page 2 of `a.pdf` is torn").with_logs(vec!["fibres".to_owned()])
}

pub(super) fn by_ann() -> Redrive {
    Redrive { by: "ann".to_owned(), reason: "glued".to_owned(), ..Redrive::default() }
}

pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, JournalError>) -> RedriveRefusal {
    match refusal(result) {
        Refusal::Redrive(refusal) => refusal,
        other => panic!("refused otherwise: {other}"),
    }
}

pub(super) async fn a_letter_says_what_died_and_is_found_by_it(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    let plain = NewRun { definition: "plain", tenant: "u".to_owned(), ..new_run() };
    harness.journal.submit(vec![plain.clone()]).await.unwrap();
    harness.clock.advance(Duration::from_secs(1));
    for attempt in [1, 2] {
        let claim = harness.claim(plain.id, 0, None, attempt).await;
        harness.journal.apply(order(plain.id, Command::Lose { claim })).await.unwrap();
    }
    let all = harness.letters(DeadLetterFilter::default()).await;
    let [lost, dead] = &all[..] else { panic!("{all:?}") };
    assert_eq!((dead.run, dead.step_name.as_str(), dead.item, dead.attempts), (run, "page", Some(1), 1));
    assert_eq!((dead.reason, &dead.error), (DeadReason::Permanent, &torn()));
    assert_eq!((dead.status, &dead.settled, dead.at), (DeadLetterStatus::Waiting, &None, START));
    assert_eq!(dead.digest.as_deref(), Some("digest of a.pdf"), "the projection knows");
    assert_eq!(dead.fingerprint.len(), 16);
    assert_eq!((lost.digest.as_deref(), lost.error.code.as_str()), (None, "WORKER_LOST"));
    assert_eq!(lost.error.message, "step `only` killed its worker 2 times; the last was w-1");
    assert_eq!(lost.reason, DeadReason::BudgetSpent { budget: Budget::LostWorker });
    assert_eq!(harness.journal.dead_letter(dead.id).await.unwrap().as_ref(), Some(dead));
    assert_eq!(harness.journal.dead_letter(Uuid::nil()).await.unwrap(), None);

    let filter = DeadLetterFilter::default;
    let text = |text: &str| Some(text.to_owned());
    for (only_dead, only_lost) in [
        (
            DeadLetterFilter { tenant: text("t"), ..filter() },
            DeadLetterFilter { tenant: text("u"), ..filter() },
        ),
        (
            DeadLetterFilter { workflow: text("w"), ..filter() },
            DeadLetterFilter { workflow: text("plain"), ..filter() },
        ),
        (
            DeadLetterFilter { code: text("TORN"), ..filter() },
            DeadLetterFilter { code: text("WORKER_LOST"), ..filter() },
        ),
        (
            DeadLetterFilter { step: text("page"), ..filter() },
            DeadLetterFilter { step: text("only"), ..filter() },
        ),
        (
            DeadLetterFilter { digest: dead.digest.clone(), ..filter() },
            DeadLetterFilter { run: Some(lost.run), ..filter() },
        ),
        (
            DeadLetterFilter { fingerprint: Some(dead.fingerprint.clone()), ..filter() },
            DeadLetterFilter { fingerprint: Some(lost.fingerprint.clone()), ..filter() },
        ),
        (
            DeadLetterFilter { reason: Some(ReasonKind::Permanent), ..filter() },
            DeadLetterFilter { reason: Some(ReasonKind::BudgetSpent), ..filter() },
        ),
        (
            DeadLetterFilter { until: Some(lost.at), ..filter() },
            DeadLetterFilter { from: Some(lost.at), ..filter() },
        ),
        (
            DeadLetterFilter { after: Some((lost.at, lost.id)), ..filter() },
            DeadLetterFilter { tenant: text("u"), ..filter() },
        ),
    ] {
        assert_eq!(harness.letters(only_dead.clone()).await, from_ref(dead), "{only_dead:?}");
        assert_eq!(harness.letters(only_lost.clone()).await, from_ref(lost), "{only_lost:?}");
    }
    for none in [
        DeadLetterFilter { state: Some(DeadLetterStatus::Redriven), ..filter() },
        DeadLetterFilter { reason: Some(ReasonKind::ElapsedLimit), ..filter() },
        DeadLetterFilter { tenant: text("t"), code: text("WORKER_LOST"), ..filter() },
        DeadLetterFilter { bulk: Some(run), ..filter() },
    ] {
        assert_eq!(harness.letters(none.clone()).await, [], "{none:?}");
    }
    assert_eq!(harness.journal.dead_letters(&filter(), 1, 1).await.unwrap(), (vec![dead.clone()], 2));
}

fn of_one_cause(group: &DeadLetterGroup) -> DeadLetterFilter {
    DeadLetterFilter { fingerprint: Some(group.fingerprint.clone()), ..DeadLetterFilter::default() }
}

pub(super) async fn letters_of_one_cause_are_one_group(harness: JournalHarness) {
    for page in 1..=3 {
        let error = StepError::permanent("TORN", format!("page {page} of `{page}.pdf` is torn"));
        harness.with_a_dead_page(error).await;
    }
    harness.with_a_dead_page(StepError::permanent("TORN", "the whole book is torn")).await;
    let groups = harness.journal.dead_letter_groups(&DeadLetterFilter::default(), 10).await.unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| (group.definition.as_str(), group.step_name.as_str(), group.code.as_str(), group.count))
        .collect();
    assert_eq!(told, [("w", "page", "TORN", 3), ("w", "page", "TORN", 1)]);
    assert_ne!(groups[0].fingerprint, groups[1].fingerprint);
    assert!(groups[0].error.message.contains("is torn") && groups[0].error.code == "TORN", "{groups:?}");
    let died = harness.letters(of_one_cause(&groups[0])).await.into_iter().map(|letter| letter.at);
    let died: Vec<_> = died.collect();
    assert_eq!(died.iter().min().zip(died.iter().max()), Some((&groups[0].first_at, &groups[0].last_at)));
    assert_eq!((groups[0].tenants, groups[1].tenants), (1, 1));
    assert_eq!(died.len(), 3);
}

pub(super) async fn a_redriven_run_goes_on_where_it_died(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    let zombie = crate::decide::Claim { slot: delivery(run, 1, Some(2), 1).slot, epoch: 5 };
    let letter = Redrive { letter: Some((1, Some(1))), ..by_ann() };
    let committed = harness.redrive(run, letter.clone()).await.unwrap();
    assert_eq!(committed.run.status, RunStatus::Queued);
    let due = [delivery(run, 1, Some(1), 2), delivery(run, 1, Some(2), 2)];
    assert_eq!(committed.deliveries.iter().map(|d| d.delivery).collect::<Vec<_>>(), due);
    assert_eq!(harness.due().await, due, "also when they are never pushed");
    assert_eq!(refused(harness.redrive(run, letter).await), RedriveRefusal::Status(RunStatus::Queued));

    let settled = harness.letters(DeadLetterFilter::of_run(run)).await.remove(0);
    let by = settled.settled.as_ref().map(|s| (s.by.as_str(), s.why.as_str(), s.bulk));
    assert_eq!((settled.status, by), (DeadLetterStatus::Redriven, Some(("ann", "glued", None))));
    let items = harness.journal.items(run, 1, 0, 10).await.unwrap();
    let statuses: Vec<_> = items.iter().map(|item| item.state.status).collect();
    assert_eq!(statuses, [ItemStatus::Done, ItemStatus::Pending, ItemStatus::Pending]);
    assert_eq!((&items[0].output, &items[1].state.error), (&json!(0), &None));

    assert_eq!(refusal(finish(&*harness.journal, &zombie, json!(1), None).await), Refusal::Fenced);
    for page in [1, 2] {
        let claim = harness.claim(run, 1, Some(page), 2).await;
        harness.done(&claim).await;
    }
    let last = harness.claim(run, 2, None, 2).await;
    assert_eq!(harness.done(&last).await.run.status, RunStatus::Completed);
    harness.history(run).await;
}

pub(super) async fn a_page_that_dies_again_is_a_letter_of_its_own(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    harness.redrive(run, by_ann()).await.unwrap();
    harness.clock.advance(Duration::from_secs(1));
    let dead = harness.claim(run, 1, Some(1), 2).await;
    harness.fail(&dead, torn()).await;
    let letters = harness.letters(DeadLetterFilter::of_run(run)).await;
    let told: Vec<_> = letters.iter().map(|letter| (letter.status, letter.attempts)).collect();
    assert_eq!(told, [(DeadLetterStatus::Waiting, 2), (DeadLetterStatus::Redriven, 1)]);
    harness.history(run).await;
}

pub(super) async fn pages_are_named_anew_by_another_input(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    assert_eq!(
        refused(harness.redrive(run, Redrive { from: Some(0), ..by_ann() }).await),
        RedriveRefusal::ItemsDone { from: 0, done: 1 }
    );
    let input = json!({ "file": "b.pdf" });
    let all = Redrive { from: Some(0), items: RedriveItems::All, input: Some(input.clone()), ..by_ann() };
    harness.redrive(run, all).await.unwrap();
    assert_eq!(harness.journal.items(run, 1, 0, 10).await.unwrap(), []);
    assert_eq!(harness.run(run).await.input, input);
    let open = harness.claim(run, 0, None, 2).await;
    finish(&*harness.journal, &open, json!("opened"), Some(2)).await.unwrap();
    assert_eq!(harness.due().await, [delivery(run, 1, Some(0), 2), delivery(run, 1, Some(1), 2)]);
    let held = harness.claim(run, 1, Some(0), 2).await;
    harness.fail(&held, torn()).await;
    let again = Redrive { from: Some(1), items: RedriveItems::All, ..by_ann() };
    harness.redrive(run, again).await.unwrap();
    assert_eq!(harness.due().await, [delivery(run, 1, Some(0), 3), delivery(run, 1, Some(1), 3)]);
    harness.history(run).await;
}

pub(super) async fn of_many_redrives_at_once_one_counts(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    let beside = harness.submit().await;
    let asks = (0..8).map(|number| {
        let journal = if number % 2 == 0 { harness.journal.clone() } else { harness.other.clone() };
        async move {
            let redriven = journal.apply(order(run, Command::Redrive(by_ann()))).await;
            journal.apply(order(beside, Command::Cancel)).await.ok();
            redriven.is_ok()
        }
    });
    let done = futures_util::future::join_all(asks).await.into_iter().filter(|done| *done).count();
    assert_eq!(done, 1);
    assert_eq!(harness.due().await.len(), 2);
    let audited = harness.journal.audited(None, 10).await.unwrap();
    assert_eq!(audited.iter().filter(|line| line.entry.action == "redrive").count(), 1);
    harness.history(run).await;
}

/// A run of the workflow that pauses, whose only step has spent its attempts.
async fn paused(harness: &JournalHarness) -> RunId {
    let new = NewRun { definition: "patient", ..new_run() };
    harness.journal.submit(vec![new.clone()]).await.unwrap();
    for attempt in [1, 2] {
        let claim = harness.claim(new.id, 0, None, attempt).await;
        let away = StepError::retry(Budget::Transport, "AWAY", "the store is away");
        let command = Command::Finish { claim, outcome: Outcome::Failed(away), keep: false };
        harness.journal.apply(order(new.id, command)).await.unwrap();
    }
    new.id
}

pub(super) async fn a_paused_run_waits_with_nothing_due_until_somebody_acts(harness: JournalHarness) {
    let due = async || {
        harness.journal.due("patient", START.after(Duration::from_secs(60)), None, 10).await.unwrap().rows
    };
    let run = paused(&harness).await;
    assert_eq!(harness.run(run).await.status, RunStatus::Retrying);
    assert_eq!(due().await, []);
    assert_eq!(harness.journal.orphans(START.after(Duration::from_secs(9)), 10).await.unwrap().rows, []);
    let forged = claim(&*harness.journal, delivery(run, 0, None, 3), "w-1").await;
    assert_eq!(refusal(forged), Refusal::Stale);
    let letter = harness.letters(DeadLetterFilter::of_run(run)).await.remove(0);
    assert_eq!((letter.status, letter.error.code.as_str()), (DeadLetterStatus::Waiting, "AWAY"));

    harness.redrive(run, by_ann()).await.unwrap();
    assert_eq!(due().await[0].delivery, delivery(run, 0, None, 3));
    let claim = harness.claim(run, 0, None, 3).await;
    let orphans = harness.journal.orphans(START.after(Duration::from_secs(9)), 10).await.unwrap().rows;
    assert_eq!((orphans.len(), &orphans[0].worker), (1, &worker("w-1")));
    assert_eq!(harness.done(&claim).await.run.status, RunStatus::Completed);
    harness.history(run).await;

    let given_up = paused(&harness).await;
    let letter = harness.letters(DeadLetterFilter::of_run(given_up)).await.remove(0);
    let failed = harness.discard(&letter).await.unwrap().run;
    assert_eq!((failed.status, failed.error.unwrap().code.as_str()), (RunStatus::Failed, "AWAY"));
    assert_eq!(refused(harness.discard(&letter).await), RedriveRefusal::Settled);
    assert_eq!(due().await, []);
    harness.history(given_up).await;
}

pub(super) async fn a_discarded_letter_stays_and_says_why(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    let before = harness.run(run).await;
    let letter = harness.letters(DeadLetterFilter::of_run(run)).await.remove(0);
    harness.clock.advance(Duration::from_secs(2));
    harness.discard(&letter).await.unwrap();
    assert_eq!(harness.run(run).await, before);
    let discarded = harness.journal.dead_letter(letter.id).await.unwrap().unwrap();
    let settled = discarded.settled.unwrap();
    assert_eq!(
        (discarded.status, settled.at),
        (DeadLetterStatus::Discarded, START.after(Duration::from_secs(2)))
    );
    assert_eq!((settled.by.as_str(), settled.why.as_str()), ("ann", "not worth it"));
    assert_eq!(refused(harness.discard(&letter).await), RedriveRefusal::Settled);
    let letter = Redrive { letter: Some((1, Some(1))), ..by_ann() };
    assert_eq!(refused(harness.redrive(run, letter).await), RedriveRefusal::Settled);
    // The run itself may still be asked to go on.
    harness.redrive(run, by_ann()).await.unwrap();
    harness.history(run).await;
}

pub(super) async fn what_was_cancelled_leaves_no_letter_waiting(harness: JournalHarness) {
    let run = paused(&harness).await;
    harness.cancel(run).await;
    let letter = harness.letters(DeadLetterFilter::of_run(run)).await.remove(0);
    assert_eq!(letter.status, DeadLetterStatus::Discarded);
    assert_eq!(refused(harness.redrive(run, by_ann()).await), RedriveRefusal::Status(RunStatus::Cancelled));
}

pub(super) async fn what_operators_do_is_written_down_newest_first(harness: JournalHarness) {
    let run = harness.with_a_dead_page(torn()).await;
    harness.redrive(run, by_ann()).await.unwrap();
    refused(harness.redrive(run, by_ann()).await);
    let dead = harness.claim(run, 1, Some(1), 2).await;
    harness.fail(&dead, torn()).await;
    let waiting = DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), ..DeadLetterFilter::default() };
    let letter = harness.letters(waiting).await.remove(0);
    harness.discard(&letter).await.unwrap();
    let entry = crate::journal::audit::AuditEntry {
        at: START,
        actor: "bob".to_owned(),
        action: "pause".to_owned(),
        subject: "queue ocr".to_owned(),
        detail: json!({ "for": "lunch" }),
    };
    harness.journal.audit(entry.clone()).await.unwrap();
    let lines = harness.journal.audited(None, 10).await.unwrap();
    let told: Vec<_> =
        lines.iter().map(|line| (line.entry.actor.as_str(), line.entry.action.as_str())).collect();
    assert_eq!(
        told,
        [("bob", "pause"), ("ann", "discard"), ("ann", "redrive")],
        "the refused one did nothing"
    );
    assert_eq!(lines[0].entry, entry);
    assert_eq!(lines[2].entry.subject, format!("run {run}"));
    assert_eq!(lines[2].entry.detail["reason"], "glued");
    let older = harness.journal.audited(Some(lines[0].position), 1).await.unwrap();
    assert_eq!(older, lines[1..2]);
}
