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

use std::sync::Arc;
use std::time::Duration;

use untxt_engine::definition::{Definition, DefinitionError, Spread, StepDefinition};

use untxt_engine::retry::RetryPolicy;
use untxt_engine::state::RunState;
use untxt_engine::step::Step;
use untxt_engine::workflow::Workflow;

pub use projection::TaskProjection;
pub(crate) use projection::utc;

use crate::trace::Traced;
use crate::workbench::Workbench;
use input::TaskInput;

/// Name of the workflow, and of its queue.
pub const WORKFLOW: &str = "ocr";

/// Where each step stands.
pub(crate) mod position {
    pub(crate) const RECOGNIZE: u16 = 1;
    pub(crate) const UPLOAD_RESULT: u16 = 2;
}

/// The steps in order, each with its retry policy.
///
/// # Errors
/// Never for the steps below; the engine checks every definition alike.
pub fn definition() -> Result<Definition, DefinitionError> {
    let stores = RetryPolicy { timeout: Duration::from_secs(15 * 60), ..RetryPolicy::default() };
    let step = |name, spread, policy| StepDefinition { name, spread, policy };
    let steps = vec![
        step("download", Spread::Once, stores),
        step("ocr", Spread::PerItem, RetryPolicy::default()),
        step("upload-result", Spread::Once, stores),
        step("finalize", Spread::Once, RetryPolicy::default()),
    ];
    Definition::new(WORKFLOW, 1, steps)
}

/// The workflow with its code, working on `bench`.
///
/// # Errors
/// See [`definition`].
pub fn workflow(bench: &Arc<Workbench>) -> Result<Workflow, DefinitionError> {
    let steps = vec![
        traced("ocr.download", download::Download(Arc::clone(bench))),
        traced("ocr.ocr", recognize::Recognize(Arc::clone(bench))),
        traced("ocr.upload-result", upload_result::UploadResult(Arc::clone(bench))),
        traced("ocr.finalize", finalize::Finalize),
    ];
    Ok(Workflow { definition: definition()?, steps })
}

fn traced(name: &'static str, step: impl Step) -> Arc<dyn Step> {
    let parent = |run: &RunState| TaskInput::of(run).ok()?.trace;
    Arc::new(Traced { name, parent, step: Arc::new(step) })
}
