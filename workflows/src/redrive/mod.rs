//! Going on after a death: how a task goes on, and the workflow that goes through
//! many dead letters.

mod actor;
mod definition;
mod options;

mod one;

pub mod bulk;
mod step;

pub use actor::Actor;
pub use definition::{TENANT, WORKFLOW, definition};
pub use one::RedriveError;
pub(crate) use one::{check_step, discard, redrive};
pub use options::RedriveOptions;
pub(crate) use step::Letters;

use std::sync::Arc;

use untxt_engine::definition::DefinitionError;
use untxt_engine::workflow::Workflow;

/// The workflow with its code.
///
/// # Errors
/// See [`definition`].
pub(crate) fn workflow(letters: &Arc<Letters>) -> Result<Workflow, DefinitionError> {
    Ok(Workflow { definition: definition()?, steps: vec![Arc::clone(letters) as _] })
}
