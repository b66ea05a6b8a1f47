//! One run, played through lives that end at their crash points.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use untxt_engine::crash::CrashPoint;
use untxt_engine::decide::Redrive;
use untxt_engine::engine::Engine;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::event::{Event, EventKind, OnItemFailure};
use untxt_engine::id::{RunId, Slot};
use untxt_engine::journal::Journal;
use untxt_engine::new_run::NewRun;
use untxt_engine::queue::{Pulled, Queue, QueueError};
use untxt_engine::step::{Step, StepContext};

use super::hook::{Crash, Reaper};
use super::normal::{Normal, check, normal};
use super::record::Record;
use crate::stage::{
    Around, Otherwise, PAGES, StepResult, code, config, history, in_time, names_pages, paper_of, policy,
    returns,
};

/// What goes wrong besides crashes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Trouble {
    #[default]
    None,
    /// A page fails once and then works.
    FlakyPage,
    /// A page can't be done; the run goes on without it.
    DeadPage,
    /// The last step fails once, then for good.
    DeadEnd,
    /// One page fails once and then works, another can't be done until the run,
    /// which ended without it, is redriven.
    Redriven,
}

impl Trouble {
    pub(super) const ALL: [Self; 5] =
        [Self::None, Self::FlakyPage, Self::DeadPage, Self::DeadEnd, Self::Redriven];
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Play {
    pub(super) trouble: Trouble,
    /// One unless more are wanted.
    pub(super) workers: usize,
    /// Whether the queue delivers everything twice.
    pub(super) doubled: bool,
    /// Whether the first life is drained while a page is at work.
    pub(super) drain: bool,
    /// Where the lives end, one after the other.
    pub(super) crashes: Vec<Crash>,
}

pub(super) struct Played {
    pub(super) left: Normal,
    pub(super) died_at: BTreeSet<CrashPoint>,
}

/// What the steps did, over all lives.
#[derive(Default)]
struct Effects {
    /// How often the code of each slot returned a result.
    done: HashMap<Slot, u32>,
    drained: bool,
}

/// Plays it, one run, on a journal on which nothing else runs.
pub(super) async fn play(record: &Record, play: &Play) -> Played {
    record.clear_queue();
    let mut life = Life::begin(play, record, Arc::default()).await;
    let run = NewRun { on_item_failure: OnItemFailure::Partial, ..NewRun::new("paper", "t", json!({})) };
    let (mut died_at, mut crashes) = (BTreeSet::new(), VecDeque::from(play.crashes.clone()));
    loop {
        match in_time(life.live(&run, crashes.front().copied())).await {
            End::Crashed => died_at.extend(crashes.pop_front().map(|crash| crash.point)),
            End::Drained => {}
            End::Over => break,
        }
        life = Life::begin(play, record, Arc::clone(&life.effects)).await;
    }
    let engine = life.engine(Arc::default());
    let (state, history) = (engine.run(run.id).await.unwrap().unwrap(), history(&engine, run.id).await);
    check(&history);
    check_effects(&history, &life.effects.lock().unwrap());
    Played { left: normal(&state, &history), died_at }
}

/// Code that returned a result did so once, and once more for every attempt
/// that was lost on the way; what comes after the pages, also for a redrive.
fn check_effects(history: &[Event], effects: &Effects) {
    for (slot, done) in &effects.done {
        let lost = |event: &&Event| match &event.kind {
            EventKind::Lost(attempt) => (attempt.step, attempt.item) == (slot.step, slot.item),
            _ => false,
        };
        let lost = u32::try_from(history.iter().filter(lost).count()).unwrap();
        let again = u32::from(slot.step == 2 && was_redriven(history));
        assert!(
            (1 + again..=1 + again + lost).contains(done),
            "{slot} was done {done} times, {lost} attempts were lost"
        );
    }
}

enum End {
    Crashed,
    Drained,
    Over,
}

/// One process after the other.
struct Life<'a> {
    play: &'a Play,
    record: &'a Record,
    journal: Arc<dyn Journal>,
    shutdown: CancellationToken,
    effects: Arc<Mutex<Effects>>,
}

impl<'a> Life<'a> {
    async fn begin(play: &'a Play, record: &'a Record, effects: Arc<Mutex<Effects>>) -> Self {
        let (shutdown, opened) = (CancellationToken::new(), Arc::new(OnceLock::new()));
        let step = step(play, &shutdown, &opened, &effects);
        let workflow = paper_of(policy(), [Arc::clone(&step), Arc::clone(&step), step]);
        let journal = record.open(workflow).await;
        opened.set(Arc::downgrade(&journal)).unwrap();
        Self { play, record, journal, shutdown, effects }
    }

    /// A process has a queue of its own, which dies with it, or its own way to one
    /// that doesn't.
    fn engine(&self, reaper: Arc<Reaper>) -> Engine {
        let (inner, again) = (self.record.queue(), Mutex::default());
        let queue = Arc::new(Around(Doubling { inner, doubled: self.play.doubled, again }));
        let builder = Engine::builder(Arc::clone(&self.journal), queue);
        builder.crash_hook(reaper).build()
    }

