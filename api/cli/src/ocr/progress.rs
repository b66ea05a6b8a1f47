//! What the person, or the program, in front of it sees.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::time::sleep;
use untxt_api::app_state::AppState;
use untxt_api::views;
use untxt_engine::engine::EngineError;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::RunState;
use untxt_engine::watch::WatchError;
use untxt_workflows::ocr::ResultSummary;
use untxt_workflows::platform::Platform;
use untxt_workflows::updates::{TaskUpdate, UpdateProjector};
use uuid::Uuid;

use super::intake::{FileJob, Refused};
use crate::failure::Failure;
use crate::output;

/// How long a database that does not answer is left alone.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Bars on a terminal, lines of JSON for machines, or only the last word.
pub(super) struct Progress {
    json: bool,
    bars: Option<MultiProgress>,
    open: Mutex<HashMap<PathBuf, ProgressBar>>,
}

impl Progress {
    pub(super) fn new(json: bool) -> Self {
        let bars = (!json && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { json, bars, open: Mutex::default() }
    }

    /// Shows what happens to the task until it ends; how it ended, `None` when
    /// somebody erased it.
    pub(super) async fn follow(
        &self,
        platform: &Platform,
        job: &FileJob,
        task: Uuid,
    ) -> Result<Option<RunState>, Failure> {
        let ended = self.shown_to_the_end(platform, job, RunId(task)).await;
        self.close(job);
        match ended {
            Ok(run) => Ok(Some(run)),
            Err(EngineError::Journal(JournalError::UnknownRun(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn shown_to_the_end(
        &self,
        platform: &Platform,
        job: &FileJob,
        run: RunId,
    ) -> Result<RunState, EngineError> {
        let engine = platform.records.engine();
        let mut projector = UpdateProjector::default();
        let mut watcher = engine.watch_run(run, 0).await?;
        loop {
            match watcher.next().await {
                Ok(Some(event)) => {
                    if let Some(update) = projector.tell(engine, &event).await? {
                        self.show(job, &update);
                    }
                }
                Ok(None) => break,
                // It ended long ago, and how is all that is left of it.
                Err(WatchError::Journal(JournalError::Pruned(_))) => break,
                // The watcher goes on where it is, once the database answers.
                Err(WatchError::Journal(JournalError::Unavailable(_) | JournalError::Full(_))) => {
                    sleep(ASK_AGAIN_AFTER).await;
                }
                Err(WatchError::Journal(error)) => return Err(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        engine.wait(run).await
    }

    fn show(&self, job: &FileJob, update: &TaskUpdate) {
        if self.json {
            let mut line = views::task_update(update, AppState::steps());
            line["file"] = json!(job.path);
            output::json(&line);
        }
        let Some(bars) = &self.bars else { return };
        let Ok(mut open) = self.open.lock() else { return };
        let bar = open.entry(job.path.clone()).or_insert_with(|| bars.add(bar(job)));
        bar.set_length(u64::from(update.pages_total.max(1)));
        bar.set_position(u64::from(update.pages_done));
        bar.set_message(update.message.clone());
    }

    fn close(&self, job: &FileJob) {
        if let Ok(mut open) = self.open.lock()
            && let Some(bar) = open.remove(&job.path)
        {
            bar.finish_and_clear();
        }
    }

    /// The result is written.
    pub(super) fn done(
        &self,
        job: &FileJob,
        task: Uuid,
        summary: &ResultSummary,
        (written, took): (&[PathBuf], Duration),
    ) {
        let seconds = took.as_secs_f64();
        if self.json {
            let status = if summary.failed_pages.is_empty() { "completed" } else { "partial" };
            output::json(&json!({
                "type": "result", "file": job.path, "taskId": task, "status": status, "outputs": written,
                "pages": summary.pages, "failedPages": summary.failed_pages, "warnings": summary.warnings,
                "warningCount": summary.warning_count, "textLength": summary.text_length,
                "confidence": summary.confidence, "confidenceKind": summary.confidence_kind,
                "simulated": summary.simulated, "seconds": seconds,
            }));
            return;
        }
        let confidence =
            summary.confidence.map_or_else(|| "none".to_owned(), |c| format!("{:.1}%", c * 100.0));
        let simulated = if summary.simulated { " (simulated engine)" } else { "" };
        let outputs: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        self.line(&format!(
            "{}: {} page(s), confidence {confidence}{simulated}, {seconds:.1} s -> {}",
            job.path.display(),
            summary.pages,
            outputs.join(", ")
        ));
        for warning in &summary.warnings {
            self.warning(job, &format!("page {}: {}", warning.page, warning.message));
        }
        let others = summary.warning_count.saturating_sub(summary.warnings.len());
        if others > 0 {
            self.warning(
                job,
                &format!("{others} more warning(s), which stand with their pages in the result"),
            );
        }
    }

    /// The task ended without a result.
    pub(super) fn failed(&self, job: &FileJob, run: &RunState) {
        let error = run.error.as_ref();
        let (code, message) = error.map_or(("CANCELLED", "cancelled"), |e| (&*e.code, &*e.message));
        self.problem(job, Some(run.id.0), code, message);
    }

    /// There is no task.
    pub(super) fn refused(&self, job: &FileJob, refused: &Refused) -> Result<(), Failure> {
        self.problem(job, None, refused.code(), &refused.to_string());
        if refused.code() == "SERVICE_UNAVAILABLE" {
            return Err(Failure::service(refused));
        }
        Ok(())
    }

    /// It waits for room that other files of the call may make.
    pub(super) fn waits(&self, job: &FileJob, refused: &Refused) {
        if self.json {
            return;
        }
        let text = format!("{}: waits for room that other files make: {refused}", job.path.display());
        match &self.bars {
            Some(bars) => bars.suspend(|| output::problem(&text)),
            None => output::problem(&text),
        }
    }

    /// Somebody stopped the program.
    pub(super) fn interrupted(&self, job: &FileJob) {
        self.close(job);
        self.problem(job, None, "INTERRUPTED", "not finished; the same command goes on where this one ended");
    }

    /// Its task was taken away again and again.
    pub(super) fn taken_away(&self, job: &FileJob) {
        let message = "its task was erased each time before the results were written; is the same file being \
                       recognised or erased elsewhere over this data directory?";
        self.problem(job, None, "TASK_ERASED", message);
    }

    fn problem(&self, job: &FileJob, task: Option<Uuid>, code: &str, message: &str) {
        if self.json {
            let error = json!({ "code": code, "message": message });
            output::json(&json!({
                "type": "result", "file": job.path, "taskId": task, "status": "failed", "error": error,
            }));
            return;
        }
        self.say_on_stderr(&format!("{}: {code}: {message}", job.path.display()));
    }

    /// A part of the document could not be read.
    fn warning(&self, job: &FileJob, message: &str) {
        self.say_on_stderr(&format!("{}: warning: {message}", job.path.display()));
    }

    fn say_on_stderr(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| output::problem(text)),
            None => output::problem(text),
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| output::line(text)),
            None => output::line(text),
        }
    }
}

fn bar(job: &FileJob) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>24!} {bar:30} {pos}/{len} {elapsed} {msg}");
    let bar = ProgressBar::new(1).with_prefix(job.name());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
