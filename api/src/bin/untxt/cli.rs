//! The commands and what they take.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use untxt_workflows::redrive::How;
use uuid::Uuid;

use crate::keys::KeysArguments;
use crate::plugin::cli::PluginArguments;
use crate::queues::Limit;

/// Durable OCR: documents in, text out, whatever crashes in between.
///
/// Settings come from the environment and from `untxt.toml`; without any,
/// everything is kept in `./.untxt`. Exit codes: 0 done, 1 the work failed, 2
/// bad usage or configuration, 3 a needed service can't be reached.
#[derive(Debug, Parser)]
#[command(name = "untxt", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Recognise files and write the results beside them.
    Ocr(OcrArguments),
    /// Serve HTTP and WebSocket clients, with a worker (also without a command).
    Serve(ServeArguments),
    /// Work on tasks that others accept.
    Worker,
    /// Run everything in the background: servers, worker, API.
    Stack(StackArguments),
    /// Lay out the database.
    Migrate(MigrateArguments),
    /// Look at tasks, follow and stop them.
    Tasks(TasksArguments),
    /// Look at work that died, have it go on, or give it up.
    DeadLetters(DeadLettersArguments),
    /// Look at queues, have them stand still, share them out.
    Queues(QueuesArguments),
    /// Look at workers and what they hold.
    Workers(WorkersArguments),
    /// Look at what failed and will be tried again.
    Retries(RetriesArguments),
    /// Say who may call: make, list and revoke API keys.
    Keys(KeysArguments),
    /// Install engines, choose which version serves, go back.
    Plugin(PluginArguments),
    /// Check configuration, services and engines, and say what to do.
    Doctor(DoctorArguments),
    /// Measure the engine: workflows of four small steps.
    Bench(BenchArguments),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(ServeArguments { no_worker: false })
    }
}

