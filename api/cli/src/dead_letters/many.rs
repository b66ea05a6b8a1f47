//! Many letters at once: a durable run goes through them, here or in whichever
//! process is at hand. Should this one be killed, the next worker goes on.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Interval, interval};
use untxt_api::dead_letters;
use untxt_engine::id::RunId;
use untxt_engine::journal::dead_letters::DeadLetterFilter;
use untxt_engine::state::RunStatus;
use untxt_workflows::bulk_redrives::Progress;
use untxt_workflows::operations::Operations;
use untxt_workflows::redrive::Actor;
use untxt_workflows::redrive::bulk::Action;

use super::Selection;
use crate::failure::Failure;
use crate::{output, start};

/// How often the bar is brought up to date.
const TELL_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn run(
    operations: &Operations,
    filter: &DeadLetterFilter,
    selection: &Selection,
    action: Action,
    actor: &Actor,
) -> Result<ExitCode, Failure> {
    if selection.dry_run {
        count(operations, filter, selection.json).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let rate = selection.rate.as_deref().map(rate).transpose()?;
    let run = operations.begin_bulk(action, filter, rate, actor).await?.id;
    let shutdown = start::until_signalled()?;
    let ended = tokio::select! {
        worked = operations.run_bulk(shutdown.clone()) => {
            worked?;
            None
        }
        ended = follow(operations, run) => Some(ended?),
    };
    let Some(progress) = ended else {
        return Err(Failure::work(format!("ended early; run {run} goes on with the next worker")));
    };
    report(&progress, selection.json);
    let all_went_well = progress.run.status == RunStatus::Completed && progress.waiting == 0;
    Ok(if all_went_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn count(operations: &Operations, filter: &DeadLetterFilter, json: bool) -> Result<(), Failure> {
    let plan = operations.plan_bulk(filter).await?;
    let view = dead_letters::plan(&plan);
    if json {
        output::json(&view);
        return Ok(());
    }
    output::table(output::rows(&view["groups"]), super::show::GROUP_COLUMNS);
    output::line(&format!("{} dead letter(s) wait; nothing was done", plan.total));
    Ok(())
}

/// `5`, `0.5` or `5/s`.
pub(crate) fn rate(text: &str) -> Result<f64, Failure> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number.parse().map_err(|_| Failure::usage(format!("--rate {text}: not a number per second")))
}

/// Shows how far it is until it has ended.
async fn follow(operations: &Operations, run: RunId) -> Result<Progress, Failure> {
    let (bar, mut tick) = (bar(), interval(TELL_EVERY));
    let ended = operations.records.engine().wait(run);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            ended = &mut ended => {
                ended?;
                bar.finish_and_clear();
                return progress(operations, run).await;
            }
            () = next(&mut tick) => {
                let progress = progress(operations, run).await?;
                bar.set_length(progress.bulk.total);
                bar.set_position(progress.settled);
            }
        }
    }
}

async fn next(tick: &mut Interval) {
    tick.tick().await;
}

async fn progress(operations: &Operations, run: RunId) -> Result<Progress, Failure> {
    let progress = operations.bulk(run.0).await?;
    progress.ok_or_else(|| Failure::work(format!("run {run} was erased while it ran")))
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} letter(s)  {eta}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn report(progress: &Progress, json: bool) {
    if json {
        output::json(&dead_letters::progress(progress));
        return;
    }
    let Progress { run, bulk, settled, waiting, .. } = progress;
    output::line(&format!(
        "{settled} of {} dead letter(s) settled, {waiting} still wait(s); run {} is {}",
        bulk.total,
        run.id,
        run.status.as_str()
    ));
}
