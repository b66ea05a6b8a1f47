//! The pages of a task: how far each is, and its result as soon as it is done. They
//! are read from the journal while the task runs and afterwards, a few results at a
//! time.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::Value;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::{ItemStatus, ItemSummary, RunError, RunState};

use crate::boxed;
use crate::documents::model::Page;
use crate::entities::task;
use crate::ocr::{self, Downloaded, RECOGNIZE, failed_page};
use crate::page_figures::{PageFigures, ResultId};
use crate::records::Records;

/// Bytes of stored results that are in memory at once, unless a single one is larger:
/// some forty dense pages.
const READ_BYTES_MAX: u64 = 4 << 20;

/// How far a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageProgress {
    /// No worker has begun with it.
    Pending,
    /// A worker is at it.
    Processing,
    /// An attempt failed, and another will be made.
    Retrying,
    /// Its result is there.
    Completed,
    /// It was given up, or waits for an operator.
    Failed,
    /// The task ended before the page was done.
    Cancelled,
}

impl PageProgress {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Processing, Self::Retrying, Self::Completed, Self::Failed, Self::Cancelled];

    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn of(item: &ItemSummary, run_ended: bool) -> Self {
        let attempts = &item.state.attempts;
        match item.state.status {
            ItemStatus::Done => Self::Completed,
            ItemStatus::Failed => Self::Failed,
            ItemStatus::Pending if attempts.paused > 0 => Self::Failed,
            ItemStatus::Pending if run_ended => Self::Cancelled,
            ItemStatus::Pending if attempts.holder.is_some() => Self::Processing,
            ItemStatus::Pending if item.state.error.is_some() => Self::Retrying,
            ItemStatus::Pending => Self::Pending,
        }
    }
}

/// How much is told of the pages of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageDetail {
    /// How far each is. No result is read.
    Progress,
    /// Its figures too, for which results are passed over.
    Figures,
    /// And its words are counted, for which results are read.
    Words,
}

/// One page of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct PageState {
    /// Its number in the document, from 1.
    pub page: u32,
    /// How far it is.
    pub progress: PageProgress,
    /// Attempts that were made at it.
    pub attempt: u32,
    /// Its last failure, until it is done.
    pub error: Option<RunError>,
    /// The figures of its result, once there is one.
    pub figures: Option<PageFigures>,
}

/// What there is of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageResult {
    /// The task has no such page.
    NoSuchPage,
    /// It has no result yet, or will have none.
    NotDone(PageProgress),
    /// As the result has it; a page that failed too.
    Done(Box<Page>),
}

/// The pages that a task has, or will have.
#[derive(Clone, Debug)]
pub struct TaskPages {
    run: RunState,
    downloaded: Downloaded,
    total: u32,
    /// The summary of the result; what remains when the history is pruned.
    summary: Option<Value>,
}

impl TaskPages {
    /// How many pages the task has.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Whether the task has a page of this number, from 1.
    #[must_use]
    pub fn has(&self, page: u32) -> bool {
        self.item_of(page).is_some()
    }

    /// Whether the task has pages behind this number.
    #[must_use]
    pub fn has_after(&self, page: u32) -> bool {
        self.first_after(page) < self.total
    }

    /// The first item that is behind page number `after`.
    pub(crate) fn first_after(&self, after: u32) -> u32 {
        self.downloaded.first_from(after)
    }

    /// The number of the page that an item stands for, from 1.
    pub(crate) fn number(&self, item: u32) -> u32 {
        self.downloaded.page(item).saturating_add(1)
    }

    pub(crate) fn run(&self) -> RunId {
        self.run.id
    }

    fn item_of(&self, page: u32) -> Option<u32> {
        let index = page.checked_sub(1)?;
        let item = self.downloaded.first_from(index);
        (item < self.total && self.downloaded.page(item) == index).then_some(item)
    }

    fn state(&self, item: u32, summary: Option<ItemSummary>, figures: Option<PageFigures>) -> PageState {
        let page = self.number(item);
        let ended = self.run.status.is_terminal();
        let Some(summary) = summary else {
            let progress = if ended { PageProgress::Cancelled } else { PageProgress::Pending };
            return PageState { page, progress, attempt: 0, error: None, figures: None };
        };
        let progress = PageProgress::of(&summary, ended);
        let ItemSummary { state, .. } = summary;
        PageState { page, progress, attempt: state.attempts.made, error: state.error, figures }
    }

