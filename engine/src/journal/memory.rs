//! A journal that forgets when the process ends: for tests and simulations. It
//! keeps the product's rows as a list and knows none of their keys, so that
//! only a run's own id can conflict.

mod inspect;
mod prune;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::audit::{AuditEntry, AuditLine};
use super::changes::{ChangeNotifier, Changes};
use super::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use super::inspect::{Backlog, Holding, Retry};
use super::retention::{Pruned, Retention};
use super::transition::{Rules, Transition, item_due_at, item_of, run_due_at};
use super::{CommandRequest, Committed, Found, Journal, JournalError, Orphan, RunFilter, Tail, WorkerInfo};
use crate::controls::{ControlChange, Controls};
use crate::decide::{Claim, Dead, Refusal, Scheduled};
use crate::event::{Event, EventKind, RedrivenItems};
use crate::id::{Delivery, RunId, Slot, WorkerName};
use crate::new_run::NewRun;
use crate::rows::RowChange;
use crate::state::{Attempts, ItemOutput, ItemState, ItemStatus, RunState};
use crate::time::{Clock, Timestamp};
use crate::workflow::Workflows;

/// The record of all runs, in memory.
pub struct MemoryJournal {
    rules: Rules,
    records: Arc<Mutex<Records>>,
    notifier: Arc<ChangeNotifier>,
}

#[derive(Default)]
struct Records {
    runs: BTreeMap<RunId, RunState>,
    items: BTreeMap<(RunId, u16, u32), ItemOutput>,
    /// By position.
    events: BTreeMap<u64, Event>,
    last_position: u64,
    dead_letters: Vec<DeadLetter>,
    audit: Vec<AuditEntry>,
    workers: BTreeMap<WorkerName, WorkerInfo>,
    controls: Controls,
    rows: Vec<RowChange>,
    /// Runs that have lost their history.
    pruned: BTreeSet<RunId>,
}

impl MemoryJournal {
    /// An empty journal for `workflows`; `jitter` draws evenly from 0..1.
    #[must_use]
    pub fn new(workflows: Workflows, clock: Arc<dyn Clock>, jitter: fn() -> f64) -> Self {
        let notifier = ChangeNotifier::default();
        // Nobody but this process can write to it.
        notifier.notify();
        let (records, notifier) = (Arc::default(), Arc::new(notifier));
        Self { rules: Rules { workflows, clock, jitter }, records, notifier }
    }

    /// The same record as another process or version of a program opens it, with
    /// `workflows`.
    #[must_use]
    pub fn reopen(&self, workflows: Workflows) -> Self {
        let (clock, jitter) = (Arc::clone(&self.rules.clock), self.rules.jitter);
        let (records, notifier) = (Arc::clone(&self.records), Arc::clone(&self.notifier));
        Self { rules: Rules { workflows, clock, jitter }, records, notifier }
    }

    /// The product's rows that were written, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<RowChange> {
        self.records().rows.clone()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scheduled(
    run: &RunState,
    step: u16,
    item: Option<u32>,
    attempts: &Attempts,
    due_at: Timestamp,
) -> Scheduled {
    let delivery = Delivery { slot: Slot { run: run.id, step, item }, attempt: attempts.made + 1 };
    Scheduled { delivery, due_at, priority: run.priority, tenant: run.tenant.clone() }
}

impl Records {
    fn items_of(&self, run: RunId, step: u16) -> impl Iterator<Item = &ItemOutput> {
        self.items.range((run, step, 0)..=(run, step, u32::MAX)).map(|(_, item)| item)
    }

    fn due_of(&self, rules: &Rules, run: &RunState) -> Vec<Scheduled> {
        if run.status.is_terminal() {
            return Vec::new();
        }
        let whole = run_due_at(rules.workflows.definition(&run.definition), run);
        let whole = whole.map(|due_at| scheduled(run, run.step, None, &run.attempts, due_at));
        let items = self.items_of(run.id, run.step).filter_map(|item| {
            let due_at = item_due_at(&item.state)?;
            Some(scheduled(run, run.step, Some(item.state.index), &item.state.attempts, due_at))
        });
        whole.into_iter().chain(items).collect()
    }

