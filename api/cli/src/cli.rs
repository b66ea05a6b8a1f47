//! All commands. The arguments of each are beside its code.

use clap::{Parser, Subcommand};

use crate::bench::BenchArguments;
use crate::dead_letters::DeadLettersArguments;
use crate::doctor::DoctorArguments;
use crate::keys::KeysArguments;
use crate::migrate::MigrateArguments;
use crate::ocr::OcrArguments;
use crate::plugin::cli::PluginArguments;
use crate::queues::QueuesArguments;
use crate::redrives::RedrivesArguments;
use crate::retries::RetriesArguments;
use crate::serve::ServeArguments;
use crate::stack::StackArguments;
use crate::tasks::TasksArguments;
use crate::workers::WorkersArguments;

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
    /// List, group, show, redrive and discard dead letters.
    DeadLetters(DeadLettersArguments),
    /// List, stop and resume bulk redrives; change their rates.
    Redrives(RedrivesArguments),
    /// List, pause and resume queues; limit tenants.
    Queues(QueuesArguments),
    /// List workers and the steps they hold; drain and resume one.
    Workers(WorkersArguments),
    /// List pending retries; retry now or give up.
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
