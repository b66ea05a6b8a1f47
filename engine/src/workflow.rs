//! A definition together with the code of its steps.

use std::fmt;
use std::sync::Arc;

use crate::definition::Definition;
use crate::step::Step;

/// A workflow this program can run.
#[derive(Clone)]
pub struct Workflow {
    /// Its names, order and policies.
    pub definition: Definition,
    /// The code of its steps, in the order of the definition.
    pub steps: Vec<Arc<dyn Step>>,
}

impl Workflow {
    /// The code of the step at `position`, if there is one.
    #[must_use]
    pub fn step(&self, position: u16) -> Option<&Arc<dyn Step>> {
        self.steps.get(usize::from(position))
    }
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workflow").field("definition", &self.definition).finish_non_exhaustive()
    }
}
