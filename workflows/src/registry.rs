//! The workflows of the product: the one list that every journal is opened with.

use std::sync::{Arc, LazyLock};

use untxt_engine::definition::{Definition, DefinitionError};
use untxt_engine::workflow::Workflows;

use crate::redrive::Letters;
use crate::resources::Resources;
use crate::webhooks::WebhookSettings;
use crate::{ocr, redrive, webhooks};

/// The workflows. Their code works with `resources` and `letters`; a workflow without
/// what its code needs can be read and submitted to, but not run.
///
/// # Errors
/// Never for these workflows; the engine checks every list alike.
pub(crate) fn workflows(
    webhooks: &WebhookSettings,
    resources: Option<&Arc<Resources>>,
    letters: Option<&Arc<Letters>>,
) -> Result<Workflows, DefinitionError> {
    Workflows::new([
        ocr::workflow(resources),
        redrive::workflow(letters),
        webhooks::workflow(webhooks, resources.is_some()),
    ])
}

/// The workflows without code, for a process that only reads or submits.
///
/// # Errors
/// Never for these workflows; the engine checks every list alike.
pub fn without_code(webhooks: &WebhookSettings) -> Result<Workflows, DefinitionError> {
    workflows(webhooks, None, None)
}

/// Names and order of the steps of the workflow called `name`, if there is one. The
/// retry policies are those of the default settings.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    static WORKFLOWS: LazyLock<Workflows> =
        LazyLock::new(|| without_code(&WebhookSettings::default()).unwrap_or_default());
    WORKFLOWS.definition(name)
}
