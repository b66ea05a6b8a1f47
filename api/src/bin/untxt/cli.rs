//! The commands and what they take.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use uuid::Uuid;

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
    /// Lay out the database.
    Migrate(MigrateArguments),
    /// Look at tasks.
    Tasks(TasksArguments),
    /// Check configuration, services and engines, and say what to do.
    Doctor(DoctorArguments),
    /// Measure the engine: workflows of four steps that do nothing.
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
    /// One task with its history.
    Show {
        /// Its id.
        id: Uuid,
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
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
