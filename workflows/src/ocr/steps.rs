//! The steps of the workflow, in order, each with its retry policy.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use untxt_engine::definition::Definition;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::step::Step;
use untxt_engine::workflow::Workflow;

/// Name of the workflow, and of its queue.
pub const WORKFLOW: &str = "ocr";

// Names of the steps whose output or items others read.
pub(crate) const DOWNLOAD: &str = "download";
pub(crate) const RECOGNIZE: &str = "ocr";
pub(crate) const UPLOAD_RESULT: &str = "upload-result";

/// The workflow with the code of each step, if there is any.
pub(super) fn workflow(code: Option<[Arc<dyn Step>; 4]>) -> Workflow {
    let [download, recognize, upload_result, finalize] = match code {
        Some(code) => code.map(Some),
        None => [const { None }; 4],
    };
    let policy = RetryPolicy::default();
    let stores = RetryPolicy { timeout: Duration::from_secs(15 * 60), ..policy };
    // A PDF of 5,000 pages that are drawn takes most of it.
    let results = RetryPolicy { timeout: Duration::from_secs(60 * 60), ..policy };
    Workflow::new(WORKFLOW, 1)
        .step(DOWNLOAD, stores, download)
        .step_per_item(RECOGNIZE, policy, recognize)
        .step(UPLOAD_RESULT, results, upload_result)
        .step("finalize", policy, finalize)
}

/// The names and policies of its steps.
#[must_use]
pub fn definition() -> &'static Definition {
    static DEFINITION: LazyLock<Arc<Definition>> = LazyLock::new(|| Arc::clone(workflow(None).definition()));
    &DEFINITION
}
