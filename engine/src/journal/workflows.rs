//! The workflows a journal decides for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::rows::Projection;
use crate::definition::Definition;

/// Definitions with their projections, by name.
#[derive(Clone, Default)]
pub struct Workflows(BTreeMap<&'static str, (Definition, Arc<dyn Projection>)>);

impl Workflows {
    /// These workflows. Of two with one name the later stands.
    #[must_use]
    pub fn new(workflows: Vec<(Definition, Arc<dyn Projection>)>) -> Self {
        Self(workflows.into_iter().map(|workflow| (workflow.0.name(), workflow)).collect())
    }

    /// The definition called `name`.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.0.get(name).map(|(definition, _)| definition)
    }

    /// What keeps the tables of the workflow called `name`.
    #[must_use]
    pub fn projection(&self, name: &str) -> Option<&dyn Projection> {
        self.0.get(name).map(|(_, projection)| &**projection)
    }
}

impl fmt::Debug for Workflows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