    /// The states that the summary of the result tells of; `None` if there is none.
    fn told_by_result(&self, items: Range<u32>) -> Option<Vec<PageState>> {
        let failed: Vec<u64> = self.summary.as_ref()?["failed_pages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect();
        let state = |item| {
            let page = self.number(item);
            let is_failed = failed.contains(&u64::from(page));
            let progress = if is_failed { PageProgress::Failed } else { PageProgress::Completed };
            PageState { page, progress, attempt: 0, error: None, figures: None }
        };
        Some(items.map(state).collect())
    }
}

impl Records {
    /// The pages of a task; `None` if its run is gone.
    ///
    /// # Errors
    /// When the journal does not answer.
    #[boxed]
    pub async fn task_pages(&self, task: &task::Model) -> Result<Option<TaskPages>, JournalError> {
        let Some(run) = self.engine().run(RunId(task.id)).await? else { return Ok(None) };
        let expected = task.pages_total.and_then(|total| u32::try_from(total).ok()).unwrap_or_default();
        let total = if run.items.total > 0 { run.items.total } else { expected };
        let downloaded = Downloaded::in_run(&run);
        Ok(Some(TaskPages { run, downloaded, total, summary: task.result.clone() }))
    }

    /// The states of at most `limit` pages behind page number `after`, in order, with as
    /// much of their results as `detail` says.
    ///
    /// # Errors
    /// [`JournalError::Pruned`] if neither the history nor a result tells of them; when
    /// the journal does not answer.
    #[boxed]
    pub async fn page_states(
        &self,
        pages: &TaskPages,
        after: u32,
        limit: u32,
        detail: PageDetail,
    ) -> Result<Vec<PageState>, JournalError> {
        let from = pages.first_after(after);
        let to = from.saturating_add(limit).min(pages.total);
        if from >= to {
            return Ok(Vec::new());
        }
        let summaries = match self.engine().item_summaries(pages.run(), step(), from, to - from).await {
            Ok(summaries) => summaries,
            Err(JournalError::Pruned(run)) => {
                return pages.told_by_result(from..to).ok_or(JournalError::Pruned(run));
            }
            Err(error) => return Err(error),
        };
        let figures = match detail {
            PageDetail::Progress => HashMap::new(),
            PageDetail::Figures => self.figures_of(pages.run(), &summaries, false).await?,
            PageDetail::Words => self.figures_of(pages.run(), &summaries, true).await?,
        };
        let mut by_item: BTreeMap<u32, ItemSummary> =
            summaries.into_iter().map(|summary| (summary.state.index, summary)).collect();
        let state = |item| pages.state(item, by_item.remove(&item), figures.get(&item).copied());
        Ok((from..to).map(state).collect())
    }

    /// The result of page number `page`, as the format `json` has it.
    ///
    /// # Errors
    /// [`JournalError::Pruned`], [`JournalError::Corrupt`]; when the journal does not
    /// answer.
    #[boxed]
    pub async fn page_result(&self, pages: &TaskPages, page: u32) -> Result<PageResult, JournalError> {
        let Some(item) = pages.item_of(page) else { return Ok(PageResult::NoSuchPage) };
        let run = pages.run();
        let summaries = self.engine().item_summaries(run, step(), item, 1).await?;
        let summary = summaries.into_iter().find(|summary| summary.state.index == item);
        let state = match summary {
            Some(summary) if summary.state.status == ItemStatus::Failed => {
                let ItemSummary { state, .. } = summary;
                let failed = failed_page(page - 1, state.error, state.attempts.made);
                return Ok(PageResult::Done(Box::new(failed)));
            }
            summary => pages.state(item, summary, None),
        };
        if state.progress != PageProgress::Completed {
            return Ok(PageResult::NotDone(state.progress));
        }
        let outputs = self.engine().item_outputs(run, step(), item, 1).await?;
        let Some((_, text)) = outputs.into_iter().next() else {
            return Ok(PageResult::NotDone(PageProgress::Pending));
        };
        let read = on_its_own_thread(move || serde_json::from_str(&text)).await?;
        let read: Page = read.map_err(|error| unreadable(run, page, &error))?;
        Ok(PageResult::Done(Box::new(read)))
    }