#[derive(Debug, Args)]
pub(crate) struct OcrArguments {
    /// PNG, JPEG, WebP, TIFF or PDF files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the engine.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// Formats, comma-separated: html, txt, md, json, hocr.
    #[arg(long, default_value = "html")]
    pub(crate) format: String,
    /// Directory for the results; beside each file when absent.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Pages, such as 1-3,5; all when absent.
    #[arg(long)]
    pub(crate) pages: Option<String>,
    /// Resolution of the pages' images, dots per inch, 36 to 600: what is finer
    /// is scaled down to it; 150 when absent.
    #[arg(long)]
    pub(crate) dpi: Option<u32>,
    /// Languages to expect, BCP 47, the most likely first; may be given several
    /// times.
    #[arg(long = "language", value_name = "TAG")]
    pub(crate) languages: Vec<String>,
    /// Settings for the engine, a JSON object.
    #[arg(long)]
    pub(crate) settings: Option<String>,
    /// Keep the task with its objects after the results are written.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print a JSON object a line: updates as they come, results at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Leave the work to `untxt worker`.
    #[arg(long)]
    pub(crate) no_worker: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StackArguments {
    #[command(subcommand)]
    pub(crate) command: StackCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Start what there is to run and keep it running; it goes on without the
    /// terminal.
    Start {
        /// Also a private PostgreSQL and a private Redis, from the distribution's
        /// binaries, whose data is kept in the data directory.
        #[arg(long)]
        with_services: bool,
    },
    /// Stop it in reverse order; running pages are finished or handed back.
    Stop,
    /// Show every service and how much work there is; exit code 1 when something
    /// is down.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Be the process that keeps the others running.
    #[command(hide = true)]
    Supervise {
        #[arg(long)]
        with_services: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    #[command(subcommand)]
    pub(crate) direction: Direction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Direction {
    /// Apply what is missing.
    Up,
    /// Take everything back, with all data.
    Down,
    /// Show what is applied.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TasksArguments {
    #[command(subcommand)]
    pub(crate) question: Question,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Question {
    /// Tasks, newest first.
    List {
        /// Only this user's.
        #[arg(long)]
        user: Option<Uuid>,
        /// Only those with this status.
        #[arg(long)]
        status: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u64,
        /// How many to pass over.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop one task.
    Cancel {
        /// Its id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Follow one task to its end; exit code 1 when it failed or was cancelled.
    Watch {
        /// Its id.
        id: Uuid,
        /// Print JSON, an object a line.
        #[arg(long)]
        json: bool,
    },
    /// One task with its history.
    Show {
        /// Its id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a task go on that failed, ended partially or waits for an operator.
    Retry(RetryArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// Its id.
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) how: HowArguments,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HowArguments {
    /// Go on from this step, doing all of its pages again; from where it died
    /// when absent.
    #[arg(long)]
    pub(crate) from_step: Option<String>,
    /// Pin the task to the engine that has this name now.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// Leave finished pages as they are, also with --from-step.
    #[arg(long)]
    pub(crate) only_failed_pages: bool,
    /// Why, for the audit.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

impl HowArguments {
    /// The same as the product takes it.
    pub(crate) fn how(&self) -> How {
        How {
            from_step: self.from_step.clone(),
            engine: self.engine.clone(),
            only_failed_pages: self.only_failed_pages,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DeadLettersArguments {
    #[command(subcommand)]
    pub(crate) order: LettersOrder,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LettersOrder {
    /// Dead letters, newest first.
    List {
        /// tenant=, workflow=, code=, step=, digest=, fingerprint=, reason=, state=,
        /// from=, until=, run= or bulk=; may be given several times.
        #[arg(long = "filter", value_name = "K=V")]
        filters: Vec<String>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// How many to pass over.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// One with every attempt, its whole error and what the task was given.
    Show {
        /// Its id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have tasks go on.
    Redrive {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        how: HowArguments,
    },
    /// Give letters up, and tasks that wait because of them.
    Discard {
        #[command(flatten)]
        which: Which,
        /// Why, for the audit.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Ids of letters.
    #[arg(required_unless_present_any = ["all", "filters"], conflicts_with_all = ["all", "filters"])]
    pub(crate) ids: Vec<Uuid>,
    /// All that wait.
    #[arg(long)]
    pub(crate) all: bool,
    /// Those that wait and that every filter lets through; see `list`.
    #[arg(long = "filter", value_name = "K=V")]
    pub(crate) filters: Vec<String>,
    /// At most so many a second, such as 5 or 5/s.
    #[arg(long, value_name = "N/s", conflicts_with = "ids")]
    pub(crate) rate: Option<String>,
    /// Count what would be done, by code, step and cause, and do nothing.
    #[arg(long, conflicts_with = "ids")]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct QueuesArguments {
    #[command(subcommand)]
    pub(crate) command: QueuesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueuesCommand {
    /// How much there is to do, and what is set about it.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Begin nothing more; what runs is finished.
    Pause(Paused),
    /// Go on.
    Resume(Paused),
    /// Set how much a tenant gets of every queue; what is not named stays.
    Limit {
        /// Whose work: a user's id.
        #[arg(long)]
        tenant: String,
        /// Its share against others: twice the weight, twice as many pages.
        #[arg(long)]
        weight: Option<NonZeroU32>,
        /// Most at once; `none` lifts the limit.
        #[arg(long)]
        concurrency: Option<Limit>,
        /// Most starts a minute, such as `60/min`; `none` lifts the limit.
        #[arg(long)]
        rate: Option<Limit>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Paused {
    /// Name of a queue; every queue when neither it nor a tenant is named.
    #[arg(conflicts_with = "tenant")]
    pub(crate) name: Option<String>,
    /// One tenant's work, in every queue.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WorkersArguments {
    #[command(subcommand)]
    pub(crate) question: WorkersQuestion,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkersQuestion {
    /// Workers, since when, when last heard of, and what each holds.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RetriesArguments {
    #[command(subcommand)]
    pub(crate) question: RetriesQuestion,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetriesQuestion {
    /// Steps and pages that wait for a retry, the latest due first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// How many to pass over.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Runs in all.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) runs: usize,
    /// Runs at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// Leave the runs in the journal, to see what a full one costs.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