    fn write(&mut self, mut transition: Transition) -> Committed {
        let begun = std::mem::take(&mut transition.begun);
        for state in transition.item.iter().chain(&transition.opened) {
            let key = (transition.run.id, state.step, state.index);
            let output = transition.output.clone().unwrap_or_default();
            self.items.insert(key, ItemOutput { state: state.clone(), output });
        }
        for event in &transition.events {
            self.last_position += 1;
            self.events.insert(self.last_position, event.clone());
            self.go_on(event);
        }
        self.dead_letters.extend(transition.dead_letters.iter().cloned());
        if let Some(settling) = &transition.settling {
            self.dead_letters.iter_mut().for_each(|letter| settling.settle(letter));
        }
        self.audit.extend(transition.audit.clone());
        self.rows.extend(transition.rows.iter().cloned());
        self.runs.insert(transition.run.id, transition.run.clone());
        let begun = begun.into_iter().map(|begun| self.write(begun)).collect();
        Committed { begun, ..transition.committed() }
    }

    /// What a redrive means for the items.
    fn go_on(&mut self, event: &Event) {
        let EventKind::Redriven { step, items, .. } = &event.kind else { return };
        let dropped_from = match items {
            RedrivenItems::Kept => return,
            RedrivenItems::Dropped => *step,
            RedrivenItems::Reopened(_) => step + 1,
        };
        self.items.retain(|(run, of_step, _), _| *run != event.run || *of_step < dropped_from);
        for (_, item) in self.items.range_mut((event.run, *step, 0)..=(event.run, *step, u32::MAX)) {
            item.state.apply(event);
            if item.state.status != ItemStatus::Done {
                item.output = Value::Null;
            }
        }
    }

