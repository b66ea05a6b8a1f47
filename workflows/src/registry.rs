//! The workflows of the product: the one list that every journal is opened with.

use std::sync::{Arc, LazyLock};

use untxt_engine::definition::{Definition, DefinitionError};
use untxt_engine::workflow::Workflows;

use crate::redrive::Letters;
use crate::webhooks::WebhookSettings;
use crate::workbench::Workbench;
use crate::{ocr, redrive, webhooks};

/// What the code of the steps works with.
pub(crate) struct StepResources {
    pub(crate) bench: Arc<Workbench>,
    pub(crate) letters: Arc<Letters>,
}

/// The workflows; their code works with `resources`. Without them, for a process that
/// only reads or submits, they have no code.
///
/// # Errors
/// Never for these workflows; the engine checks every list alike.
pub(crate) fn workflows(
    webhooks: &WebhookSettings,
    resources: Option<&StepResources>,
) -> Result<Workflows, DefinitionError> {
    Workflows::new([
        ocr::workflow(resources.map(|resources| &resources.bench)),
        redrive::workflow(resources.map(|resources| &resources.letters)),
        webhooks::workflow(webhooks, resources.is_some()),
    ])
}

/// The workflows without code, for a process that only reads or submits.
///
/// # Errors
/// Never for these workflows; the engine checks every list alike.
pub fn without_code(webhooks: &WebhookSettings) -> Result<Workflows, DefinitionError> {
    workflows(webhooks, None)
}

/// Names and order of the steps of the workflow called `name`, if there is one. The
/// retry policies are those of the default settings.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    static WORKFLOWS: LazyLock<Workflows> =
        LazyLock::new(|| without_code(&WebhookSettings::default()).unwrap_or_default());
    WORKFLOWS.definition(name)
}
