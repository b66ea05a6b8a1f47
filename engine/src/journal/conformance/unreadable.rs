//! Rows that hold what this program can't read: written by a newer one, by hand,
//! or by a disk.

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::dead_letters::{by_ann, refused};
use super::harness::{JournalHarness, START, claim, delivery, finish, new_run, order, worker};
use crate::controls::{ControlChange, TenantControls};
use crate::decide::{Command, RedriveRefusal};
use crate::error::StepError;
use crate::event::OnItemFailure;
use crate::id::{RunId, Slot};
use crate::journal::audit::AuditEntry;
use crate::journal::dead_letters::{DeadLetter, DeadLetterFilter, ReasonKind};
use crate::journal::{Committed, JournalError, RunFilter, Unreadable};
use crate::new_run::NewRun;
use crate::retry::DeadReason;
use crate::state::{ItemStatus, RunStatus};
use crate::time::Clock;

impl JournalHarness {
    /// Sets a column of the rows that `which` finds to `text`.
    async fn spoil(&self, table: &str, column: &str, text: &str, which: &str) {
        let update = format!("UPDATE {table} SET {column} = '{text}' WHERE {which}");
        let changed = self.db().execute_unprepared(&update).await.unwrap().rows_affected();
        assert!(changed > 0, "{update}");
    }

    async fn set_aside(&self, slot: Slot) -> Result<Committed, JournalError> {
        let error = StepError::permanent("ROW_UNREADABLE", "the test spoilt it");
        self.other.apply(order(slot.run, Command::SetAside { slot, error })).await
    }

    async fn letter_of(&self, run: RunId) -> DeadLetter {
        let mut letters = self.letters(DeadLetterFilter::of_run(run)).await;
        assert_eq!(letters.len(), 1);
        letters.remove(0)
    }

    /// The row that the letter keeps.
    async fn raw(&self, letter: &DeadLetter) -> Value {
        let raw = self.journal.raw_row_of(letter.id).await.unwrap().unwrap();
        serde_json::from_str(&raw).unwrap()
    }

    fn is(&self, run: RunId) -> String {
        let hex = run.0.simple();
        match self.db().get_database_backend() {
            sea_orm::DbBackend::Postgres => format!("'{}'", run.0),
            _ => format!("x'{hex}'"),
        }
    }
}

fn whole(run: RunId) -> Slot {
    Slot { run, step: 0, item: None }
}

pub(super) async fn a_run_that_cant_be_read_becomes_a_letter_with_its_row_and_spares_the_others(
    harness: JournalHarness,
) {
    let (poison, good) = (harness.submit().await, harness.submit().await);
    harness
        .spoil("runs", "attempts", "{\"made\": \"a newer form\"}", &format!("id = {}", harness.is(poison)))
        .await;
    let due = harness.journal.due("w", START, None, 10).await.unwrap();
    assert_eq!(due.rows.iter().map(|due| due.delivery.slot.run).collect::<Vec<_>>(), [good]);
    assert_eq!(due.unreadable.iter().map(|row| row.slot).collect::<Vec<_>>(), [whole(poison)]);
    // Asked at the same moment, one of them is told.
    let claims = [poison, good].map(|run| claim(&*harness.other, delivery(run, 0, None, 1), "w-1"));
    let claims = join_all(claims).await;
    assert!(matches!(claims[0], Err(JournalError::Corrupt(_))), "{:?}", claims[0]);
    assert!(claims[1].is_ok());

    let committed = harness.set_aside(whole(poison)).await.unwrap();
    assert_eq!((committed.run.status, committed.deliveries.len()), (RunStatus::Failed, 0));
    assert_eq!(harness.run(poison).await.error.unwrap().code, "ROW_UNREADABLE", "it can be read now");
    assert_eq!(harness.journal.due("w", START, None, 10).await.unwrap().unreadable, []);
    let letter = harness.letter_of(poison).await;
    assert_eq!((letter.reason, letter.tenant.as_str()), (DeadReason::Unreadable, "t"));
    let filter = DeadLetterFilter { reason: Some(ReasonKind::Unreadable), ..DeadLetterFilter::default() };
    assert_eq!(harness.letters(filter).await, std::slice::from_ref(&letter));
    let raw = harness.raw(&letter).await;
    assert_eq!(
        (&raw["table"], &raw["row"]["attempts"]),
        (&json!("runs"), &json!("{\"made\": \"a newer form\"}"))
    );
    assert!(raw["row"]["input"].as_str().unwrap().contains("a.pdf"), "{raw}");
    let again = harness.set_aside(whole(poison)).await;
    assert!(matches!(again, Err(JournalError::Refused(_))), "{again:?}");

    assert_eq!(refused(harness.redrive(poison, by_ann()).await), RedriveRefusal::Unreadable);
    harness.discard(&letter).await.unwrap();
    assert_eq!(
        refused(harness.redrive(poison, by_ann()).await),
        RedriveRefusal::Unreadable,
        "nothing is made up"
    );
    harness.journal.erase(poison, Vec::new()).await.unwrap();
}