    fn dead(&self, run: RunId) -> Dead {
        let items = self.items.range((run, 0, 0)..=(run, u16::MAX, u32::MAX)).map(|(_, item)| &item.state);
        let filter =
            DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), ..DeadLetterFilter::of_run(run) };
        let waiting = self.dead_letters.iter().filter(|letter| filter.admits(letter));
        Dead {
            not_done: items.filter(|item| item.status != ItemStatus::Done).cloned().collect(),
            waiting: waiting.map(|letter| (letter.step, letter.item)).collect(),
            unreadable: false,
        }
    }

    /// Newest first.
    fn letters(&self, filter: &DeadLetterFilter) -> Vec<&DeadLetter> {
        let mut found: Vec<_> = self.dead_letters.iter().filter(|letter| filter.admits(letter)).collect();
        found.sort_by_key(|letter| std::cmp::Reverse((letter.at, letter.id)));
        found
    }

    fn silent(&self, worker: &WorkerName, since: Timestamp) -> bool {
        self.workers.get(worker).is_none_or(|row| row.heartbeat_at < since)
    }

    fn held(&self) -> impl Iterator<Item = (Slot, &Attempts)> {
        let open = self.runs.values().filter(|run| !run.status.is_terminal());
        open.flat_map(|run| {
            let whole = (Slot { run: run.id, step: run.step, item: None }, &run.attempts);
            let items = self.items_of(run.id, run.step).map(|ItemOutput { state, .. }| {
                (Slot { run: run.id, step: state.step, item: Some(state.index) }, &state.attempts)
            });
            std::iter::once(whole).chain(items)
        })
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn workflows(&self) -> &Workflows {
        &self.rules.workflows
    }

    async fn submit(&self, runs: Vec<NewRun>) -> Result<Vec<Committed>, JournalError> {
        let mut records = self.records();
        let mut ids = BTreeSet::new();
        if let Some(known) = runs.iter().find(|new| !ids.insert(new.id) || records.runs.contains_key(&new.id))
        {
            return Err(JournalError::Conflict(format!("run {}", known.id)));
        }
        let begun: Result<Vec<_>, _> = runs.iter().map(|new| self.rules.begin(new)).collect();
        let submitted = begun?.into_iter().map(|transition| records.write(transition)).collect();
        self.notifier.notify();
        Ok(submitted)
    }

    async fn apply(&self, request: CommandRequest) -> Result<Committed, JournalError> {
        let mut records = self.records();
        let run = records.runs.get(&request.run).ok_or(JournalError::UnknownRun(request.run))?;
        let item: Option<&ItemState> = item_of(&request.command)
            .and_then(|(step, index)| records.items.get(&(request.run, step, index)))
            .map(|item| &item.state);
        let dead = records.dead(request.run);
        let transition = self.rules.transition(run, item, &dead, &request)?;
        let committed = records.write(transition);
        self.notifier.notify();
        Ok(committed)
    }

    async fn run(&self, run: RunId) -> Result<Option<RunState>, JournalError> {
        Ok(self.records().runs.get(&run).cloned())
    }

    async fn runs(
        &self,
        filter: &RunFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<RunState>, u64), JournalError> {
        let records = self.records();
        let mut found: Vec<&RunState> = records
            .runs
            .values()
            .filter(|run| filter.tenant.as_ref().is_none_or(|tenant| *tenant == run.tenant))
            .filter(|run| filter.statuses.is_empty() || filter.statuses.contains(&run.status))
            .collect();
        found.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
        let total = found.len() as u64;
        let page = found.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok((page.take(limit as usize).cloned().collect(), total))
    }

    async fn items(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemOutput>, JournalError> {
        let records = self.records();
        records.kept(run)?;
        let items = records.items_of(run, step).filter(|item| item.state.index >= from);
        Ok(items.take(limit as usize).cloned().collect())
    }

    async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        let records = self.records();
        records.kept(run)?;
        let events = records.events.values().filter(|event| event.run == run && event.seq > after_seq);
        Ok(events.take(limit as usize).cloned().collect())
    }

    async fn tail(&self, cursor: Option<u64>, limit: u32) -> Result<Tail, JournalError> {
        let records = self.records();
        let Some(cursor) = cursor else {
            return Ok(Tail { cursor: records.last_position, ..Tail::default() });
        };
        let found: Vec<_> = records.events.range(cursor.saturating_add(1)..).take(limit as usize).collect();
        let cursor = found.last().map_or(cursor, |(position, _)| **position);
        let events = found.into_iter().map(|(_, event)| event.clone()).collect();
        Ok(Tail { cursor, events, ..Tail::default() })
    }

    async fn due(
        &self,
        workflow: &str,
        until: Timestamp,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> Result<Found<Scheduled>, JournalError> {
        let records = self.records();
        let runs = records.runs.values().filter(|run| run.definition == workflow);
        let mut due: Vec<Scheduled> = runs.flat_map(|run| records.due_of(&self.rules, run)).collect();
        due.retain(|scheduled| scheduled.due_at <= until);
        due.retain(|scheduled| after.is_none_or(|after| scheduled.rank() > after.rank()));
        due.sort_by_key(Scheduled::rank);
        due.truncate(limit as usize);
        Ok(due.into())
    }

    async fn heartbeat(&self, worker: &WorkerName, now: Timestamp) -> Result<bool, JournalError> {
        let mut records = self.records();
        let row = records.workers.entry(worker.clone()).or_insert_with(|| WorkerInfo {
            name: worker.clone(),
            started_at: now,
            heartbeat_at: now,
            draining: false,
            unreadable: false,
        });
        row.heartbeat_at = now;
        Ok(row.draining)
    }

    async fn drain(
        &self,
        worker: &WorkerName,
        draining: bool,
        entry: AuditEntry,
    ) -> Result<bool, JournalError> {
        let mut records = self.records();
        let Some(row) = records.workers.get_mut(worker) else { return Ok(false) };
        row.draining = draining;
        records.audit.push(entry);
        Ok(true)
    }

    async fn retire(&self, workers: &[WorkerName]) -> Result<(), JournalError> {
        self.records().workers.retain(|name, _| !workers.contains(name));
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<WorkerInfo>, JournalError> {
        Ok(self.records().workers.values().cloned().collect())
    }

    async fn orphans(&self, silent_since: Timestamp, limit: u32) -> Result<Found<Orphan>, JournalError> {
        let records = self.records();
        let orphans = records.held().filter_map(|(slot, attempts)| {
            let worker = attempts.holder.clone().filter(|worker| records.silent(worker, silent_since))?;
            Some(Orphan { claim: Claim { slot, epoch: attempts.epoch }, worker })
        });
        Ok(orphans.take(limit as usize).collect::<Vec<_>>().into())
    }

    async fn holdings(&self, limit: u32) -> Result<Vec<Holding>, JournalError> {
        let mut holdings = self.records().holdings();
        holdings.truncate(limit as usize);
        Ok(holdings)
    }

    async fn retries(&self, limit: u32, offset: u64) -> Result<(Vec<Retry>, u64), JournalError> {
        let retries = self.records().retries(&self.rules);
        let total = retries.len() as u64;
        let page = retries.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok((page.take(limit as usize).collect(), total))
    }

    async fn backlog(&self, workflow: &str, now: Timestamp) -> Result<Backlog, JournalError> {
        Ok(self.records().backlog(workflow, now, &self.rules))
    }

    async fn prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, JournalError> {
        Ok(self.records().prune(retention, now))
    }

    async fn held(&self, worker: &WorkerName) -> Result<Found<Claim>, JournalError> {
        let records = self.records();
        let held = records.held().filter(|(_, attempts)| attempts.holder.as_ref() == Some(worker));
        let claims: Vec<_> = held.map(|(slot, attempts)| Claim { slot, epoch: attempts.epoch }).collect();
        Ok(claims.into())
    }

    async fn last_seqs(&self, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, JournalError> {
        let records = self.records();
        Ok(runs.iter().filter_map(|id| records.runs.get(id).map(|run| (*id, run.seq))).collect())
    }

    async fn controls(&self, known: u64) -> Result<Option<Controls>, JournalError> {
        let records = self.records();
        Ok((records.controls.revision > known).then(|| records.controls.clone()))
    }

    async fn control(
        &self,
        change: ControlChange,
        by: &str,
        at: Timestamp,
    ) -> Result<Controls, JournalError> {
        let mut records = self.records();
        let revision = records.controls.revision + 1;
        let change = change.on(&records.controls);
        records.audit.push(AuditEntry::of_control(&change, by, at));
        records.controls.follow(change, revision);
        Ok(records.controls.clone())
    }

    async fn ended(&self, runs: &[RunId]) -> Result<Vec<RunId>, JournalError> {
        let records = self.records();
        let ended = |id: &&RunId| records.runs.get(*id).is_none_or(|run| run.status.is_terminal());
        Ok(runs.iter().filter(ended).copied().collect())
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<DeadLetter>, u64), JournalError> {
        let records = self.records();
        let found = records.letters(filter);
        let total = found.len() as u64;
        let page = found.into_iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok((page.take(limit as usize).cloned().collect(), total))
    }

    async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>, JournalError> {
        Ok(self.records().dead_letters.iter().find(|letter| letter.id == id).cloned())
    }

    async fn with_dead_letters(&self, runs: &[RunId]) -> Result<BTreeSet<RunId>, JournalError> {
        let records = self.records();
        let waiting =
            DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), ..DeadLetterFilter::default() };
        let of_them = |letter: &&DeadLetter| waiting.admits(letter) && runs.contains(&letter.run);
        Ok(records.dead_letters.iter().filter(of_them).map(|letter| letter.run).collect())
    }

    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, JournalError> {
        let records = self.records();
        let mut groups: BTreeMap<_, Vec<&DeadLetter>> = BTreeMap::new();
        for letter in records.letters(filter) {
            let cause = (&letter.fingerprint, &letter.digest);
            let common = (&letter.definition, &letter.error.code, &letter.step_name, cause);
            groups.entry(common).or_default().push(letter);
        }
        let group = |letters: Vec<&DeadLetter>| {
            let last = letters.iter().max_by_key(|letter| letter.at)?;
            Some(DeadLetterGroup {
                definition: last.definition.clone(),
                code: last.error.code.clone(),
                step_name: last.step_name.clone(),
                fingerprint: last.fingerprint.clone(),
                digest: last.digest.clone(),
                error: last.error.clone(),
                count: letters.len() as u64,
                tenants: letters.iter().map(|letter| &letter.tenant).collect::<BTreeSet<_>>().len() as u64,
                first_at: letters.iter().map(|letter| letter.at).min()?,
                last_at: last.at,
            })
        };
        let mut groups: Vec<DeadLetterGroup> = groups.into_values().filter_map(group).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups.truncate(limit as usize);
        Ok(groups)
    }

    async fn audit(&self, entry: AuditEntry) -> Result<(), JournalError> {
        self.records().audit.push(entry);
        Ok(())
    }

    async fn change(&self, row: RowChange, entry: AuditEntry) -> Result<bool, JournalError> {
        let mut records = self.records();
        records.rows.push(row);
        records.audit.push(entry);
        Ok(true)
    }

    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditLine>, JournalError> {
        let records = self.records();
        let lines =
            (1..).zip(&records.audit).map(|(position, entry)| AuditLine { position, entry: entry.clone() });
        let mut lines: Vec<_> =
            lines.filter(|line| before.is_none_or(|before| line.position < before)).collect();
        lines.reverse();
        lines.truncate(limit as usize);
        Ok(lines)
    }

    async fn erase(&self, run: RunId, rows: Vec<RowChange>) -> Result<(), JournalError> {
        let mut records = self.records();
        let state = records.runs.get(&run).ok_or(JournalError::UnknownRun(run))?;
        if !state.status.is_terminal() {
            return Err(Refusal::Stale.into());
        }
        records.runs.remove(&run);
        records.pruned.remove(&run);
        records.items.retain(|(of, _, _), _| *of != run);
        records.events.retain(|_, event| event.run != run);
        records.dead_letters.retain(|letter| letter.run != run);
        records.rows.extend(rows);
        self.notifier.notify();
        Ok(())
    }

    fn changes(&self) -> Changes {
        self.notifier.changes()
    }
}
