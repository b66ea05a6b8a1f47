//! The workflow `ocr`: download, ocr (once a page), upload-result, finalize.

mod page_input;
mod page_result;
pub(crate) mod position;
mod webhook_event;

mod download;
mod recognize;
mod upload_result;

mod finalize;
mod projection;

pub(crate) use download::Downloaded;
pub use page_input::page as page_for_engine;
pub use upload_result::{FailedFormat, ResultObject, ResultSummary};
pub(crate) use webhook_event::{delivery_after, delivery_of};

use std::sync::Arc;
use std::time::Duration;

use untxt_engine::definition::{Definition, DefinitionError, Spread, StepDefinition};

use untxt_engine::retry::RetryPolicy;
use untxt_engine::state::RunState;
use untxt_engine::step::Step;
use untxt_engine::workflow::Workflow;

pub use projection::TaskProjection;
pub(crate) use projection::utc;

use crate::resources::Resources;
use crate::task_input::TaskInput;
use crate::trace::Traced;

/// Name of the workflow, and of its queue.
pub const WORKFLOW: &str = "ocr";

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

/// The workflow with its code, working with `resources`.
///
/// # Errors
/// See [`definition`].
pub(crate) fn workflow(resources: &Arc<Resources>) -> Result<Workflow, DefinitionError> {
    let steps = vec![
        traced("ocr.download", download::Download(Arc::clone(resources))),
        traced("ocr.ocr", recognize::Recognize(Arc::clone(resources))),
        traced("ocr.upload-result", upload_result::UploadResult(Arc::clone(resources))),
        traced("ocr.finalize", finalize::Finalize),
    ];
    Ok(Workflow { definition: definition()?, steps })
}

fn traced(name: &'static str, step: impl Step) -> Arc<dyn Step> {
    let parent = |run: &RunState| TaskInput::of(run).ok()?.trace;
    Arc::new(Traced { name, parent, step: Arc::new(step) })
}
