//! The commands and what they take.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use untxt_workflows::documents::formats::Format;
use untxt_workflows::documents::kind::Kind;
use untxt_workflows::redrive::RedriveOptions;
use uuid::Uuid;

use crate::keys::KeysArguments;
use crate::plugin::cli::PluginArguments;
use crate::queues::Limit;

/// Durable OCR for scanned images and PDFs.
///
/// Settings are read from the environment and from `untxt.toml`. Without any, all
/// data is kept in `./.untxt`. Exit codes: 0 success, 1 the work failed, 2 wrong usage
/// or configuration, 3 a required service is unreachable.
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
    /// Run the HTTP and WebSocket API with a worker (the default command).
    Serve(ServeArguments),
    /// Run a worker.
    Worker,
    /// Run API, worker and services as supervised background processes.
    Stack(StackArguments),
    /// Create or change the database tables.
    Migrate(MigrateArguments),
    /// List, show, follow, cancel and retry tasks.
    Tasks(TasksArguments),
    /// List, show, redrive and discard dead letters.
    DeadLetters(DeadLettersArguments),
    /// List, pause and resume queues; limit tenants.
    Queues(QueuesArguments),
    /// List workers and the steps they hold.
    Workers(WorkersArguments),
    /// List pending retries.
    Retries(RetriesArguments),
    /// Create, list and revoke API keys.
    Keys(KeysArguments),
    /// Develop, test, install and roll back engines.
    Plugin(PluginArguments),
    /// Check configuration, services and engines, and suggest fixes.
    Doctor(DoctorArguments),
    /// Measure the workflow engine on the configured services.
    Bench(BenchArguments),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(ServeArguments { no_worker: false })
    }
}

#[derive(Debug, Args)]
pub(crate) struct OcrArguments {
    #[arg(required = true, help = format!("{} files", Kind::list("or")))]
    pub(crate) files: Vec<PathBuf>,
    /// Engine to use; default UNTXT_ENGINE.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    #[arg(
        long,
        default_value = Format::default().name(),
        help = format!("Output formats, comma-separated: {}", Format::list())
    )]
    pub(crate) format: String,
    /// Output directory; by default results are written beside each file.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Page ranges such as 1-3,5; default all pages.
    #[arg(long)]
    pub(crate) pages: Option<String>,
    /// Resolution of page images in dpi, 36 to 600, default 150; finer scans are
    /// scaled down to it.
    #[arg(long)]
    pub(crate) dpi: Option<u32>,
    /// Expected language as a BCP 47 tag; repeat for several, most likely first.
    #[arg(long = "language", value_name = "TAG")]
    pub(crate) languages: Vec<String>,
    /// Engine settings as a JSON object.
    #[arg(long)]
    pub(crate) settings: Option<String>,
    /// Keep the task and its objects after writing the results.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print one JSON object per line: updates, then the results.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Run the API only; `untxt worker` processes do the work.
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
    /// Start all processes in the background and restart those that die.
    Start {
        /// Also start a private PostgreSQL and Redis from the distribution's
        /// binaries, with their data in the data directory.
        #[arg(long)]
        with_services: bool,
    },
    /// Stop all processes in reverse order; running pages finish or return to the
    /// queue.
    Stop,
    /// Show the state of every process and the queue lengths; exit code 1 if one is
    /// down.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run the supervisor.
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
    /// Apply pending migrations.
    Up,
    /// Revert all migrations and delete all data.
    Down,
    /// Show applied and pending migrations.
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
    /// List tasks, newest first.
    List {
        /// Only tasks of this user.
        #[arg(long)]
        user: Option<Uuid>,
        /// Only tasks with this status.
        #[arg(long)]
        status: Option<String>,
        /// Maximum number of rows.
        #[arg(long, default_value_t = 50)]
        limit: u64,
        /// Number of rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cancel a task.
    Cancel {
        /// Task id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Follow a task to its end; exit code 1 if it failed or was cancelled.
    Watch {
        /// Task id.
        id: Uuid,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show a task and its history.
    Show {
        /// Task id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Resume a task that failed, completed partially or waits for an operator.
    Retry(RetryArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// Task id.
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) how: HowArguments,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HowArguments {
    /// Resume from this step and repeat all of its pages; default: the step that
    /// failed.
    #[arg(long)]
    pub(crate) from_step: Option<String>,
    /// Pin the task to the current version of this engine.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// Keep finished pages, also with --from-step.
    #[arg(long)]
    pub(crate) only_failed_pages: bool,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

impl HowArguments {
    /// These arguments as redrive options.
    pub(crate) fn how(&self) -> RedriveOptions {
        RedriveOptions {
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
    /// List dead letters, newest first.
    List {
        /// tenant=, workflow=, code=, step=, digest=, fingerprint=, reason=, state=,
        /// from=, until=, run= or bulk=; repeat to combine.
        #[arg(long = "filter", value_name = "K=V")]
        filters: Vec<String>,
        /// Maximum number of rows.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Number of rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a dead letter with all attempts, the full error and the task's input.
    Show {
        /// Dead letter id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Resume tasks where they failed.
    Redrive {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        how: HowArguments,
    },
    /// Discard dead letters and fail the tasks that wait for them.
    Discard {
        #[command(flatten)]
        which: Which,
        /// Reason, recorded in the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Dead letter ids.
    #[arg(required_unless_present_any = ["all", "filters"], conflicts_with_all = ["all", "filters"])]
    pub(crate) ids: Vec<Uuid>,
    /// All waiting dead letters.
    #[arg(long)]
    pub(crate) all: bool,
    /// Waiting dead letters that match every filter; see `list`.
    #[arg(long = "filter", value_name = "K=V")]
    pub(crate) filters: Vec<String>,
    /// Maximum rate, such as 5 or 5/s.
    #[arg(long, value_name = "N/s", conflicts_with = "ids")]
    pub(crate) rate: Option<String>,
    /// Only count what would be done, by code, step and cause.
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
    /// List queues with their depths and limits.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Pause a queue or a tenant: running steps finish, no new ones start.
    Pause(Paused),
    /// Resume a queue or a tenant.
    Resume(Paused),
    /// Set the share and limits of a tenant; omitted values stay.
    Limit {
        /// User id.
        #[arg(long)]
        tenant: String,
        /// Share relative to others: twice the weight, twice as many pages.
        #[arg(long)]
        weight: Option<NonZeroU32>,
        /// Maximum concurrent steps; `none` removes the limit.
        #[arg(long)]
        concurrency: Option<Limit>,
        /// Maximum starts per minute, such as `60/min`; `none` removes the limit.
        #[arg(long)]
        rate: Option<Limit>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Paused {
    /// Queue name; default every queue, unless --tenant is given.
    #[arg(conflicts_with = "tenant")]
    pub(crate) name: Option<String>,
    /// One tenant's work in every queue.
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
    /// List workers with start time, last heartbeat and held steps.
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
    /// List steps and pages that wait for a retry, latest due first.
    List {
        /// Maximum number of rows.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Number of rows to skip.
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
    /// Number of runs.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) runs: usize,
    /// Concurrent runs.
    #[arg(long, default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// Keep the runs in the journal, to measure a full one.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
