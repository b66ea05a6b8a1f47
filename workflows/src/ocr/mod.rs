//! The workflow `ocr`: download, ocr (once a page), upload-result, finalize.

pub mod input;

mod download;
pub(crate) mod failure;
mod finalize;
mod handover;
mod projection;
mod reading;
mod recognize;
mod told;
mod upload_result;

pub(crate) use download::Downloaded;
pub use handover::page as page_for_engine;
pub(crate) use told::{delivery_after, delivery_of};
pub use upload_result::{FailedFormat, ResultObject, ResultSummary};

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use untxt_engine::definition::Definition;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::state::RunState;
use untxt_engine::step::Step;
use untxt_engine::workflow::Workflow;

pub(crate) use projection::utc;

use crate::trace::Traced;
use crate::workbench::Workbench;
use input::TaskInput;
use projection::TaskProjection;

/// Name of the workflow, and of its queue.
pub const WORKFLOW: &str = "ocr";

// Names of the steps whose output or items others read.
pub(crate) const DOWNLOAD: &str = "download";
pub(crate) const RECOGNIZE: &str = "ocr";
pub(crate) const UPLOAD_RESULT: &str = "upload-result";

/// The workflow. Its code works on `bench`; without one it can be read and submitted
/// to, but not run.
#[must_use]
pub fn workflow(bench: Option<&Arc<Workbench>>) -> Workflow {
    let policy = RetryPolicy::default();
    let stores = RetryPolicy { timeout: Duration::from_secs(15 * 60), ..policy };
    let bench = || bench.cloned();
    Workflow::new(WORKFLOW, 1)
        .step(DOWNLOAD, stores, bench().map(|bench| traced(download::Download(bench))))
        .step_per_item(RECOGNIZE, policy, bench().map(|bench| traced(recognize::Recognize(bench))))
        .step(UPLOAD_RESULT, stores, bench().map(|bench| traced(upload_result::UploadResult(bench))))
        .step("finalize", policy, bench().map(|_| traced(finalize::Finalize)))
        .projection(TaskProjection)
}

/// The names and policies of its steps.
#[must_use]
pub fn definition() -> &'static Definition {
    static DEFINITION: LazyLock<Arc<Definition>> = LazyLock::new(|| Arc::clone(workflow(None).definition()));
    &DEFINITION
}

fn traced<S: Step>(step: S) -> Traced<S> {
    Traced { parent: |run: &RunState| TaskInput::of(run).ok()?.trace, step }
}
