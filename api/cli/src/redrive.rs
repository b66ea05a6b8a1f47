//! The options of commands that resume tasks.

use clap::Args;
use untxt_workflows::redrive::RedriveOptions;

#[derive(Debug, Args)]
pub(crate) struct RedriveArguments {
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

impl RedriveArguments {
    /// These arguments as redrive options.
    pub(crate) fn how(&self) -> RedriveOptions {
        RedriveOptions {
            from_step: self.from_step.clone(),
            engine: self.engine.clone(),
            only_failed_pages: self.only_failed_pages,
        }
    }
}
