//! The workflow `ocr`: download, ocr (once a page), upload-result, finalize.

mod upright;

mod page_input;
mod page_result;
mod steps;
mod text_layer;

mod webhook_event;

mod download;
mod recognize;
mod result_body;
mod result_pdf;
mod upload_result;

mod finalize;
mod projection;

pub(crate) use download::Downloaded;
pub use page_input::{page as page_for_engine, render_options};
pub(crate) use page_result::failed_page;
pub use upload_result::{FailedFormat, ResultObject, ResultSummary};
pub use upright::Upright;
pub(crate) use webhook_event::{delivery_after, delivery_of};

use std::sync::Arc;

use untxt_engine::state::RunState;
use untxt_engine::step::Step;
use untxt_engine::workflow::Workflow;

pub(crate) use projection::utc;
pub(crate) use steps::{RECOGNIZE, UPLOAD_RESULT};
pub use steps::{WORKFLOW, definition};

use crate::resources::Resources;
use crate::task_input::TaskInput;
use crate::trace::Traced;
use projection::TaskProjection;

/// The workflow. Its code works with `resources`; without them it can be read and
/// submitted to, but not run.
#[must_use]
pub(crate) fn workflow(resources: Option<&Arc<Resources>>) -> Workflow {
    let code = resources.map(|resources| {
        let resources = || Arc::clone(resources);
        [
            traced(download::Download(resources())),
            traced(recognize::Recognize(resources())),
            traced(upload_result::UploadResult(resources())),
            traced(finalize::Finalize),
        ]
    });
    steps::workflow(code).projection(TaskProjection)
}

fn traced(step: impl Step) -> Arc<dyn Step> {
    Arc::new(Traced { parent: |run: &RunState| TaskInput::of(run).ok()?.trace, step })
}