    async fn figures_of(
        &self,
        run: RunId,
        summaries: &[ItemSummary],
        count_words: bool,
    ) -> Result<HashMap<u32, PageFigures>, JournalError> {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        for summary in summaries.iter().filter(|summary| summary.state.status == ItemStatus::Done) {
            match self.figures().get(result_id(run, summary), count_words) {
                Some(figures) => drop(found.insert(summary.state.index, figures)),
                None => missing.push(summary),
            }
        }
        for group in groups(&missing) {
            let outputs =
                self.engine().item_outputs(run, step(), group.start, group.end - group.start).await?;
            let read = move || {
                let read = |(item, text): (u32, String)| {
                    let figures = PageFigures::read(&text, count_words);
                    let told = |error: &serde_json::Error| tracing::warn!(%run, item, %error, "can't read a stored page");
                    Some((item, figures.inspect_err(told).ok()?))
                };
                outputs.into_iter().filter_map(read).collect::<Vec<_>>()
            };
            found.extend(on_its_own_thread(read).await?);
        }
        for summary in missing {
            if let Some(figures) = found.get(&summary.state.index) {
                self.figures().remember(result_id(run, summary), *figures);
            }
        }
        Ok(found)
    }
}

/// The position of the step whose items are the pages.
pub(crate) fn step() -> u16 {
    ocr::definition().position(RECOGNIZE).unwrap_or_default()
}

fn result_id(run: RunId, summary: &ItemSummary) -> ResultId {
    (run, summary.state.index, summary.state.attempts.epoch)
}

/// Items that follow each other, in groups whose results may be in memory together.
pub(crate) fn groups(items: &[&ItemSummary]) -> Vec<Range<u32>> {
    let (mut groups, mut bytes): (Vec<Range<u32>>, u64) = (Vec::new(), 0);
    for item in items {
        let index = item.state.index;
        match groups.last_mut() {
            Some(group) if group.end == index && bytes + item.output_bytes <= READ_BYTES_MAX => {
                group.end += 1;
                bytes += item.output_bytes;
            }
            _ => {
                groups.push(index..index + 1);
                bytes = item.output_bytes;
            }
        }
    }
    groups
}

/// Long texts take a while to be taken apart: not on a thread that answers others.
pub(crate) async fn on_its_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JournalError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| JournalError::Corrupt(format!("reading a stored page: {error}")))
}

fn unreadable(run: RunId, page: u32, error: &serde_json::Error) -> JournalError {
    JournalError::Corrupt(format!("the stored page {page} of run {run}: {error}"))
}

#[cfg(test)]
mod tests {
    use untxt_engine::state::{Attempts, ItemState};

    use super::*;

    fn item(index: u32, output_bytes: u64) -> ItemSummary {
        let state = ItemState {
            step: 1,
            index,
            status: ItemStatus::Done,
            attempts: Attempts::default(),
            error: None,
        };
        ItemSummary { state, output_bytes }
    }

    #[test]
    fn results_are_read_in_groups_that_fit_into_memory() {
        let half = READ_BYTES_MAX / 2;
        let items =
            [item(0, half), item(1, half), item(2, 1), item(4, 1), item(5, READ_BYTES_MAX * 3), item(6, 1)];
        let items: Vec<&ItemSummary> = items.iter().collect();
        assert_eq!(groups(&items), [0..2, 2..3, 4..5, 5..6, 6..7]);
        assert_eq!(groups(&[]), []);
    }

    #[test]
    fn a_page_that_nobody_begins_any_more_is_not_said_to_wait() {
        let with = |status, made, paused, error: bool| {
            let mut item = item(0, 0);
            item.state.status = status;
            item.state.attempts = Attempts { made, paused, ..Attempts::default() };
            item.state.error = error.then(|| RunError { code: "BAD".to_owned(), message: String::new() });
            item
        };
        let waiting = with(ItemStatus::Pending, 0, 0, false);
        assert_eq!(PageProgress::of(&waiting, false), PageProgress::Pending);
        assert_eq!(PageProgress::of(&waiting, true), PageProgress::Cancelled);
        let failed_once = with(ItemStatus::Pending, 1, 0, true);
        assert_eq!(PageProgress::of(&failed_once, false), PageProgress::Retrying);
        let paused = with(ItemStatus::Pending, 3, 1, true);
        assert_eq!(PageProgress::of(&paused, false), PageProgress::Failed);
        assert_eq!(PageProgress::of(&with(ItemStatus::Failed, 3, 0, true), true), PageProgress::Failed);
    }
}