pub(super) async fn whatever_column_is_spoilt_the_run_is_set_aside(harness: JournalHarness) {
    let columns = ["on_item_failure", "input", "status", "attempts", "outputs", "error"];
    let mut runs = Vec::new();
    for column in columns {
        let run = harness.submit_pages(2, OnItemFailure::Fail).await;
        harness.spoil("runs", column, "?", &format!("id = {}", harness.is(run))).await;
        let claimed = claim(&*harness.other, delivery(run, 1, Some(0), 1), "w-1").await;
        assert!(matches!(claimed, Err(JournalError::Corrupt(_))), "{column}: {claimed:?}");
        let of_item = harness.set_aside(Slot { run, step: 1, item: Some(0) }).await;
        assert!(matches!(of_item, Err(JournalError::Corrupt(_))), "{column}: {of_item:?}");
        harness.set_aside(whole(run)).await.unwrap();
        assert_eq!(harness.run(run).await.status, RunStatus::Failed, "{column}");
        assert_eq!(harness.raw(&harness.letter_of(run).await).await["row"][column], json!("?"));
        runs.push(run);
    }
    assert_eq!(harness.due().await, [], "nothing of them is due, their pages neither");
    let (listed, total) = harness.journal.runs(&RunFilter::default(), 10, 0).await.unwrap();
    assert_eq!((listed.len(), total), (columns.len(), columns.len() as u64));
}

pub(super) async fn a_run_that_can_be_read_again_goes_on_with_all_it_had(harness: JournalHarness) {
    let run = harness.submit_pages(2, OnItemFailure::Fail).await;
    let page = harness.claim(run, 1, Some(0), 1).await;
    harness.done(&page).await;
    let before = harness.run(run).await;
    harness.spoil("runs", "on_item_failure", "newer", &format!("id = {}", harness.is(run))).await;
    harness.set_aside(whole(run)).await.unwrap();
    assert_eq!(refused(harness.redrive(run, by_ann()).await), RedriveRefusal::Unreadable);
    // As if this program had learnt the new word.
    let raw = "raw = REPLACE(raw, '\"newer\"', '\"fail\"')";
    harness.db().execute_unprepared(&format!("UPDATE dead_letters SET {raw}")).await.unwrap();
    let gone_on = harness.redrive(run, by_ann()).await.unwrap();
    assert_eq!(gone_on.deliveries.iter().map(|next| next.delivery.slot.item).collect::<Vec<_>>(), [Some(1)]);
    let after = harness.run(run).await;
    assert_eq!((&after.input, &after.outputs, after.items.done), (&before.input, &before.outputs, 1));
    harness.history(run).await;
    let page = harness.claim(run, 1, Some(1), 2).await;
    harness.done(&page).await;
    let last = harness.claim(run, 2, None, 2).await;
    finish(&*harness.journal, &last, Value::Null, None).await.unwrap();
    assert_eq!(harness.run(run).await.status, RunStatus::Completed);
}

pub(super) async fn a_page_that_cant_be_read_dies_alone_and_is_as_new_when_redriven(harness: JournalHarness) {
    let run = harness.submit_pages(2, OnItemFailure::Partial).await;
    harness.claim(run, 1, Some(1), 1).await;
    harness.spoil("items", "attempts", "?", "item = 1").await;
    let slot = Slot { run, step: 1, item: Some(1) };
    let held = harness.journal.held(&worker("w-1")).await.unwrap();
    assert_eq!(
        (held.rows.len(), held.unreadable.iter().map(|row| row.slot).collect::<Vec<_>>()),
        (0, vec![slot])
    );
    let orphans = harness.journal.orphans(START, 10).await.unwrap();
    assert!(matches!(&orphans.unreadable[..], [Unreadable { slot: of, .. }] if *of == slot), "{orphans:?}");
    harness.set_aside(slot).await.unwrap();
    assert_eq!(harness.run(run).await.items.failed, 1);
    assert_eq!(harness.raw(&harness.letter_of(run).await).await["row"]["attempts"], json!("?"));
    let page = harness.claim(run, 1, Some(0), 1).await;
    harness.done(&page).await;
    let last = harness.claim(run, 2, None, 1).await;
    finish(&*harness.journal, &last, Value::Null, None).await.unwrap();
    assert_eq!(harness.run(run).await.status, RunStatus::Partial);
    harness.redrive(run, by_ann()).await.unwrap();
    harness.claim(run, 1, Some(1), 2).await;
    let items = harness.journal.items(run, 1, 0, 2).await.unwrap();
    assert_eq!(
        items.iter().map(|item| item.state.status).collect::<Vec<_>>(),
        [ItemStatus::Done, ItemStatus::Pending]
    );
    harness.history(run).await;
}