    async fn live(&self, run: &NewRun, crash: Option<Crash>) -> End {
        let reaper = Arc::new(Reaper::at(crash));
        let engine = self.engine(Arc::clone(&reaper));
        tokio::select! {
            biased;
            () = reaper.died() => End::Crashed,
            end = self.work(&engine, run) => end,
        }
    }

    async fn work(&self, engine: &Engine, run: &NewRun) -> End {
        take_over(engine).await;
        if engine.run(run.id).await.unwrap().is_none() {
            engine.submit(run.clone()).await.unwrap();
        }
        let worker = || engine.run_worker(config(1), self.shutdown.clone());
        let second = async { if self.play.workers > 1 { worker().await } else { Ok(()) } };
        tokio::select! {
            biased;
            () = self.to_the_end(engine, run.id) => End::Over,
            drained = async { tokio::try_join!(worker(), second) } => { drained.unwrap(); End::Drained }
        }
    }

    /// Waits for the end, and for the second one of a run that is redriven.
    async fn to_the_end(&self, engine: &Engine, run: RunId) {
        engine.wait(run).await.unwrap();
        if self.play.trouble != Trouble::Redriven {
            return;
        }
        if !was_redriven(&history(engine, run).await) {
            engine.redrive(run, Redrive::default()).await.unwrap();
        }
        engine.wait(run).await.unwrap();
    }
}

/// The code of all steps. It reads the history from the journal that it is opened
/// with.
fn step(
    play: &Play,
    shutdown: &CancellationToken,
    opened: &Arc<OnceLock<Weak<dyn Journal>>>,
    effects: &Arc<Mutex<Effects>>,
) -> Arc<dyn Step> {
    let (trouble, drain, shutdown) = (play.trouble, play.drain, shutdown.clone());
    let (opened, effects) = (Arc::clone(opened), Arc::clone(effects));
    code(move |context| {
        let journal = opened.get().and_then(Weak::upgrade).expect("it is open while a step runs");
        let (effects, shutdown) = (Arc::clone(&effects), shutdown.clone());
        async move {
            if drain && context.slot.item == Some(1) && first_time(&effects) {
                shutdown.cancel();
                context.cancel.cancelled().await;
                return Err(StepError::permanent("STOPPED", "the worker leaves"));
            }
            let history = journal.history(context.run.id, 0, 10_000).await.unwrap();
            let result = act(trouble, &context, &history);
            if result.is_ok() {
                *effects.lock().unwrap().done.entry(context.slot).or_default() += 1;
            }
            result
        }
    })
}

/// What a restarted process does that knows its predecessors are gone.
async fn take_over(engine: &Engine) {
    let gone = engine.workers().await.unwrap().into_iter().map(|worker| worker.name);
    engine.declare_dead(&gone.collect::<Vec<_>>()).await.unwrap();
}

fn first_time(effects: &Mutex<Effects>) -> bool {
    !std::mem::replace(&mut effects.lock().unwrap().drained, true)
}

/// Failures at the slot that were recorded; one that a crash swallowed has to
/// be made again.
fn failures(history: &[Event], slot: Slot) -> usize {
    let of_slot = |event: &&Event| match &event.kind {
        EventKind::Failed { attempt, .. } => (attempt.step, attempt.item) == (slot.step, slot.item),
        _ => false,
    };
    history.iter().filter(of_slot).count()
}

fn was_redriven(history: &[Event]) -> bool {
    history.iter().any(|event| matches!(event.kind, EventKind::Redriven { .. }))
}

fn act(trouble: Trouble, context: &StepContext, history: &[Event]) -> StepResult {
    let flaky = || Err(StepError::retry(Budget::Content, "SMUDGED", "look again"));
    let torn = || Err(StepError::permanent("TORN", "the page is torn"));
    let failures = failures(history, context.slot);
    match (trouble, context.slot.step, context.slot.item) {
        (Trouble::FlakyPage | Trouble::Redriven, 1, Some(1)) | (Trouble::DeadEnd, 2, None)
            if failures == 0 =>
        {
            flaky()
        }
        (Trouble::DeadPage, 1, Some(2)) => torn(),
        (Trouble::Redriven, 1, Some(2)) if !was_redriven(history) => torn(),
        (Trouble::DeadEnd, 2, None) => Err(StepError::permanent("FULL", "there is no room for it")),
        (_, 0, _) => names_pages(PAGES),
        (_, 1, item) => returns(json!({ "page": item })),
        _ => returns(json!({ "closed": context.output_of("open")?["pages"] })),
    }
}

/// A queue that delivers everything twice: the second time at the next pull,
/// whoever pulls.
struct Doubling {
    inner: Arc<dyn Queue>,
    doubled: bool,
    again: Mutex<VecDeque<Pulled>>,
}

#[async_trait]
impl Otherwise for Doubling {
    fn inner(&self) -> &dyn Queue {
        &*self.inner
    }

    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        if let Some(again) = self.again.lock().unwrap().pop_front() {
            return Ok(vec![again]);
        }
        let pulled = self.inner.pull(topic, max, patience).await?;
        if self.doubled {
            self.again.lock().unwrap().extend(pulled.iter().cloned());
        }
        Ok(pulled)
    }
}
