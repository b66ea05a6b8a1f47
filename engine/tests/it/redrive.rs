//! Runs that go on after they died.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use untxt_engine::crash::CrashPoint;
use untxt_engine::decide::{Discard, Redrive, RedriveRefusal, Refusal};
use untxt_engine::engine::{AttemptEnd, Engine};
use untxt_engine::error::{Budget, StepError};
use untxt_engine::event::EventKind;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::letters::{DeadLetter, LetterFilter, LetterStatus};
use untxt_engine::retry::{Budgets, RetryPolicy, WhenSpent};
use untxt_engine::state::RunStatus;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;

use crate::leases::Trap;
use crate::stage::{
    PAGES, Working, code, config, engine, history, in_time, memory_journal, memory_queue, names, new_run,
    paper, policy, returns,
};

/// A workflow whose middle page can't be read until somebody mends it.
struct Book {
    workflow: Workflow,
    mended: Arc<AtomicBool>,
    /// How often the first page was read.
    first_read: Arc<AtomicU32>,
}

impl Book {
    fn new(policy: RetryPolicy, error: StepError) -> Self {
        let (mended, first_read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (is_mended, reads) = (Arc::clone(&mended), Arc::clone(&first_read));
        let page = code(move |context| {
            let (is_mended, reads, error) = (Arc::clone(&is_mended), Arc::clone(&reads), error.clone());
            async move {
                reads.fetch_add(u32::from(context.slot.item == Some(0)), Ordering::SeqCst);
                match context.slot.item == Some(1) && !is_mended.load(Ordering::SeqCst) {
                    true => Err(error),
                    false => returns(json!({ "page": context.slot.item })),
                }
            }
        });
        Self { workflow: paper(policy, page), mended, first_read }
    }

    fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }
}

fn torn() -> StepError {
    StepError::permanent("TORN", "the page is torn")
}

async fn letter_of(engine: &Engine, run: RunId) -> DeadLetter {
    engine.dead_letters(&LetterFilter::of_run(run), 1, 0).await.unwrap().0.remove(0)
}

#[tokio::test]
async fn a_redriven_run_goes_on_with_what_is_missing_and_its_watchers_with_it() {
    let book = Book::new(policy(), torn());
    let engine = engine(&book.workflow);
    // One at a time and in order: the first page is done before the second dies.
    let _working = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&book.workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Failed);
    let mut watcher = engine.watch().await.unwrap();
    book.mend();
    let ended = history(&engine, run).await.len();
    let queued = engine.redrive(run, Redrive::default()).await.unwrap();
    assert_eq!(queued.status, RunStatus::Queued);

    let whole = in_time(engine.wait(run)).await.unwrap();
    assert_eq!((whole.status, whole.items.done), (RunStatus::Completed, PAGES));
    assert_eq!(book.first_read.load(Ordering::SeqCst), 1, "what was done is not done again");
    let history = history(&engine, run).await;
    let mut seen = Vec::new();
    while seen.len() < history.len() - ended {
        seen.push((*in_time(watcher.next()).await.unwrap()).clone());
    }
    assert_eq!(seen, history[ended..]);
    // Whoever follows the run from its beginning is led past its first end.
    let mut followed = engine.watch_run(run, 0).await.unwrap();
    let mut told = 0;
    while in_time(followed.next()).await.unwrap().is_some() {
        told += 1;
    }
    assert_eq!(told, history.len());
}

#[tokio::test]
async fn a_redrive_that_was_never_pushed_is_healed() {
    let book = Book::new(policy(), torn());
    let trap = Trap::at(CrashPoint::Redriven);
    let engine = Engine::builder(memory_journal(&book.workflow), memory_queue());
    let engine = engine.crash_hook(trap.clone()).build();
    let often = WorkerConfig { reconcile_every: Duration::from_millis(50), ..config(1) };
    let _working = Working::begin(&engine, often);
    let run = engine.submit(new_run(&book.workflow)).await.unwrap().id;
    in_time(engine.wait(run)).await.unwrap();
    book.mend();
    tokio::select! {
        redriven = engine.redrive(run, Redrive::default()) => panic!("it did not crash: {redriven:?}"),
        () = in_time(trap.caught.notified()) => {}
    }
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
}

#[tokio::test]
async fn a_letter_tells_every_attempt() {
    let error =
        StepError::retry(Budget::Content, "SMUDGED", "can't read it").with_logs(vec!["ink".to_owned()]);
    let once = Budgets { content: 1, ..RetryPolicy::default().budgets };
    let book = Book::new(RetryPolicy { budgets: once, ..policy() }, error.clone());
    let engine = engine(&book.workflow);
    let _working = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&book.workflow)).await.unwrap().id;
    in_time(engine.wait(run)).await.unwrap();
    let letter = letter_of(&engine, run).await;
    let attempts = engine.attempts_of(&letter).await.unwrap();
    let told: Vec<_> = attempts.iter().map(|attempt| (attempt.attempt, &attempt.end)).collect();
    let failed = AttemptEnd::Failed(error);
    assert_eq!(told, [(1, &failed), (2, &failed)]);
    let worker = &engine.workers().await.unwrap()[0].name;
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.worker == *worker && attempt.ended_at >= Some(attempt.started_at))
    );
}

/// A run that waits for a person, with its letter.
async fn paused(book: &Book, engine: &Engine) -> (RunId, DeadLetter) {
    let mut watcher = engine.watch().await.unwrap();
    let run = engine.submit(new_run(&book.workflow)).await.unwrap().id;
    // Its other pages are done when it waits.
    let (mut waits, mut done) = (false, 0);
    while !waits || done < PAGES - 1 {
        match &in_time(watcher.next()).await.unwrap().kind {
            EventKind::DeadLettered { paused, .. } => waits = *paused,
            EventKind::Succeeded { attempt, .. } if attempt.item.is_some() => done += 1,
            _ => {}
        }
    }
    let state = engine.run(run).await.unwrap().unwrap();
    assert_eq!((state.status, state.error.unwrap().code.as_str()), (RunStatus::Retrying, "AWAY"));
    (run, letter_of(engine, run).await)
}

#[tokio::test]
async fn a_paused_run_goes_on_when_it_is_redriven_and_fails_when_it_is_given_up() {
    let budgets = Budgets { transport: 0, ..RetryPolicy::default().budgets };
    let policy = RetryPolicy { budgets, when_spent: WhenSpent::Pause, ..policy() };
    let book = Book::new(policy, StepError::retry(Budget::Transport, "AWAY", "the store is away"));
    let engine = engine(&book.workflow);
    let _working = Working::begin(&engine, config(1));

    let (given_up, letter) = paused(&book, &engine).await;
    let discard =
        Discard { letter: (letter.step, letter.item), reason: "too old".to_owned(), ..Discard::default() };
    engine.discard(given_up, discard.clone()).await.unwrap();
    assert_eq!(in_time(engine.wait(given_up)).await.unwrap().status, RunStatus::Failed);
    assert_eq!(letter_of(&engine, given_up).await.status, LetterStatus::Discarded);
    let again = engine.discard(given_up, discard).await;
    assert!(
        matches!(again, Err(JournalError::Refused(Refusal::Redrive(RedriveRefusal::Settled)))),
        "{again:?}"
    );

    let (run, _) = paused(&book, &engine).await;
    book.mend();
    engine.redrive(run, Redrive::default()).await.unwrap();
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    assert_eq!(book.first_read.load(Ordering::SeqCst), 2, "once a run");
    let names = names(&history(&engine, run).await);
    assert_eq!(names.iter().filter(|name| *name == "dead_lettered").count(), 1);
}