pub(super) async fn a_run_whose_projection_panics_is_set_aside_too(harness: JournalHarness) {
    let run = harness.submit().await;
    harness.spoil("runs", "tenant", "poison", &format!("id = {}", harness.is(run))).await;
    let claimed = claim(&*harness.other, delivery(run, 0, None, 1), "w-1").await;
    assert!(matches!(claimed, Err(JournalError::Corrupt(_))), "{claimed:?}");
    harness.set_aside(whole(run)).await.unwrap();
    assert_eq!(harness.run(run).await.status, RunStatus::Failed);
    assert_eq!(harness.letter_of(run).await.tenant, "poison");
}

pub(super) async fn an_event_that_cant_be_read_is_passed_over_by_the_tail(harness: JournalHarness) {
    let cursor = harness.journal.tail(None, 1).await.unwrap().cursor;
    let (spoilt, good) = (harness.submit().await, harness.submit().await);
    harness.spoil("events", "event", "?", &format!("run_id = {}", harness.is(spoilt))).await;
    let tail = harness.journal.tail(Some(cursor), 10).await.unwrap();
    assert_eq!(tail.events.iter().map(|event| event.run).collect::<Vec<_>>(), [good]);
    assert_eq!(tail.unreadable.iter().map(|(run, _)| *run).collect::<Vec<_>>(), [spoilt]);
    assert_eq!(harness.journal.tail(Some(tail.cursor), 10).await.unwrap().events, [], "it went on behind it");
    let history = harness.journal.history(spoilt, 0, 10).await;
    assert!(matches!(history, Err(JournalError::Corrupt(_))), "whose history it is, is told: {history:?}");
}

pub(super) async fn one_spoilt_row_hides_no_other_of_any_list(harness: JournalHarness) {
    for file in ["a", "b"] {
        let run = NewRun { input: json!({ "file": file }), ..new_run() };
        let run = harness.journal.submit(vec![run]).await.unwrap()[0].run.id;
        let held = harness.claim(run, 0, None, 1).await;
        harness.fail(&held, StepError::permanent("TORN", file)).await;
        let detail = json!({ "file": file });
        let entry = |name: &str| name.to_owned();
        let (actor, action, subject) = (entry("ann"), entry("look"), entry(file));
        let at = harness.clock.now();
        harness.journal.audit(AuditEntry { at, actor, action, subject, detail }).await.unwrap();
        let set = TenantControls { paused: true, ..TenantControls::default() };
        let change = ControlChange::Tenant { name: file.to_owned(), controls: set };
        harness.journal.control(change, "ann", harness.clock.now()).await.unwrap();
    }
    let letters = harness.letters(DeadLetterFilter::default()).await;
    let ids: Vec<Uuid> = letters.iter().map(|letter| letter.id).collect();
    for column in ["reason", "error", "state"] {
        harness.spoil("dead_letters", column, "?", &format!("run_id = {}", harness.is(letters[0].run))).await;
    }
    let listed = harness.letters(DeadLetterFilter::default()).await;
    assert_eq!(listed.iter().map(|letter| letter.id).collect::<Vec<_>>(), ids);
    assert_eq!((listed[0].error.code.as_str(), listed[0].error.chain.len()), ("TORN", 3));
    assert_eq!(listed[1], letters[1]);

    harness.spoil("audit", "detail", "?", "subject = 'a'").await;
    let audited = harness.journal.audited(None, 10).await.unwrap();
    let looked: Vec<&Value> =
        audited.iter().filter(|line| line.entry.action == "look").map(|line| &line.entry.detail).collect();
    assert_eq!(looked, [&json!({ "file": "b" }), &json!("?")]);

    harness.spoil("controls", "value", "?", "name = 'a'").await;
    let controls = harness.journal.controls(0).await.unwrap().unwrap();
    assert!(controls.of("b").paused && !controls.of("a").paused);
    assert_eq!(controls.unreadable.iter().collect::<Vec<_>>(), ["tenant a"]);
    let change = ControlChange::Tenant { name: "a".to_owned(), controls: TenantControls::default() };
    let set = harness.journal.control(change, "ann", harness.clock.now()).await.unwrap();
    assert!(set.unreadable.is_empty() && set.revision > controls.revision);
}
